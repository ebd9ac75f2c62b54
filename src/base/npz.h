/* NumPy's archives of arrays (.npz), which are ZIP files. On one rank. Private to base/. */
#ifndef MUDOT_NPZ_H
#define MUDOT_NPZ_H

#include "mudot/base.h"

#include <stdio.h>

/* The bytes of array.npy, or of the only array if `array` is NULL, [*size] with room for one more,
   freed by the caller with PetscFree(). MU_ERR_FILE: the archive is damaged or encrypted, has no
   such array, or has several and none is named; the sentence lists them. */
PetscErrorCode MuNpzExtract(const char *key, const char *path, const char *array,
                            unsigned char **bytes, size_t *size);

#endif
