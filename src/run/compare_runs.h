/* mudot compare RUN RUN2: two stored flows. Private to run/ and the commands. */
#ifndef MUDOT_RUN_COMPARE_RUNS_H
#define MUDOT_RUN_COMPARE_RUNS_H

#include "mudot/output.h"

/* Whether a file or directory is that of a flow on a grid. Not collective. */
PetscBool MuIsStoredRun(const char *file);
/* Prints the distances of two runs at the snapshots that both have, or those of the times given, as
   means over the coarser cells, beside the errors that they state. Every rank reads, rank 0 of
   `comm` prints. MU_ERR_INPUT: other boxes, cells that are not nested, no common time; MU_ERR_FILE.
 */
PetscErrorCode MuCompareRuns(MPI_Comm comm, const char *run, const char *other, PetscInt times,
                             const PetscReal time[]);

#endif
