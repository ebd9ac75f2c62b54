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

/* A table of points: one point per line; lines that are empty or begin with # are skipped, and so
   is the mark that UTF-8 may begin with. Fields are separated by commas, semicolons, tabs or
   blanks, whichever gives the first two lines equally many fields; all lines have as many, but for
   empty ones at their end. Where commas do not separate fields they may be decimal ones. The first
   line is a header if none of its fields is a number or begins like one. Or an array of NumPy
   (.npy), [n] or [n][columns], whose columns have numbers only. */
typedef struct {
  const char *key; /* begins the sentences of errors, as in KEY_file; NULL: none */
  const char *file;
  PetscInt dim; /* coordinates to be read */
  /* [dim] names of the header or numbers counted from 1; NULL, or one of them NULL or "":
     coordinate a is column a + 1 */
  const char *const *columns;
  /* of the coordinates, those that the file may do without: it decides whether a table of integers
     without a header might be half as many numbers with decimal commas, and is refused */
  PetscInt optional;
  const char *array; /* of an archive of arrays (.npz), NULL: the only one; nothing else has any */
} MuPointsSpec;

/* What MuSamplesRead() found. */
typedef struct {
  char delimiter; /* 0: one column */
  PetscBool header, decimal_comma;
  PetscInt columns; /* of the file */
} MuPointsLayout;

/* points [n][dim], freed by the caller with PetscFree(); layout may be NULL. Read on rank 0, the
   same on every rank; collective. MU_ERR_FILE: no such file. MU_ERR_INPUT: no such column, or two
   of its name; a field that is not a finite number, a line of another number of fields, a quote
   without end (all named by their line); decimal commas beside points; a table that can be read in
   two ways; no points. */
PetscErrorCode MuSamplesRead(MPI_Comm comm, const MuPointsSpec *spec, MuPointsLayout *layout,
                             PetscInt *n, PetscReal **points);

/* "is read with semicolons between its columns and decimal commas", "" where commas separate them
   or there is one column. */
const char *MuPointsDescribe(const MuPointsLayout *layout, PetscInt size, char *text);

/* The first line of such a file: its number of fields, whether it is a header, and for each of the
   names its column counted from 1, 0 if the header does not have it. Collective. MU_ERR_FILE;
   MU_ERR_INPUT: an empty file. */
PetscErrorCode MuSamplesHeader(MPI_Comm comm, const char *key, const char *file, PetscInt count,
                               const char *const names[], PetscInt *fields, PetscBool *header,
                               PetscInt column[]);

/* The binned empirical measure of points [n][dim] as a density: the weight 1/n of a point is shared
   linearly among the 2^dim cells whose centres surround it; at a wall the outermost cell takes all,
   a periodic axis wraps, also points beyond it. density [count]; its integral over all cells is 1
   to rounding (a mask is not looked at). MU_ERR_INPUT: a point beyond a wall. Collective. */
PetscErrorCode MuSamplesBin(const MuCells *cells, PetscInt n, const PetscReal *points,
                            PetscReal *density);

/* log of the Gaussian kernel density estimate at the cell centres, 1/n sum_i prod_a
   N(x_a; x_ia, h_a^2), summed exactly (no transform; a periodic axis sums the images), by
   log-sum-exp where the sum would underflow. Along an axis whose h is below the spacing it is the
   mean over the cell. h[a] > 0. Not collective. */
PetscErrorCode MuSamplesLogKde(const MuCells *cells, PetscInt n, const PetscReal *points,
                               const PetscReal h[2], PetscReal *log_density);

/* Scott's rule h_a = n^(-1/(dim+4)) sigma_a, sigma_a the standard deviation of coordinate a,
   circular on a periodic axis. MU_ERR_INPUT: fewer than two points, or a coordinate without spread.
 */
PetscErrorCode MuSamplesBandwidth(const char *key, const MuCells *cells, PetscInt n,
                                  const PetscReal *points, PetscReal h[2]);

/* Moves points [n][dim] by whole periods into the box, where an axis is periodic, and keeps those
   that are in it then, *inside of them, in their order. */
void MuSamplesMoveInside(const MuCells *cells, PetscInt n, PetscReal *points, PetscInt *inside);

#endif
