/* Images and tables of points. */
#ifndef MUDOT_MEASURE_SAMPLES_H
#define MUDOT_MEASURE_SAMPLES_H

#include "mudot/measure.h"

/* A portable grey map, P2 or P5, 8 or 16 bits, as values 0 (black) to 1 (white), [height][width]
   with the bottom row of the image first, like a field: the top of the image is the largest y.
   `values` is freed by the caller with PetscFree(). Read on rank 0, the same on every rank;
   collective. MU_ERR_FILE. */
PetscErrorCode MuPgmRead(MPI_Comm comm, const char *file, PetscInt *width, PetscInt *height,
                         PetscReal **values);

/* Points from a CSV file: one point per line, comma-separated, lines that are empty or begin with #
   skipped. The first line is a header unless all its fields are numbers. columns[a] selects
   coordinate a < dim by name or by number counted from 1; NULL or "": column a + 1. points
   [n][dim], freed by the caller with PetscFree(). `key` (NULL: none) begins the sentence of an
   error. Read on rank 0, the same on every rank; collective. MU_ERR_FILE: no such file;
   MU_ERR_INPUT: no such column, a field that is not a finite number (named by its line), no points.
 */
PetscErrorCode MuSamplesRead(MPI_Comm comm, const char *key, const char *file,
                             const char *const columns[], PetscInt dim, PetscInt *n,
                             PetscReal **points);

/* The first line of such a file: its number of fields, whether it is a header, and for each of the
   names its column counted from 1, 0 if the header does not have it. Collective. MU_ERR_FILE;
   MU_ERR_INPUT: an empty file. */
PetscErrorCode MuSamplesHeader(MPI_Comm comm, const char *key, const char *file, PetscInt count,
                               const char *const names[], PetscInt *fields, PetscBool *header,
                               PetscInt column[]);

/* The binned empirical measure of points [n][dim] as a density: the weight 1/n of a point is shared
   linearly among the 2^dim cells whose centres surround it; at a wall the outermost cell takes all,
   a periodic axis wraps. density [count]; its integral over all cells is 1 to rounding (a mask is
   not looked at). MU_ERR_INPUT: a point outside the box. Collective. */
PetscErrorCode MuSamplesBin(const MuCells *cells, PetscInt n, const PetscReal *points,
                            PetscReal *density);

/* log of the Gaussian kernel density estimate at the cell centres, 1/n sum_i prod_a
   N(x_a; x_ia, h_a^2), summed exactly (no transform; a periodic axis sums the images), by
   log-sum-exp where the sum would underflow. h[a] > 0. Not collective. */
PetscErrorCode MuSamplesLogKde(const MuCells *cells, PetscInt n, const PetscReal *points,
                               const PetscReal h[2], PetscReal *log_density);

/* Scott's rule h_a = n^(-1/(dim+4)) sigma_a, sigma_a the standard deviation of coordinate a.
   MU_ERR_INPUT: fewer than two points, or a coordinate without spread. */
PetscErrorCode MuSamplesBandwidth(const char *key, PetscInt n, PetscInt dim,
                                  const PetscReal *points, PetscReal h[2]);

#endif
