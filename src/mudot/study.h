/* Studies: sweeps of one parameter with a verdict. */
#ifndef MUDOT_STUDY_H
#define MUDOT_STUDY_H

#include "mudot/case.h"

/* Sweeps of one parameter with a verdict: the `study` block of a study file names a case, a key and
   its values; other blocks of the file override keys of the case. Every value is one run on one
   rank; the runs are shared out among the ranks. */
typedef struct _p_MuStudy *MuStudy;

typedef enum { MU_VERDICT_HOLDS, MU_VERDICT_FAILS, MU_VERDICT_UNDECIDED } MuStudyVerdict;

/* What came out; the same on every rank, owned by the study. */
typedef struct {
  MuStudyVerdict verdict;
  PetscBool stopped;             /* by a signal, with runs to be done: there is no verdict */
  PetscReal order, order_stderr; /* of the leading error; rate: the fitted exponent */
  PetscReal expected;            /* NaN: nothing was claimed */
  PetscInt rows, columns, times;
  const char *const *names; /* [columns] */
  const PetscReal *table;   /* row-major [rows][columns] */
  const PetscReal *time;    /* [times] of the curves */
  const char *notes;        /* sentences, one a line */
} MuStudyResult;

/* The exact solutions of study_exact and what each needs of the case; *name is NULL past the end.
 */
PetscErrorCode MuExactGetTableRow(PetscInt i, const char **name, const char **needs);

/* Reads what the file asks for and builds the case once, to find mistakes. Collective.
   MU_ERR_INPUT: one sentence with the key, the value and what is allowed; MU_ERR_FILE. */
PetscErrorCode MuStudyCreate(MuCase file, MuStudy *study);
/* Does the runs that output_directory does not hold yet, writes study.csv row by row and study.h5,
   prints the table and the verdict. SIGTERM, SIGINT and SIGHUP stop within the runs that go on. A
   run whose numerics fail is reported in its row. Collective. MU_ERR_INPUT: the directory holds the
   results of another or a finished study; MU_ERR_FILE. */
PetscErrorCode MuStudySolve(MuStudy study);
PetscErrorCode MuStudyGetResult(MuStudy study, MuStudyResult *result);
PetscErrorCode MuStudyDestroy(MuStudy *study);

#endif
