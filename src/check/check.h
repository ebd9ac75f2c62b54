/* The conformance suite on one operator or one energy of the tables, as a table of its own: what a
   descriptor promises, measured on small grids. Private to check/ and command/. */
#ifndef MUDOT_CHECK_H
#define MUDOT_CHECK_H

#include "mudot/energy.h"
#include "mudot/flow.h"
#include "mudot/geometry.h"

typedef enum { MU_CHECK_PASSED, MU_CHECK_FAILED, MU_CHECK_SKIPPED } MuCheckOutcome;

#define MU_MAX_CHECKS 16

/* One line of the table. */
typedef struct {
  const char *what; /* a few words */
  PetscReal measured, allowed;
  MuCheckOutcome outcome;
  char note[96]; /* where it was skipped: why; else what was measured */
} MuCheckRow;

typedef struct {
  PetscInt rows;
  MuCheckRow row[MU_MAX_CHECKS];
} MuCheckTable;

/* Adds a line that passes if measured <= allowed. NaN fails. */
void MuCheckAdd(MuCheckTable *table, const char *what, const char *note, PetscReal measured,
                PetscReal allowed);
void MuCheckSkip(MuCheckTable *table, const char *what, const char *why);
/* Prints the table and its line of totals; *failed is the number of lines that failed. */
void MuCheckPrint(FILE *out, const MuCheckTable *table, PetscInt *failed);

/* A summand of the table with numbers and a kernel that are allowed: required numbers in the middle
   of their range, a kernel of the default family and the bandwidth given (`tame`: of one with an
   inverse that does not amplify rounding). The caller destroys summand->kernel.
   MU_ERR_INPUT: there is no such name (with the nearest). */
PetscErrorCode MuCheckSummand(MuSummandTable infos, MuTableRow rows, const char *kind,
                              const char *name, PetscInt dim, PetscReal bandwidth, PetscBool tame,
                              MuSummand *summand, MuSummandInfo *info);

/* A smooth positive density of mass 1 on [-1, 1]^dim, number 0, 1, ...: the same on any grid. */
PetscErrorCode MuCheckDensity(MuGrid grid, PetscInt number, Vec *rho);
/* A smooth field, number 0, 1, ... */
PetscErrorCode MuCheckField(MuGrid grid, PetscInt number, Vec *xi);
/* A grid on [-1, 1]^dim with walls. */
PetscErrorCode MuCheckGrid(MPI_Comm comm, PetscInt dim, PetscInt cells, MuGrid *grid);
/* Adds the line "flow": one step from rho, as the scheme `auto` makes it, lets the energy fall at
   the rate -2 R*(rho, -DF), up to what steps of dt and dt/2 tell of an error of first order. */
PetscErrorCode MuCheckFlow(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec rho,
                           MuCheckTable *table);
/* Adds the line of a limit: halving a small parameter divides the error by 2^order; without a
   declared order error[1] must be small. */
void MuCheckOrder(MuCheckTable *table, const char *what, const PetscReal error[2],
                  const MuLimit *limit);
/* Adds the line that compares what `measure` finds on one rank and on all. Collective. */
typedef PetscErrorCode (*MuCheckMeasure)(MPI_Comm comm, const char *name, PetscReal value[2]);
PetscErrorCode MuCheckRanks(MPI_Comm comm, const char *name, MuCheckMeasure measure,
                            const char *note, PetscReal allowed, MuCheckTable *table);
/* Largest |a_i|, and |a_i - b_i|, over all ranks. */
PetscErrorCode MuCheckLargest(Vec a, Vec b, PetscReal *largest);

/* The whole suite. Collective. MU_ERR_INPUT: there is no such name. */
PetscErrorCode MuCheckGeometry(MPI_Comm comm, const char *name, MuCheckTable *table);
PetscErrorCode MuCheckEnergy(MPI_Comm comm, const char *name, MuCheckTable *table);

#endif
