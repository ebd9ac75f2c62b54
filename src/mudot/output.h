/* What runs leave: reading stored runs, clouds of particles, the page of results. */
#ifndef MUDOT_OUTPUT_H
#define MUDOT_OUTPUT_H

#include "mudot/base.h"

/* What a run's file holds; read only, owned by the reader. */
typedef struct {
  PetscInt dim, cells[2]; /* cells[1] = 1 in 1-D */
  PetscReal lower[2], upper[2], volume;
  PetscBool periodic[2];     /* from the stored case */
  const unsigned char *mask; /* [ny][nx], 1 = inside */
  PetscInt times;
  const PetscReal *time;          /* [times] */
  const char *case_text, *status; /* attributes */
} MuRunInfo;

typedef struct _p_MuRunReader *MuRunReader;
/* Opens DIRECTORY/run.h5 (given as such or by its directory) or a file of its layout, finished or
   not. Everything that is read is checked before it is used. Without the attribute case the box is
   that of the cells' centres, and no axis is periodic. Not collective: every rank that calls opens
   the file. MU_ERR_FILE: it cannot be read, or is not such a file; the sentence says what is wrong
   with it. */
PetscErrorCode MuRunReaderCreate(const char *file, MuRunReader *reader);
PetscErrorCode MuRunReaderDestroy(MuRunReader *reader);
PetscErrorCode MuRunReaderGetInfo(MuRunReader reader, const MuRunInfo **info);
/* Snapshot `index`, from 0, as [ny][nx]: finite numbers, of either sign. MU_ERR_INPUT: there is no
   such snapshot; MU_ERR_FILE. */
PetscErrorCode MuRunReaderSnapshot(MuRunReader reader, PetscInt index, PetscReal *density);
/* The density at a time, linear between snapshots: the mixture of the two. Times within 1e-9,
   relative, of a snapshot are that snapshot. MU_ERR_INPUT: a time that the run does not cover. */
PetscErrorCode MuRunReaderAt(MuRunReader reader, PetscReal time, PetscReal *density);

/* A cloud to be written. */
typedef struct {
  const char *file; /* ends in .csv, .npy or .h5; NULL: CSV on standard output */
  PetscBool overwrite;
  PetscInt n, dim;
  PetscReal time;
  const PetscReal *position; /* [n][dim] */
  const char *origin;        /* one line: where it comes from */
  const char *case_text;     /* .h5: attribute case; NULL or "": none */
} MuCloudFile;
/* CSV: a comment with the origin, the header x[,y], a row per particle. HDF5: the datasets of
   particles.h5 with one time and equal weights. A file appears whole or not at all. Not
   collective. MU_ERR_INPUT: another ending, a file that is there; MU_ERR_FILE. */
PetscErrorCode MuCloudWrite(const MuCloudFile *cloud);

/* Clouds over time, read from files. */
typedef struct _p_MuCloudReader *MuCloudReader;
/* A particles.h5 (by its name or its directory: /time [ns], /position [ns, n, dim], /weight [ns,
   n]), or a CSV file with the columns x[,y][,w][,t], by a header in any order, without one in the
   order x[,y][,w]; t, if there, must not fall. `time` is that of a CSV file without t. Weights are
   equal if there are none. Collective. MU_ERR_INPUT: another dimension than dim, a missing column,
   text, NaN, a negative weight, no mass, with the number of the row; MU_ERR_FILE. */
PetscErrorCode MuCloudReaderCreate(MPI_Comm comm, const char *file, PetscInt dim, PetscReal time,
                                   MuCloudReader *cloud);
PetscErrorCode MuCloudReaderDestroy(MuCloudReader *cloud);
/* Ascending times [times]; timed: they are the file's own. Borrowed. */
PetscErrorCode MuCloudReaderGetTimes(MuCloudReader cloud, PetscInt *times, const PetscReal **time,
                                     PetscBool *timed);
/* The cloud at time `index`: positions [n][dim], weights [n] of sum 1 and the sum that they had;
   borrowed until the next call. Collective. Errors as above, MU_ERR_FILE. */
PetscErrorCode MuCloudReaderGet(MuCloudReader cloud, PetscInt index, PetscInt *n,
                                const PetscReal **position, const PetscReal **weight,
                                PetscReal *mass);

/* What a report shows. Everything is borrowed. */
typedef struct {
  PetscInt directories; /* > 0 */
  const char **directory;
  const char *output;  /* NULL: DIRECTORY/report.html, or report.html here if there are several */
  PetscBool overwrite; /* also what is not an earlier report */
  PetscInt tables;     /* whose formulas the page may write out */
  const char *const *table_names;
  PetscErrorCode (*const *table_rows)(PetscInt i, const char **name, const char **formula);
} MuReportSpec;

/* Writes one self-contained page of the runs, studies, particles and comparisons in the
   directories, and its name to path. Rank 0 writes. Collective. MU_ERR_INPUT: nothing to show, or
   something else than a report is in the way; MU_ERR_FILE: a file cannot be read or written. */
PetscErrorCode MuReportWrite(MPI_Comm comm, const MuReportSpec *spec,
                             char path[PETSC_MAX_PATH_LEN]);

#endif
