/* run.h5 or particles.h5, written by one process. Private to output/. */
#ifndef MUDOT_RUN_FILE_H
#define MUDOT_RUN_FILE_H

#include "mudot/columns.h"
#include "mudot/grid.h"

#include <hdf5.h>

#define MU_MOST_SERIES 2

typedef struct {
  const char *directory, *file; /* DIRECTORY/run.h5 */
  MuColumns columns;            /* of the ledger, at least t, which is the first; copied */
  PetscInt rows, snapshots;     /* of the run that goes on, 0 of a new one */
} MuRunFileSpec;

/* A dataset that gets one item with every snapshot: [snapshots][item[0]][item[1]]. */
typedef struct {
  const char *name, *doc;
  int rank; /* of the item, 1 or 2 */
  hsize_t item[2];
  const char *dimension[2]; /* names of the item's */
  hid_t set;                /* open only while appending is on */
} MuRunSeries;

typedef struct {
  char path[PETSC_MAX_PATH_LEN];    /* DIRECTORY/run.h5 */
  char partial[PETSC_MAX_PATH_LEN]; /* its name until it is published */
  int series_count;
  MuRunSeries series[MU_MOST_SERIES]; /* density; or position, weight */
  MuColumns own;                      /* a copy of the spec's */
  PetscInt columns;
  const MuColumn *column;            /* [columns] */
  hid_t access, file, time, *ledger; /* datasets are open only while appending is on */
  hsize_t snapshots, rows;           /* of this run; a resumed file may hold more */
  PetscBool published;
} MuRunFile;

/* What stands at one of the nodes of the file besides datasets. */
typedef struct {
  const char *object, *name, *text;
} MuRunAttribute;

/* Makes the file with its groups and empty datasets under a partial name, after
   MuRunFileAddSeries(). */
PetscErrorCode MuRunFileCreate(MuRunFile *f, const MuRunFileSpec *spec);
void MuRunFileAddSeries(MuRunFile *f, const MuRunSeries *series);
/* /grid and an empty /target; before publishing. mask: global field. /x, /y and /mask are hard
   links to those of the grid: netCDF looks for the dimensions of /density beside it and above. */
PetscErrorCode MuRunFileSetGrid(MuRunFile *f, const MuGridInfo *info, const PetscReal *mask);
/* Opens the file of an earlier run for appending behind its first `rows` and `snapshots`.
   The series are named by MuRunFileAddSeries() before. MU_ERR_FILE if it holds less. */
PetscErrorCode MuRunFileResume(MuRunFile *f, const MuRunFileSpec *spec);
/* Shortens all series to what this run has written. */
PetscErrorCode MuRunFileCut(MuRunFile *f);
/* Brings what was written to the disk. */
PetscErrorCode MuRunFileSync(MuRunFile *f);
/* The first n rows, [n][columns], of a file that is open. */
PetscErrorCode MuRunFileReadRows(MuRunFile *f, PetscInt n, PetscReal *rows);
/* A text attribute of an object, made or replaced; at any time. */
PetscErrorCode MuRunFileSetAttribute(MuRunFile *f, const MuRunAttribute *attribute);
PetscErrorCode MuRunFileSetInteger(MuRunFile *f, const char *name, int value);
/* /target/log_density; before publishing. values: global field. */
PetscErrorCode MuRunFileSetTarget(MuRunFile *f, const PetscReal *values);
/* Names the dimensions of all series and columns, and gives the file its name; from here on any
   reader may open it at any moment. */
PetscErrorCode MuRunFilePublish(MuRunFile *f);
/* A number at each of the n snapshots that are there, in a new dataset GROUP/NAME, the group made
   where it is missing; after publishing. */
PetscErrorCode MuRunFileAddNumbers(MuRunFile *f, const char *name, const char *doc, PetscInt n,
                                   const PetscReal *values);
/* Appends an item to every series; /time is written last, so that its length counts finished
   snapshots. */
PetscErrorCode MuRunFileAddSnapshot(MuRunFile *f, PetscReal t, const PetscReal *const values[]);
/* rows: [n][columns]; column 0 is written last, so that its length counts finished rows. */
PetscErrorCode MuRunFileAddRows(MuRunFile *f, PetscInt n, const PetscReal *rows);
/* Closes the file; removes it if it was not published. */
PetscErrorCode MuRunFileClose(MuRunFile *f);

/* What viewers are told of. */
typedef struct {
  const char *directory;
  const MuGridInfo *info;  /* of densities; NULL: particles */
  PetscBool target;        /* whether there is /target/log_density */
  PetscInt particles, dim; /* of a cloud */
  PetscInt snapshots;
  const PetscReal *times; /* [snapshots] */
} MuXdmf;

/* run.xdmf (version 3) and run.xmf (version 2) beside run.h5, of a cloud in the plane
   particles.xdmf and particles.xmf, each written under another name and renamed; nothing of other
   clouds. */
PetscErrorCode MuXdmfWrite(const MuXdmf *xdmf);
/* Those that an earlier run has left in a directory. */
void MuXdmfRemove(const char *directory);

#endif
