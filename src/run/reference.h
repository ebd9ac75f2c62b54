/* mudot reference: a run with an error bar. Private to run/ and the commands. */
#ifndef MUDOT_RUN_REFERENCE_H
#define MUDOT_RUN_REFERENCE_H

#include "run/refinement.h"

#define MU_LEAST_ACCURACY 1e-9
#define MU_MOST_ACCURACY  0.5

typedef struct {
  PetscReal accuracy; /* of every snapshot, from MU_LEAST_ACCURACY to MU_MOST_ACCURACY */
  MuNorm norm;        /* L1, HELLINGER or W1 */
  PetscInt max_cells; /* of the finest grid along an axis; 0: as the memory allows */
} MuReferenceSpec;

/* Solves a case on grids of 1, 2, 4, ... times its cells, from a tolerance far below the accuracy,
   until the estimated error of every snapshot is below it, and writes a run directory on the cells
   of the case with /error and /moments. Prints a line per grid, then what was reached. *reached:
   the accuracy was. Collective. MU_ERR_INPUT: a case that has no limit on finer grids, or whose
   three grids do not fit into memory or -max_cells; MU_ERR_NUMERICS: one of the first three grids
   failed; MU_ERR_FILE. */
PetscErrorCode MuReferenceSolve(MuCase c, const MuReferenceSpec *spec, PetscBool *reached);

#endif
