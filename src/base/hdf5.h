/* Reading HDF5 files that may hold anything, every call checking before it uses, and writing small
   ones. On one rank; HDF5's own traces are switched off, the sentences replace them. Private to the
   layers from case/ up. */
#ifndef MUDOT_HDF5_H
#define MUDOT_HDF5_H

#include "mudot.h"

#include <hdf5.h>

/* Opens a file for reading; the caller closes it with H5Fclose(). MU_ERR_FILE: there is no such
   file, it is a folder, or not an HDF5 file. */
PetscErrorCode MuHdf5Open(const char *path, hid_t *file);

/* Number of dimensions, 0 .. most, and extents [most] of a dataset of numbers. MU_ERR_FILE: there
   is no such dataset, it does not hold numbers, it has more dimensions or more than PETSC_MAX_INT
   values. `path` begins the sentences. */
PetscErrorCode MuHdf5Shape(hid_t file, const char *path, const char *name, PetscInt most,
                           PetscInt *dims, PetscInt extent[]);

/* All values of a dataset, or those of item `index` along its first dimension if index >= 0:
   `count` of them. MU_ERR_FILE: they cannot be read, or are another number, as in a file that
   grows. Infinite values and NaN are the caller's to refuse. */
PetscErrorCode MuHdf5Read(hid_t file, const char *path, const char *name, PetscInt index,
                          PetscInt count, PetscReal *values);

/* A text attribute of the root; *text is NULL if there is none, freed by the caller with
   PetscFree(). MU_ERR_FILE: it is not a text. */
PetscErrorCode MuHdf5Text(hid_t file, const char *path, const char *name, char **text);

/* ------------------------------------------------------------------ writing */

/* A new file in memory, closed by MuHdf5Finish(); negative if there is none. HDF5 keeps files half
   closed whose writing failed, and crashes over them: so it writes none of these. */
hid_t MuHdf5Create(void);
/* Closes it, and unless it is `wrong` writes it as a new file in place of what has this name; a
   symbolic link is replaced, never followed. Not 0, with errno, if that failed; `wrong` is returned
   as it is. */
int MuHdf5Finish(hid_t file, const char *path, int wrong);

/* A text or number as an attribute of an open object, and a dataset of doubles. Not 0 if HDF5
   failed; the caller has the sentence. */
int MuHdf5PutText(hid_t at, const char *name, const char *text);
int MuHdf5PutNumber(hid_t at, const char *name, double value);
int MuHdf5PutArray(hid_t at, const char *name, int rank, const hsize_t *shape,
                   const double *values);

#endif
