/* Writing the files of a run. Private to record/ and the floors above. */
#ifndef MUDOT_RUN_WRITER_H
#define MUDOT_RUN_WRITER_H

#include "mudot/columns.h"
#include "mudot/grid.h"

/* Writes DIRECTORY/run.h5, ledger.csv and run.xdmf (ParaView: "XDMF Reader"). A reader may open
   run.h5 at any moment (plainly, no HDF5 option is needed), and whatever kills the run leaves a
   readable file with all snapshots and rows that were finished: the length of /time counts
   snapshots, that of the first ledger column counts rows; another dataset may be longer if the kill
   fell into an append. What the system itself had not yet put on disk is lost if the machine goes
   down. */
typedef struct _p_MuRunWriter *MuRunWriter;

typedef struct {
  const char *directory;    /* made if it is not there, with its parents */
  PetscBool overwrite;      /* otherwise a directory with results is refused */
  const char *command_line; /* attributes of /; NULL is taken as "" */
  const char *case_text;
  MuColumns columns;        /* of the ledger; the first is t */
  PetscBool resume;         /* goes on in the run that is there, behind its first ... */
  PetscInt rows, snapshots; /* ... rows and snapshots; what is behind them stays until it is written
                               again or MuRunWriterCut() */
  PetscReal flush_seconds; /* rows go to run.h5 with every snapshot and at least this often; 0: 2 s.
                              ledger.csv has them at once. */
} MuRunWriterSpec;

/* Makes the directory and a partial file in it. The spec is copied. Results that are there are
   replaced when the first row or snapshot comes, not before; checkpoints of theirs are removed
   then. With `resume` status is "running" again and mpi_ranks is set; the other attributes stay as
   they are. MU_ERR_INPUT: the directory holds results; MU_ERR_FILE: it cannot be made or written,
   or (resume) holds less. Collective. */
PetscErrorCode MuRunWriterCreate(MuGrid grid, const MuRunWriterSpec *spec, MuRunWriter *writer);
/* The same for n particles in R^dim: DIRECTORY/particles.h5, with /position [ns, n, dim] and
   /weight [ns, n] in place of the grid's datasets, and ledger.csv. A directory that holds the
   results of the other kind is refused even with `overwrite`. Collective. */
PetscErrorCode MuRunWriterCreateParticles(MPI_Comm comm, PetscInt n, PetscInt dim,
                                          const MuRunWriterSpec *spec, MuRunWriter *writer);
/* /target/log_density; before the first row or snapshot, once. Collective. */
PetscErrorCode MuRunWriterSetTarget(MuRunWriter writer, Vec log_density);
/* A text attribute of an object of run.h5 ("/", "/ledger/dissipation_primal", ...), made or
   replaced; cheap before the first row or snapshot, some milliseconds after. Collective. */
PetscErrorCode MuRunWriterSetAttribute(MuRunWriter writer, const char *object, const char *name,
                                       const char *text);
/* values: [columns], used on rank 0. An error (disk full) is returned by the next collective call.
   Not collective, but it must be called on rank 0. */
PetscErrorCode MuRunWriterAddLedgerRow(MuRunWriter writer, const PetscReal *values);
/* Collective. */
PetscErrorCode MuRunWriterAddSnapshot(MuRunWriter writer, PetscReal t, Vec rho);
/* A number at each snapshot, /GROUP/NAME [ns], after the last one; values are used on rank 0.
   Collective. */
PetscErrorCode MuRunWriterAddNumbers(MuRunWriter writer, const char *name, const char *doc,
                                     const PetscReal *values);
/* x [n][dim], weights [n], used on rank 0. Collective. */
PetscErrorCode MuRunWriterAddCloud(MuRunWriter writer, PetscReal t, const PetscReal *x,
                                   const PetscReal *weights);
/* Brings all rows and snapshots so far to the disk and counts them. Collective. */
PetscErrorCode MuRunWriterSync(MuRunWriter writer, PetscInt *rows, PetscInt *snapshots);
/* Cuts off what a resumed run has left behind its own last row and snapshot. Collective. */
PetscErrorCode MuRunWriterCut(MuRunWriter writer);
/* Attributes finished and status ("done", "failed: reason"), and closes the files. Nothing may be
   written after it. MU_ERR_FILE if anything since the last call could not be written. Collective.
 */
PetscErrorCode MuRunWriterFinish(MuRunWriter writer, const char *status);
/* Without Finish: removes the partial file, or marks the run as failed. Collective. */
PetscErrorCode MuRunWriterDestroy(MuRunWriter *writer);

#endif
