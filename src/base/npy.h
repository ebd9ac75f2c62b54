/* NumPy's files of one array (.npy), and archives of them (.npz). On one rank. Private to the
 * layers from measure/ up. */
#ifndef MUDOT_NPY_H
#define MUDOT_NPY_H

#include "mudot/base.h"

#include <stdio.h>

/* Whether the file begins as one; FALSE if it cannot be read. */
PetscBool MuNpyRecognise(const char *path);

/* The array as doubles, row-major whatever its own order, of 1 .. most dimensions: extents [most],
   values freed by the caller with PetscFree(). float32 and float64 of either byte order, format 1.0
   to 3.0; values may be infinite or NaN. `array`: of an archive, NULL: the only one. `key` (NULL:
   none) begins the sentence. MU_ERR_FILE: it cannot be read, is cut off, holds another type or more
   dimensions, or no such array. */
PetscErrorCode MuNpyRead(const char *key, const char *path, const char *array, PetscInt most,
                         PetscInt *dims, PetscInt extent[], PetscReal **values);

/* [n][dim] as float64; not 0 with errno if it cannot be written. */
int MuNpyWrite(FILE *out, PetscInt n, PetscInt dim, const PetscReal *values);

#endif
