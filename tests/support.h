/* What every test program shares: start, end, grids and small comparisons. */
#ifndef MUDOT_TESTS_SUPPORT_H
#define MUDOT_TESTS_SUPPORT_H

#include "mudot.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In a test: fails it with mudot's sentence if the call returns an error. */
#define OK(call)                                                                                   \
  do {                                                                                             \
    PetscErrorCode code_ = (call);                                                                 \
    ck_assert_msg(code_ == 0, "%s: error %d: %s", #call, (int)code_, MuErrorMessage());            \
  } while (0)

/* Runs the suite between MuInitialize() and MuFinalize() on every rank; all ranks must agree.
 * Returns main's status. */
int TestMain(int argc, char **argv, Suite *(*make_suite)(void));

/* Whether a short run is wanted, under sanitizers and on more ranks than cores: the same tests on
   fewer or smaller cases. */
PetscBool TestQuick(void);

/* A folder of one's own, /tmp/mudot-NAME-..., the same on every rank; and its end. */
void TestFolderCreate(const char *name, char folder[PETSC_MAX_PATH_LEN]);
void TestFolderRemove(const char *folder);

/* Whether ranks share memory: "true", "false", or NULL for the default, if there is much of it. */
void TestShareMemory(const char *share);

/* Opens a shipped study with overrides "key value key value ..." and results in folder/out. */
PetscErrorCode TestStudyOpen(MPI_Comm comm, const char *name, const char *folder, const char *out,
                             const char *overrides, MuStudy *study);

/* Grid on MPI_COMM_WORLD: [lower, upper]^dim with n[0], n[1] cells. */
MuGrid TestGrid(PetscInt dim, PetscInt nx, PetscInt ny, PetscReal lower, PetscReal upper,
                PetscBool periodic);

/* A field with f(x, y) at the cell centres, zero outside the mask. */
Vec TestField(MuGrid grid, PetscReal (*f)(PetscReal x, PetscReal y));

/* A reproducible field of uniform numbers in (low, high): the same cells get the same numbers on
 * any number of ranks. */
Vec TestRandomField(MuGrid grid, unsigned seed, PetscReal low, PetscReal high);

/* The field as a global array on every rank, [ny][nx]; free() it. */
PetscReal *TestGather(MuGrid grid, Vec f);

/* Least-squares slope of log y against log x. */
PetscReal TestSlope(PetscInt n, const PetscReal *x, const PetscReal *y);

/* The numbers that tests give: every summand takes those whose flat keys it has. */
typedef struct {
  PetscReal power_exponent, internal_exponent, mobility_exponent, ridge;
  PetscReal lambda; /* of energies; 0: 0.3 */
} TestNumbers;

/* A summand of a table with its numbers; those that are not among TestNumbers have their default.
 */
MuSummand TestSummand(MuSummandTable table, const char *name, PetscReal weight,
                      TestNumbers numbers);

/* Largest |f - g| over all cells. */
PetscReal TestMaxDifference(Vec f, Vec g);

#endif
