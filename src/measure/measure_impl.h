/* Private to measure/. */
#ifndef MUDOT_MEASURE_IMPL_H
#define MUDOT_MEASURE_IMPL_H

#include "measure/samples.h"
#include "mudot.h"

/* Whether the file begins as a portable grey map; rank 0 only. MU_ERR_FILE: it cannot be opened. */
PetscErrorCode MuPgmRecognise(const char *key, const char *file, PetscBool *is_pgm);

/* MuPgmRead() on one rank. */
PetscErrorCode MuPgmReadLocal(const char *file, PetscInt *width, PetscInt *height,
                              PetscReal **values);

/* MuSamplesRead() and the number of columns of an array of NumPy, [n] or [n][columns]; one rank. */
PetscErrorCode MuSamplesReadNpy(const MuPointsSpec *spec, PetscInt *n, PetscReal **points);
PetscErrorCode MuSamplesNpyFields(const MuPointsSpec *spec, PetscInt *fields);

/* A dataset of doubles of one or two dimensions; one rank. shape[0] = 1 for one dimension. values
   is freed by the caller with PetscFree(). MU_ERR_FILE: no such file or dataset, not numbers. */
PetscErrorCode MuDatasetRead(const char *file, const char *dataset, PetscInt *dim,
                             PetscInt shape[2], PetscReal **values);
/* Whether it is the run.h5 of a run: it has a ledger. One rank. MU_ERR_FILE: it cannot be read. */
PetscErrorCode MuDatasetIsOfRun(const char *file, PetscBool *is_of_run);

#endif
