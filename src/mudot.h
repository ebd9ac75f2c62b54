/*
   mudot: gradient flows of measures, d mu/dt = -K(mu) DF(mu), on 1-D and 2-D grids.

   Conventions of every function below
   - Returns a PetscErrorCode; call it inside PetscCall(). A mistake of the user is MU_ERR_INPUT,
   MU_ERR_NUMERICS or MU_ERR_FILE, with one plain sentence kept for MuErrorMessage() and no trace.
   - "Collective" functions must be called by every rank of the grid's communicator.
   - A field is a PETSc Vec with one value per cell, created by MuGridCreateField(): row-major
   [ny][nx], x fastest; a rank owns whole rows (in 1-D: a run of cells). Densities are with respect
   to Lebesgue measure: the mass of a cell is rho_i |C|. Fields vanish outside the mask.
   - <xi, s> is the quadrature sum over inside cells of xi_i s_i |C|.
   - A face field has the same layout as a cell field: entry i of axis a is the face between cell i
   and its lower neighbour along a. The wall faces of a no-flux axis carry zero; the upper wall is
   not stored.
   - Create functions hand over a new object; the caller frees it with the matching Destroy, which
   accepts a handle to NULL and sets the handle to NULL. Objects keep a reference to what they were
   made from.
*/
#ifndef MUDOT_H
#define MUDOT_H

#include <petscdmda.h>
#include <petscts.h>

/* ------------------------------------------------------------------ errors, start and end */

#define MU_ERR_INPUT    1002 /* the case or the command line is wrong: exit status 2 */
#define MU_ERR_NUMERICS 1003 /* the numerics failed: exit status 3 */
#define MU_ERR_FILE     1004 /* a file could not be read or written: exit status 4 */

/* Starts MPI and PETSc and installs the error handler that keeps quiet about a user's mistakes.
   PETSc's options are taken from argc, argv (borrowed until MuFinalize(); may be NULL) and from
   PETSC_OPTIONS, but from no file that happens to be there. Collective on MPI_COMM_WORLD. `help` is
   PETSc's help text, may be NULL. */
PetscErrorCode MuInitialize(int *argc, char ***argv, const char *help);

/* Ends what MuInitialize() started. Collective. */
PetscErrorCode MuFinalize(void);

/* Parts of a run that PETSc's -log_view times, beside PETSc's own TSStep and solvers; the time of a
   part contains that of the parts it uses. Begin and End stand in pairs, inside PetscCall(). */
enum {
  MU_EVENT_SETUP,       /* building a problem and its flow */
  MU_EVENT_CONVOLUTION, /* one application of a kernel operator or of its inverse */
  MU_EVENT_RIDGE,       /* (T + lambda)^(-1) */
  MU_EVENT_ENERGY,      /* F, DF or a discrete gradient */
  MU_EVENT_GEOMETRY,    /* K(mu) xi */
  MU_EVENT_FACTOR,      /* coefficients and factors of transport steps */
  MU_EVENT_TRANSPORT,   /* linear solves of transport steps */
  MU_EVENT_LEDGER,      /* a row of the ledger */
  MU_EVENT_PRIMAL,      /* its primal dissipation potential */
  MU_EVENT_OUTPUT,      /* ledger rows and snapshots on their way to the files */
  MU_EVENTS
};
extern PetscLogEvent mu_events[MU_EVENTS];
#define MuEventBegin(event) PetscLogEventBegin(mu_events[event], 0, 0, 0, 0)
#define MuEventEnd(event)   PetscLogEventEnd(mu_events[event], 0, 0, 0, 0)
/* MuInitialize() does it. Collective. */
PetscErrorCode MuEventsRegister(void);

/* Records one sentence (printf format) and returns `code`, one of MU_ERR_*. Use: return
   MuError(MU_ERR_INPUT, ...). Not collective, but a collective caller must fail on every rank. */
PetscErrorCode MuError(PetscErrorCode code, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);

/* The sentence of the last MuError(), "" if there was none. Owned by the library. */
const char *MuErrorMessage(void);

/* One outcome for all ranks: 0 if `code` is 0 on every rank, else the code and the sentence of the
   lowest rank that failed, on all of them. Collective. */
PetscErrorCode MuErrorAgree(MPI_Comm comm, PetscErrorCode code);

/* ------------------------------------------------------------------ files and memory */

/* Opens a regular file for reading; *size (NULL: not wanted) is its length in bytes. The caller
   closes it. `key` begins the sentence, NULL: the path does. Not collective. MU_ERR_FILE: no such
   file, or a folder, a device, a pipe. */
PetscErrorCode MuFileOpen(const char *key, const char *path, FILE **file, long long *size);
/* The same without opening, for libraries that take a name. */
PetscErrorCode MuFileCheck(const char *key, const char *path);
/* Whether it is a regular file and no symbolic link, so that it may be written to. */
PetscErrorCode MuFileCheckInPlace(const char *path);
/* A new file in place of what has this name; a symbolic link is replaced, never followed. NULL with
   errno. Not collective. */
FILE *MuFileCreate(const char *path);
/* A regular file, to be read and written ("r+"). NULL if there is none, or a symbolic link. */
FILE *MuFileUpdate(const char *path);
/* Appends; made if it is not there. NULL with errno, also if the name is a symbolic link. */
FILE *MuFileAppend(const char *path);

/* Bytes of memory that a program may take here: of the machine, or of its control group or address
   space if that is less. */
PetscReal MuMachineMemory(void);
#define MU_BYTES_LENGTH 32
/* Fields of one double per cell that the smallest run holds, measured as its peak memory. */
#define MU_LEAST_FIELDS 40
/* "1.23 GB" (powers of 1000). */
void MuFormatBytes(PetscReal bytes, char text[MU_BYTES_LENGTH]);
/* To be called before `bytes`, counted over all ranks, are allocated. MU_ERR_INPUT "key: what need
   about 1.2 TB of memory; this machine has 24 GB" if the ranks of one machine cannot have their
   share. Collective. */
PetscErrorCode MuCheckMemory(MPI_Comm comm, const char *key, const char *what, PetscReal bytes);

/* ------------------------------------------------------------------ grids */

typedef struct _p_MuGrid *MuGrid;

/* What a grid is made from. Axis 0 is x, axis 1 is y. */
typedef struct {
  PetscInt dim;                 /* 1 or 2 */
  PetscReal lower[2], upper[2]; /* corners of the box */
  PetscInt cells[2];            /* number of cells per axis; cells[1] is ignored in 1-D */
  PetscBool periodic[2];        /* otherwise no-flux walls */
  const unsigned char *mask; /* global [ny][nx], 1 = inside, the same on all ranks; NULL: everything
                                is inside. Copied. */
} MuGridSpec;

/* What may be known of a grid; read only, owned by the grid. The slow axis is the one cut among the
   ranks: y in 2-D, x in 1-D. Local arrays are [rows][row_length]: in 1-D row_length is 1 and a
   "row" is a cell. */
typedef struct {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  PetscInt dim;
  PetscInt cells[2]; /* cells[1] = 1 in 1-D */
  PetscReal lower[2], upper[2];
  PetscReal spacing[2]; /* cell widths; spacing[1] = 1 in 1-D */
  PetscReal volume;     /* |C|: product of the dim widths */
  PetscBool periodic[2];
  PetscInt slow_axis;           /* dim - 1 */
  PetscInt row_length;          /* nx in 2-D, 1 in 1-D */
  PetscInt total_rows;          /* cells[slow_axis] */
  PetscInt first_row, rows;     /* rows of this rank */
  PetscInt local_size;          /* rows * row_length */
  const PetscInt *row_starts;   /* [size + 1] first row of every rank */
  PetscBool masked;             /* whether any cell is outside */
  const unsigned char *mask;    /* [rows][row_length], 1 = inside; never NULL */
  const unsigned char *open[2]; /* per axis: 1 where the lower face of the cell joins two inside
                                   cells; a face field */
  PetscInt inside;              /* global number of inside cells */
} MuGridInfo;

/* Creates a grid. Collective on comm. MU_ERR_INPUT: no cells, an empty box, no inside cell, fewer
 * rows than ranks. */
PetscErrorCode MuGridCreate(MPI_Comm comm, const MuGridSpec *spec, MuGrid *grid);
PetscErrorCode MuGridDestroy(MuGrid *grid);
PetscErrorCode MuGridReference(MuGrid grid);
PetscErrorCode MuGridGetInfo(MuGrid grid, const MuGridInfo **info);

/* The DMDA that holds the layout; borrowed. */
PetscErrorCode MuGridGetDM(MuGrid grid, DM *dm);

/* A new field of zeros; the caller destroys it with VecDestroy(). Collective. */
PetscErrorCode MuGridCreateField(MuGrid grid, Vec *field);

/* Centre of the cell with local index i: x[0], x[1] (x[1] = 0 in 1-D). Not collective. */
PetscErrorCode MuGridCellCentre(MuGrid grid, PetscInt i, PetscReal x[2]);

/* integral of the field: sum of f_i |C| over inside cells, the same bits on every rank. Collective.
 */
PetscErrorCode MuGridIntegrate(MuGrid grid, Vec f, PetscReal *integral);

/* <f, g>: sum of f_i g_i |C|. Collective. */
PetscErrorCode MuGridInner(MuGrid grid, Vec f, Vec g, PetscReal *inner);

/* integral of |f - g|; g may be NULL for zero. Collective. */
PetscErrorCode MuGridDistanceL1(MuGrid grid, Vec f, Vec g, PetscReal *distance);

/* Sets the cells outside the mask to zero. Not collective. */
PetscErrorCode MuGridApplyMask(MuGrid grid, Vec f);

/* Exchanges the rows next to this rank's slab: below[row_length] is the last row of the rank
   before, above[row_length] the first row of the rank after, wrapping around on a periodic axis; at
   a wall they are filled with zero. `local` is the local array [rows][row_length]. Either may be
   NULL. Collective. */
PetscErrorCode MuGridExchangeRows(MuGrid grid, const PetscReal *local, PetscReal *below,
                                  PetscReal *above);

/* Face differences along an axis: d_i = (f_i - f_(lower neighbour)) / spacing on open faces, 0 on
 * closed ones. Collective. */
PetscErrorCode MuGridGradient(MuGrid grid, PetscInt axis, Vec f, Vec d);

/* Adds scale * (flux_(upper face) - flux_(lower face)) / spacing to out: the negative adjoint of
   MuGridGradient(). The flux must vanish on closed faces. Collective. */
PetscErrorCode MuGridAddDivergence(MuGrid grid, PetscInt axis, PetscReal scale, Vec flux, Vec out);

/* Redistribution between slabs of rows and slabs of columns, for what works along the slow axis of
   a 2-D grid. An item is `item` consecutive doubles. Rows are split as in the grid; `columns`
   columns are split as evenly as PETSc splits a layout. Rows side: [rows][columns][item]; columns
   side: [my columns][total_rows][item]. */
typedef struct _p_MuTranspose *MuTranspose;
PetscErrorCode MuTransposeCreate(MuGrid grid, PetscInt columns, PetscInt item,
                                 MuTranspose *transpose);
PetscErrorCode MuTransposeDestroy(MuTranspose *transpose);
PetscErrorCode MuTransposeGetColumns(MuTranspose transpose, PetscInt *first, PetscInt *count);
/* Collective; in and out must not overlap. */
PetscErrorCode MuTransposeForward(MuTranspose transpose, const PetscReal *rows, PetscReal *columns);
PetscErrorCode MuTransposeBackward(MuTranspose transpose, const PetscReal *columns,
                                   PetscReal *rows);

/* Copies the field to every rank (to_all) or to rank 0 as the global array [ny][nx]; `global` is
   allocated by the caller where it is received and may be NULL elsewhere. Collective. */
PetscErrorCode MuGridGather(MuGrid grid, Vec f, PetscBool to_all, PetscReal *global);
/* The reverse: every rank keeps its part of a global array that rank 0 holds. Collective. */
PetscErrorCode MuGridScatter(MuGrid grid, const PetscReal *global, Vec f);

/* Number of connected components of the inside cells (faces join cells, periodic axes wrap) and
   their sizes in cells: sizes[] holds at most max of them, largest first. Collective. */
PetscErrorCode MuGridComponents(MuGrid grid, PetscInt max, PetscInt *count, PetscInt sizes[]);

/* ------------------------------------------------------------------ arrays */

#define MU_MIN_NORMAL 2.2250738585072014e-308

/* y_i = exp x_i, log x_i, log max(x_i, smallest normal number), x_i^p; vectorised, within 4 units
   in the last place. x and y may be the same. */
void MuArrayExp(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayLog(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayLogPositive(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayPow(PetscInt n, const PetscReal *x, PetscReal p, PetscReal *y);

/* ------------------------------------------------------------------ means */

/* Logarithmic mean (a - b)/(log a - log b) of a, b >= 0, to rounding for every ratio; a if a = b, 0
   if either is 0. */
PetscReal MuLogarithmicMean(PetscReal a, PetscReal b);
/* The same for arrays [n], vectorised. mean may be a or b. */
void MuArrayLogarithmicMean(PetscInt n, const PetscReal *a, const PetscReal *b, PetscReal *mean);
/* Stolarsky's mean (m-1)/m (a^m - b^m)/(a^(m-1) - b^(m-1)) of a, b >= 0, to rounding for every
   ratio and m; m = 2: arithmetic, m = 1: logarithmic. With one of them 0: (m-1)/m times the other
   for m > 1, else 0. */
PetscReal MuStolarskyMean(PetscReal a, PetscReal b, PetscReal m);
/* Bernoulli function B(z) = z/(e^z - 1), accurate and finite for every z. */
PetscReal MuBernoulli(PetscReal z);

/* ------------------------------------------------------------------ formulas and densities */

typedef struct _p_MuFormula *MuFormula;

/* A muParser expression in x and y with the constants pi and e; log is natural. `key`
   begins the sentence of an error, e.g. "target_density". Not collective. MU_ERR_INPUT: a syntax
   error (with its position), an unknown name, an assignment, several values, more than 4000
   characters. */
PetscErrorCode MuFormulaCreate(const char *key, const char *expression, MuFormula *formula);
PetscErrorCode MuFormulaDestroy(MuFormula *formula);
/* MU_ERR_INPUT "key: ..." if the formula uses y although dim is 1. Not collective. */
PetscErrorCode MuFormulaCheckDimension(MuFormula formula, const char *key, PetscInt dim);
/* The value at x[0], x[1]; values that are not finite are returned as they are. */
PetscErrorCode MuFormulaEvaluate(MuFormula formula, const PetscReal x[2], PetscReal *value);
/* The same with the signature of MuEnergySpec.potential and .interaction; ctx is the MuFormula. */
PetscErrorCode MuFormulaFunction(void *ctx, const PetscReal x[2], PetscReal *value);

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

/* The cells a density is wanted on; what MuGridInfo says of them, for a layer below the grid. This
   rank owns `count` cells from number `first` on, row-major [ny][nx]. */
typedef struct {
  MPI_Comm comm;
  PetscInt dim, cells[2];
  PetscReal lower[2], upper[2];
  PetscBool periodic[2];
  PetscInt first, count;
  const unsigned char *mask; /* [count], 1 = inside; NULL: all inside */
} MuCells;

/* Fills `cells` from a grid's info. The mask is borrowed. */
void MuCellsFromGrid(const MuGridInfo *info, MuCells *cells);

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

typedef enum { MU_SMOOTHING_KDE, MU_SMOOTHING_NONE } MuSmoothing;

/* What a density is made from; strings and arrays are borrowed until MuDensityCreate() returns. */
typedef struct {
  const char *block;                 /* begins the keys of error sentences: "target" or "initial" */
  char type[32];                     /* gaussian, mixture, uniform, formula, file, samples */
  PetscReal mean[2], covariance[4];  /* gaussian; covariance row-major [dim][dim] */
  PetscInt components;               /* mixture: sizes of the arrays below */
  const PetscReal *weights;          /* [components], >= 0, normalised here; NULL: equal */
  const PetscReal *means;            /* [components][dim] */
  const PetscReal *covariances;      /* [components][dim][dim], row-major */
  PetscReal lower[2], upper[2];      /* uniform: the box; a centre on its edge is inside */
  const char *density, *log_density; /* formula: one of the two, the other NULL */
  const char *file;       /* file: HDF5 or PGM, a density at the cells; samples: the CSV file */
  const char *dataset;    /* file: HDF5 dataset, [ny][nx] or [nx]; NULL: "density" */
  const char *columns[2]; /* samples: see MuSamplesRead() */
  PetscReal bandwidth[2]; /* samples: of the KDE, per axis; 0: MuSamplesBandwidth() */
  MuSmoothing smoothing;  /* samples: kernel density estimate or binned empirical measure */
  PetscReal background;   /* >= 0: mass of the uniform density added, see MuDensityFillLog() */
} MuDensitySpec;

typedef struct _p_MuDensity *MuDensity;

/* Zeros, and block "target". */
void MuDensitySpecDefault(MuDensitySpec *spec);

/* Checks the specification and reads its file. Collective. MU_ERR_INPUT names the key; MU_ERR_FILE.
 */
PetscErrorCode MuDensityCreate(MPI_Comm comm, PetscInt dim, const MuDensitySpec *spec,
                               MuDensity *density);
PetscErrorCode MuDensityDestroy(MuDensity *density);

/* log f at the cell centres, f not normalised (for a gaussian or a mixture it is the probability
   density on R^dim), without the background; -infinity where f = 0 and outside the mask.
   log_density [count]. Collective. MU_ERR_INPUT: a formula or file whose density is negative,
   infinite or not a number (named with the point), a file of the wrong shape. */
PetscErrorCode MuDensityFillLogRaw(MuDensity density, const MuCells *cells, PetscReal *log_density);

/* log of the normalised density (f/M + background/|D|)/(1 + background), M the mass of f on the
   inside cells and |D| their volume: the integral over the inside cells is 1. Never formed from
   densities that underflow. -infinity where it vanishes and outside the mask. Collective.
   MU_ERR_INPUT as above, and if f has no mass on the grid. */
PetscErrorCode MuDensityFillLog(MuDensity density, const MuCells *cells, PetscReal *log_density);

/* Mass that a gaussian or a mixture has beyond the box along one axis, the largest over the axes
   (in 1-D all that the box cuts off); 0 for the other types. Not collective. */
PetscErrorCode MuDensityMassOutside(MuDensity density, const PetscReal lower[2],
                                    const PetscReal upper[2], PetscReal *mass);

/* ------------------------------------------------------------------ output files */

/* Makes an output directory with its parents, if it is not there. Not collective. MU_ERR_FILE
   begins with output_directory. */
PetscErrorCode MuMakeDirectory(const char *directory);

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
  PetscInt columns;         /* of the ledger, at least 1 */
  const char *const *names; /* [columns]; the first is t */
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

/* What DIRECTORY/run.h5 holds of a run, finished or not. */
typedef struct {
  PetscBool there; /* whether there is such a file; the rest is empty if not */
  PetscInt rows, snapshots;
  PetscReal *times;                    /* [snapshots] */
  PetscInt cells;                      /* values of target, 0 if it has none */
  PetscReal *target;                   /* log_density, on rank 0 */
  char *case_text, *status, *restarts; /* attributes, "" where there is none */
} MuRunRemains;
/* Collective. MU_ERR_FILE: run.h5 is there and cannot be read. */
PetscErrorCode MuRunRemainsRead(MPI_Comm comm, const char *directory, MuRunRemains *remains);
PetscErrorCode MuRunRemainsFree(MuRunRemains *remains);

/* Named numbers, texts and fields: the complete state of a run between two steps. */
typedef struct _p_MuCheckpoint *MuCheckpoint;
/* An empty one. Collective, like everything below. */
PetscErrorCode MuCheckpointCreate(MPI_Comm comm, MuCheckpoint *checkpoint);
PetscErrorCode MuCheckpointDestroy(MuCheckpoint *checkpoint);
/* Copies, replacing what had the name. Numbers and texts are the same on every rank; names are at
   most 31 characters. */
PetscErrorCode MuCheckpointPutNumbers(MuCheckpoint checkpoint, const char *name, PetscInt n,
                                      const PetscReal values[]);
PetscErrorCode MuCheckpointPutText(MuCheckpoint checkpoint, const char *name, const char *text);
PetscErrorCode MuCheckpointPutField(MuCheckpoint checkpoint, MuGrid grid, const char *name,
                                    Vec field);
/* MU_ERR_FILE: there is nothing of this name and size. The text is borrowed. */
PetscErrorCode MuCheckpointGetNumbers(MuCheckpoint checkpoint, const char *name, PetscInt n,
                                      PetscReal values[]);
PetscErrorCode MuCheckpointGetText(MuCheckpoint checkpoint, const char *name, const char **text);
PetscErrorCode MuCheckpointGetField(MuCheckpoint checkpoint, MuGrid grid, const char *name,
                                    Vec field);

#define MU_GENERATIONS 2
/* DIRECTORY/checkpoint.h5 (generation 0, the newest) or checkpoint.1.h5 (the one before). */
PetscErrorCode MuCheckpointPath(const char *directory, PetscInt generation,
                                char path[PETSC_MAX_PATH_LEN]);
/* Writes generation 0, whole or not at all: a temporary file beside it, on disk before it is
   renamed; the last good generation 0 becomes generation 1. An HDF5 file behind a block of 512
   bytes with its length and a CRC-32. MU_ERR_FILE: it cannot be written; both generations are as
   before. */
PetscErrorCode MuCheckpointWrite(MuCheckpoint checkpoint, const char *directory);
/* *checkpoint is NULL if there is no such file. MU_ERR_FILE: it is damaged or cannot be read. */
PetscErrorCode MuCheckpointRead(MPI_Comm comm, const char *directory, PetscInt generation,
                                MuCheckpoint *checkpoint);
/* Removes both generations. Not an error if there are none. */
PetscErrorCode MuCheckpointRemove(MPI_Comm comm, const char *directory);

/* A line on stderr, rewritten at most five times a second, if that is a terminal: time, step,
   energy, remaining time. Otherwise nothing. Create is collective, Update is not. */
typedef struct _p_MuProgress *MuProgress;
PetscErrorCode MuProgressCreate(MPI_Comm comm, PetscReal start_time, PetscReal end_time,
                                MuProgress *progress);
PetscErrorCode MuProgressUpdate(MuProgress progress, PetscReal t, PetscInt step, PetscReal energy);
/* The line is this text instead. Not collective. */
PetscErrorCode MuProgressText(MuProgress progress, const char *text);
PetscErrorCode MuProgressDestroy(MuProgress *progress);

/* The escape sequence that begins a style, PLAIN the one that ends it. "" unless the stream is a
   terminal with a TERM other than dumb, no launcher of MPI stands before it, and NO_COLOR is unset
   or empty. Static text. Not collective. */
typedef enum { MU_STYLE_PLAIN, MU_STYLE_GOOD, MU_STYLE_BAD, MU_STYLE_DOUBT } MuStyle;
const char *MuStyleText(FILE *stream, MuStyle style);

/* Prints "mudot: warning: sentence" on rank 0's stderr, the same sentence once. Not collective. */
PetscErrorCode MuWarn(MPI_Comm comm, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);

/* ------------------------------------------------------------------ kernels */

typedef struct _p_MuKernel *MuKernel;

typedef enum {
  MU_EXTENSION_DEFAULT,
  MU_EXTENSION_ZERO,
  MU_EXTENSION_REFLECT,
  MU_EXTENSION_PERIODIC
} MuExtension;
typedef enum {
  MU_NORMALIZATION_DEFAULT,
  MU_NORMALIZATION_MASS,
  MU_NORMALIZATION_PEAK
} MuNormalization;

/* k_h(z) = k(z/h)/h^d (mass: integral 1) or k(z/h)/k(0) (peak). */
typedef struct {
  char type[32];                 /* a name of the kernel table */
  PetscReal bandwidth;           /* h > 0 */
  MuNormalization normalization; /* default: mass; imq: peak; riesz: -|z/h|^r, unscaled */
  MuExtension
      extension; /* how walls are met; default: reflect. A periodic axis is always periodic. */
  PetscReal smoothness; /* matern: 0.5, 1.5 or 2.5 */
  PetscReal
      order; /* bessel: 0 < s <= 100; any s under reflect and periodic; s > d/2 - 1/2 under zero */
  PetscReal exponent; /* riesz: r in (0, 2) */
} MuKernelSpec;

/* Fills a specification with defaults: gaussian, bandwidth 0 (must be set), smoothness 1.5, order
 * 1, exponent 1. */
void MuKernelSpecDefault(MuKernelSpec *spec);
/* Whether both describe the same kernel: defaults resolved, parameters of other families ignored.
 */
PetscBool MuKernelSpecEqual(const MuKernelSpec *a, const MuKernelSpec *b);

/* Creates a kernel in R^dim. Not collective. MU_ERR_INPUT names the wrong key. Switches GSL's own
   error handler off, which would end the program. */
PetscErrorCode MuKernelCreate(const MuKernelSpec *spec, PetscInt dim, MuKernel *kernel);
PetscErrorCode MuKernelDestroy(MuKernel *kernel);
PetscErrorCode MuKernelReference(MuKernel kernel);
/* The specification with its defaults resolved; owned by the kernel. */
PetscErrorCode MuKernelGetSpec(MuKernel kernel, const MuKernelSpec **spec);
/* k_h at distance r >= 0 (infinite where it has an integrable singularity). */
PetscErrorCode MuKernelEvaluate(MuKernel kernel, PetscReal r, PetscReal *value);
/* The Fourier transform at |omega|: integral of k_h(z) exp(-i omega z) dz; infinite at 0 where the
 * integral diverges. */
PetscErrorCode MuKernelSymbol(MuKernel kernel, PetscReal omega, PetscReal *value);
/* Distance beyond which k_h is below 3e-18 of its size; PETSC_INFINITY for algebraic tails. */
PetscErrorCode MuKernelSupport(MuKernel kernel, PetscReal *radius);
/* Whether the kernel is positive definite only on measures of mass zero (riesz). */
PetscErrorCode MuKernelIsConditional(MuKernel kernel, PetscBool *conditional);

/* Where the samples of a field sit. */
typedef enum { MU_CELLS = -1, MU_FACES_X = 0, MU_FACES_Y = 1 } MuLocation;

typedef struct _p_MuConvolution *MuConvolution;

/* Kc f (x) = integral of k(x - y) f(y) dy over the box, with the kernel's extension. Plans and
   symbols are built here, none later. Under `reflect` a face field reflects oddly along its own
   axis (DST-I) and evenly along the other; the wall faces of a face field are not read and are set
   to zero, under every extension.
   Under `reflect` and `periodic` the symbol of riesz at frequency 0 is taken as 0 (it acts on
   differences of equal mass), that of imq as the integral of the kernel over one period cell,
   [-L, L]^d under `reflect`: this adds a constant to the kernel.
   MU_ERR_INPUT: bessel of too low an order under `zero`; `zero` on a grid with one periodic axis
   with imq or riesz, whose sum over periods diverges, or with a kernel over 2^20 cells wide.
   Collective. */
PetscErrorCode MuConvolutionCreate(MuGrid grid, MuKernel kernel, MuLocation location,
                                   MuConvolution *convolution);

/* The same for any even function given by its value w(z) at cell offsets z (not a Galerkin
   average): zero extension on no-flux axes; on a periodic axis z is the shortest image. `weight` is
   called with z[0..1] (z[1] = 0 in 1-D); ctx is not kept. At half a period, where there are two
   shortest images, their mean is taken. Collective. */
PetscErrorCode MuConvolutionCreateFunction(MuGrid grid,
                                           PetscErrorCode (*weight)(void *ctx, const PetscReal z[2],
                                                                    PetscReal *w),
                                           void *ctx, MuConvolution *convolution);
PetscErrorCode MuConvolutionDestroy(MuConvolution *convolution);
PetscErrorCode MuConvolutionReference(MuConvolution convolution);

/* out = Kc in. in and out may be the same. Values outside the mask are read (they should be zero)
 * and written. Collective. */
PetscErrorCode MuConvolutionApply(MuConvolution convolution, Vec in, Vec out);

/* out = (P Kc P + ridge)^(-1) in on the inside cells (P the mask): diagonal under reflect and
   periodic without a mask, else preconditioned conjugate gradients to relative residual 1e-12, or
   to the rounding of one application where that is more. For face fields P keeps the open faces.
   in and out may be the same. MU_ERR_NUMERICS if the iteration does not converge, or at once if the
   condition number (of the symbol plus ridge) is above 1/rounding (1e14 with iterations).
   MU_ERR_INPUT for riesz under `zero` and for functions, which are not positive definite.
   Collective. */
PetscErrorCode MuConvolutionApplyInverse(MuConvolution convolution, PetscReal ridge, Vec in,
                                         Vec out);

/* out ~ (a Kc + b)^(-1) in, a, b >= 0: exact under reflect and periodic without a mask, a symmetric
   positive definite approximation (circulant on the padded box, zero outside the mask) otherwise;
   in must vanish outside the mask and may be the same as out. For preconditioners. MU_ERR_NUMERICS
   if b = 0 and the symbol has a zero. Collective. */
PetscErrorCode MuConvolutionApplyRational(MuConvolution convolution, PetscReal a, PetscReal b,
                                          Vec in, Vec out);

/* FFTW's plans for grids from 2^16 cells on are measured, so that the bits of a transform may
   differ from one start of the program to the next. As a text they go into a checkpoint (freed with
   PetscFree(); rank 0 plans for all ranks), and are taken up again before anything is planned. A
   text of another version of FFTW is passed over. Not collective. */
PetscErrorCode MuTransformPlansGet(char **text);
PetscErrorCode MuTransformPlansSet(const char *text);

/* Smallest and largest value of the discrete symbol. Under `zero`: of the circulant on the padded
   box or, where cutting the kernel off at the padding has spoilt that, of the positive symbol of
   the infinite grid that stands for it in ApplyRational. Not collective. */
PetscErrorCode MuConvolutionGetSymbolRange(MuConvolution convolution, PetscReal *smallest,
                                           PetscReal *largest);
/* The diagonal entry of Kc, weight at offset 0 times |C|; under `reflect`, where it differs near
   walls, its mean. Not collective. */
PetscErrorCode MuConvolutionGetDiagonal(MuConvolution convolution, PetscReal *diagonal);
/* For MuConvolutionApplyInverse with iterations: the largest number of iterations so far. */
PetscErrorCode MuConvolutionGetIterations(MuConvolution convolution, PetscInt *iterations);

/* ------------------------------------------------------------------ particles: what they need */

/* Particle clouds are arrays on every rank, the same bits on all: positions [n][dim] row-major,
   weights [n]. Collective calls share the work and leave the same result on every rank. dim >= 1.
 */

/* A radial kernel k(z) = phi(|z|^2) on R^dim for any dim >= 1, with the names, bandwidth and
   normalization of MuKernelSpec (the extension is not looked at). */
typedef struct _p_MuRadial *MuRadial;
/* Not collective. MU_ERR_INPUT: as MuKernelCreate(); bessel whose value at 0 is infinite. */
PetscErrorCode MuRadialCreate(const MuKernelSpec *spec, PetscInt dim, MuRadial *radial);
PetscErrorCode MuRadialDestroy(MuRadial *radial);
PetscErrorCode MuRadialReference(MuRadial radial);
PetscErrorCode MuRadialGetSpec(MuRadial radial, const MuKernelSpec **spec, PetscInt *dim);
/* k(z) and its slope s with grad k(z) = s z, at |z|^2 = r2 >= 0. Not collective. */
PetscErrorCode MuRadialEvaluate(MuRadial radial, PetscReal r2, PetscReal *value, PetscReal *slope);

/* Sums over pairs of points, blocked: the targets are shared among the ranks. Work space is made
   once for the largest sizes and grows only when asked for more. */
typedef struct _p_MuPairs *MuPairs;
PetscErrorCode MuPairsCreate(MPI_Comm comm, MuRadial radial, MuPairs *pairs);
PetscErrorCode MuPairsDestroy(MuPairs *pairs);
/* For targets y [m][dim], sources x [n][dim] and weights w [n]:
   sum[i] = sum_j w_j k(y_i - x_j), gradient[i][a] = d sum / d y_ia. Either may be NULL. x = y is
   allowed (the diagonal counts with k(0)). Collective. */
PetscErrorCode MuPairsApply(MuPairs pairs, PetscInt n, const PetscReal *x, const PetscReal *w,
                            PetscInt m, const PetscReal *y, PetscReal *sum, PetscReal *gradient);
/* sums[i][c] = sum_j w[j][c] k(y_i - x_j), c < columns, and the gradient [i][dim] of the first
   column (may be NULL). Collective. */
PetscErrorCode MuPairsApplyColumns(MuPairs pairs, PetscInt n, const PetscReal *x, PetscInt columns,
                                   const PetscReal *w, PetscInt m, const PetscReal *y,
                                   PetscReal *sums, PetscReal *gradient);
/* How the sums are found. Fast sums (dim <= 2, Fourier series on a grid, n + m operations) have an
   error of at most `tolerance` times sum_j |w_j| k(0), in the gradient divided by the bandwidth;
   direct sums that of rounding. AUTO, the default with tolerance 1e-7, takes fast sums above n m =
   1e10 where they are possible: kernels that decay (not imq, riesz), smooth enough for the
   tolerance (not matern 1/2 or wendland at small bandwidths) and a bandwidth that a grid of 1.6e7
   cells resolves. FAST makes MuPairsApply() return MU_ERR_INPUT where they are not. Not collective,
   but the same on every rank. */
typedef enum { MU_PAIRS_AUTO, MU_PAIRS_DIRECT, MU_PAIRS_FAST } MuPairsMethod;
PetscErrorCode MuPairsSetMethod(MuPairs pairs, MuPairsMethod method, PetscReal tolerance);

/* min over w >= 0, sum w = 1 of 1/2 w' K w - b' w, K [n][n] = scale * k(x_i - x_j). w: on entry a
   guess (on the simplex), on return the solution. The optimality conditions hold to `tolerance`:
   with g = K w - b and l = w' g: g_i >= l - tolerance, w_i (g_i - l) <= tolerance; w >= 0 and
   sum w = 1 to rounding. The tolerance is absolute, and cannot be below about 1e-14 scale k(0). */
typedef struct _p_MuSimplex *MuSimplex;
typedef struct {
  PetscInt iterations;
  PetscReal residual; /* max over i of the violations above */
} MuSimplexReport;
PetscErrorCode MuSimplexCreate(MPI_Comm comm, MuRadial radial, MuSimplex *simplex);
PetscErrorCode MuSimplexDestroy(MuSimplex *simplex);
/* Collective. MU_ERR_NUMERICS if the tolerance is not reached: w and report then hold the last
   iterate. report may be NULL. */
PetscErrorCode MuSimplexSolve(MuSimplex simplex, PetscInt n, const PetscReal *x, PetscReal scale,
                              const PetscReal *b, PetscReal tolerance, PetscReal *w,
                              MuSimplexReport *report);

/* A mixture of Gaussians on R^dim, dim >= 1. */
typedef struct _p_MuMixture *MuMixture;
/* weights [components] >= 0, normalised here, NULL: equal; means [components][dim]; covariances
   [components][dim][dim]. Copied. `block` begins the keys of error sentences. Not collective.
   MU_ERR_INPUT: a covariance that is not symmetric positive definite. */
PetscErrorCode MuMixtureCreate(const char *block, PetscInt dim, PetscInt components,
                               const PetscReal *weights, const PetscReal *means,
                               const PetscReal *covariances, MuMixture *mixture);
PetscErrorCode MuMixtureDestroy(MuMixture *mixture);
/* log density [n] and its gradient, the score [n][dim], at x [n][dim], by log-sum-exp; either may
   be NULL. Not collective. */
PetscErrorCode MuMixtureLogDensity(MuMixture mixture, PetscInt n, const PetscReal *x,
                                   PetscReal *log_density, PetscReal *score);
/* n independent samples x [n][dim]; rng is a gsl_rng. Not collective. */
PetscErrorCode MuMixtureSample(MuMixture mixture, void *rng, PetscInt n, PetscReal *x);
/* Mean [dim] and covariance [dim][dim] of the mixture; either may be NULL. */
PetscErrorCode MuMixtureMoments(MuMixture mixture, PetscReal *mean, PetscReal *covariance);
/* (k * pi)(x_i) and its gradient, in closed form, for a gaussian kernel: sum_c w_c times the
   Gaussian of covariance S_c + h^2 I, scaled to the kernel's normalization. MU_ERR_INPUT for
   another family. Either output may be NULL. Collective on comm: the points are shared. */
PetscErrorCode MuMixtureKernelMean(MuMixture mixture, MuRadial radial, MPI_Comm comm, PetscInt n,
                                   const PetscReal *x, PetscReal *value, PetscReal *gradient);
/* double integral of k(x - y) over a(dx) b(dy), in closed form for a gaussian kernel. A difference
   such as MMD^2 = <a,k*a> - 2 <a,k*b> + <b,k*b> is accurate to about 1e-16 k(0), not relative to
   itself. */
PetscErrorCode MuMixtureKernelInner(MuMixture a, MuMixture b, MuRadial radial, PetscReal *value);

/* Draws from a density that is constant in every cell of a box: 1-D by exact inversion of the
   piecewise-linear distribution function, 2-D cell by cell. */
typedef struct _p_MuSampler *MuSampler;
/* density [ny][nx] (1-D: [nx]), >= 0, normalised here, copied: cells of density 0 get no point. A
   point is never on or beyond the edge of its cell's row or column. Not collective. MU_ERR_INPUT: a
   negative or infinite density, or none. */
PetscErrorCode MuSamplerCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                               const PetscReal upper[2], const PetscReal *density,
                               MuSampler *sampler);
PetscErrorCode MuSamplerDestroy(MuSampler *sampler);
/* n points x [n][dim]; rng is a gsl_rng. Independent, or stratified: the level of the distribution
   function (2-D: of the cells in row-major order, y in the cell being independent) is (i + U)/n for
   point i, U uniform in [0, 1). Not collective. */
PetscErrorCode MuSamplerDraw(MuSampler sampler, void *rng, PetscBool stratified, PetscInt n,
                             PetscReal *x);
/* ------------------------------------------------------------------ reports */

/* What a report shows. Everything is borrowed. */
typedef struct {
  PetscInt directories; /* > 0 */
  const char **directory;
  const char *output;  /* NULL: DIRECTORY/report.html, or report.html here if there are several */
  PetscBool overwrite; /* also what is not an earlier report */
  PetscInt tables;     /* whose formulas the page may write out: geometry, energy, kernel */
  const char *const *table_names;
  PetscErrorCode (*const *table_rows)(PetscInt i, const char **name, const char **formula);
} MuReportSpec;

/* Writes one self-contained page of the runs, studies, particles and comparisons in the
   directories, and its name to path. Rank 0 writes. Collective. MU_ERR_INPUT: nothing to show, or
   something else than a report is in the way; MU_ERR_FILE: a file cannot be read or written. */
PetscErrorCode MuReportWrite(MPI_Comm comm, const MuReportSpec *spec,
                             char path[PETSC_MAX_PATH_LEN]);

/* ------------------------------------------------------------------ stored runs */

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
/* The density at a time, linear between snapshots: the mixture of the two. Times within 1e-9 of a
   snapshot are that snapshot. MU_ERR_INPUT: a time that the run does not cover. */
PetscErrorCode MuRunReaderAt(MuRunReader reader, PetscReal time, PetscReal *density);

/* ------------------------------------------------------------------ clouds of particles */

/* A cloud to be written. */
typedef struct {
  const char *file; /* ends in .csv or .h5; NULL: CSV on standard output */
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

/* ------------------------------------------------------------------ comparing clouds with
 * densities
 */

/* Distances between a cloud mu of weights of sum 1 and a density pi that is constant in every cell,
   normalised to mass 1, and what N independent samples of pi would have. MuMetricRow of the table:
   mmd2               <mu - pi, k*(mu - pi)>, k on R^d; >= 0, rounding below that is 0
   energy_distance    2E|X - Y| - E|X - X'| - E|Y - Y'|; X ~ mu, Y ~ pi
   w1, w2             1-D: (int_0^1 |Q_mu - Q_pi|^p du)^(1/p), exact
   kolmogorov         1-D: sup |F_mu - F_pi|, exact
   sliced_w1, _w2     2-D: (mean over directions of W_p^p)^(1/p) of the projections on equally
   spaced directions; the projection of pi is exact in its mass per quarter of a cell histogram_l1
   sum over cells of |mu(cell) - pi(cell)|, and the mass of mu outside the domain mean_error |mean
   of mu - mean of pi| covariance_error   Frobenius norm of the difference of the covariances A
   periodic axis is taken as an interval, cut at the walls of the box. */
#define MU_MAX_METRICS 8

typedef struct {
  PetscInt dim, cells[2];
  PetscReal lower[2], upper[2];
  PetscBool periodic[2];     /* particles are moved into the box by whole periods */
  const unsigned char *mask; /* [ny][nx], 1 = inside; NULL: all; copied */
  MuKernelSpec kernel;       /* of mmd2 */
  PetscInt directions;       /* of sliced_w1 and _w2, > 0 */
  PetscInt replicates;       /* samples that expected values are estimated from, > 1 */
  PetscInt seed;             /* of their random numbers */
} MuComparisonSpec;

/* 64 directions, 20 replicates, seed 1, gaussian kernel of bandwidth 0 (must be set). */
void MuComparisonSpecDefault(MuComparisonSpec *spec);

typedef struct _p_MuComparison *MuComparison;
/* Collective. MU_ERR_INPUT as MuKernelCreate(), MuRadialCreate(), MuConvolutionCreate(). */
PetscErrorCode MuComparisonCreate(MPI_Comm comm, const MuComparisonSpec *spec,
                                  MuComparison *comparison);
PetscErrorCode MuComparisonDestroy(MuComparison *comparison);
/* Names [count] of the metrics, and which are squares of distances; borrowed. */
PetscErrorCode MuComparisonGetMetrics(MuComparison comparison, PetscInt *count,
                                      const char *const **names, const PetscBool **squared);
/* density [ny][nx], the same on all ranks. Collective. MU_ERR_INPUT as MuSamplerCreate(). */
PetscErrorCode MuComparisonSetReference(MuComparison comparison, const PetscReal *density);
/* Particles outside the box or the mask, and their weight. Not collective. */
PetscErrorCode MuComparisonCountOutside(MuComparison comparison, PetscInt n, const PetscReal *x,
                                        const PetscReal *w, PetscInt *count, PetscReal *mass);
/* The metrics of a cloud x [n][dim], w [n], the same on all ranks, to values [count]. Collective.
 */
PetscErrorCode MuComparisonEvaluate(MuComparison comparison, PetscInt n, const PetscReal *x,
                                    const PetscReal *w, PetscReal values[]);
/* Mean and standard deviation [count] of the metrics of n independent samples of pi with equal
   weights. mmd2 and energy_distance in closed form, the mean being (E k(X, X) - E k(X, X'))/n (only
   the deviation is estimated from pairs, and that of energy_distance in 1-D from the replicates);
   the others from the replicates. The same on any number of ranks. Collective. */
PetscErrorCode MuComparisonExpect(MuComparison comparison, PetscInt n, PetscReal mean[],
                                  PetscReal deviation[]);

/* What `mudot compare` compares. */
typedef struct {
  const char *run; /* run.h5 or its directory */
  PetscInt files;  /* of particles: particles.h5, its directory, CSV */
  char *const *file;
  PetscInt times; /* given; of CSV files without times one per file, otherwise a selection */
  const PetscReal *time;
  int overrides; /* kernel keys: [2 k] "-kernel_NAME", [2 k + 1] value */
  char **override;
  PetscInt directions, replicates, seed;
  PetscBool allow_outside; /* particles outside the domain are counted, not refused */
  const char *directory;   /* for compare.csv and compare.h5; NULL: none */
  PetscBool overwrite;
  const char *command_line;
} MuCompareSpec;

/* The comparison at one time. */
typedef struct {
  PetscReal time;
  PetscInt n;
  PetscReal effective; /* 1/sum w^2 */
  PetscReal mass;      /* sum of the weights as they were given */
  PetscInt outside;    /* particles outside the domain, and their share of the mass */
  PetscReal outside_mass;
  PetscReal value[MU_MAX_METRICS], expected[MU_MAX_METRICS], deviation[MU_MAX_METRICS];
  PetscReal score[MU_MAX_METRICS]; /* (value - expected)/deviation; of a square, that of its root */
} MuCompareRow;

/* The comparisons, by time, and a sentence; the same on every rank. */
typedef struct _p_MuCompare *MuCompare;
/* Collective. MU_ERR_INPUT: times that the run does not cover, particles outside the domain, a
   directory that holds a comparison, and what MuCloudReaderCreate() and MuComparisonCreate() say;
   MU_ERR_FILE. */
PetscErrorCode MuCompareCreate(MPI_Comm comm, const MuCompareSpec *spec, MuCompare *compare);
PetscErrorCode MuCompareDestroy(MuCompare *compare);
PetscErrorCode MuCompareGetRows(MuCompare compare, PetscInt *rows, const MuCompareRow **row,
                                PetscInt *metrics, const char *const **names,
                                const char **sentence);
/* Prints the table on rank 0's standard output. Not collective. */
PetscErrorCode MuComparePrint(MuCompare compare, FILE *out);
/* compare.csv and compare.h5 in the directory, if there is one. Collective. MU_ERR_FILE. */
PetscErrorCode MuCompareWrite(MuCompare compare);

/* ------------------------------------------------------------------ cases */

/* One row of a table of everything of a kind that exists: its name and one-line formula; *name is
   NULL past the end. Not collective. */
typedef PetscErrorCode (*MuTableRow)(PetscInt i, const char **name, const char **formula);
PetscErrorCode MuKernelGetTableRow(PetscInt i, const char **name, const char **formula);
PetscErrorCode MuEnergyGetTableRow(PetscInt i, const char **name, const char **formula);
PetscErrorCode MuGeometryGetTableRow(PetscInt i, const char **name, const char **formula);
PetscErrorCode MuSchemeGetTableRow(PetscInt i, const char **name, const char **formula);
PetscErrorCode MuDiagnosticGetTableRow(PetscInt i, const char **name, const char **formula);

/* Looks a word up in a table: *name is the table's own text, or NULL if it is not there; nearest is
   then the name that is nearest to it. Not collective. */
PetscErrorCode MuTableFind(MuTableRow table, const char *word, const char **name, char nearest[64]);

/* A case file with the overrides of the command line. */
typedef struct _p_MuCase *MuCase;

/* Reads a case. argv[0 .. argc - 1] are the arguments after the name of the command: overrides
   (-key value; a bare -key for a switch), options of PETSc (passed over) and, if file is NULL, the
   name of the case file. Values are checked here: known keys, types, numbers of items, signs,
   words; names of energies, geometries, ... where they are looked up in their tables, below.
   The file is read on rank 0. A domain file (grid_file) is read below the keys of the case.
   MU_ERR_INPUT: unknown key (names the nearest), a key given twice, wrong type or number of items,
   invalid YAML; MU_ERR_FILE: a file that cannot be read. Collective. */
PetscErrorCode MuCaseCreate(MPI_Comm comm, const char *file, int argc, char **argv, MuCase *c);
/* The same from a text, e.g. the attribute `case` of run.h5; `name` stands for the file in
   sentences and in paths. Domain files are not read: the text of a run holds their keys.
   Collective. */
PetscErrorCode MuCaseCreateFromText(MPI_Comm comm, const char *name, const char *text, int argc,
                                    char **argv, MuCase *c);
PetscErrorCode MuCaseDestroy(MuCase *c);
PetscErrorCode MuCaseReference(MuCase c);
PetscErrorCode MuCaseGetComm(MuCase c, MPI_Comm *comm);

/* Getters. Keys are full names, e.g. "kernel_bandwidth". *given tells whether the key is there; the
   value is left alone if it is not. given = NULL: the key is needed, MU_ERR_INPUT if it is missing.
   A key that the table of keys does not have, or has with another type, is a mistake of the
   programmer. Not collective. */
PetscErrorCode MuCaseGetReal(MuCase c, const char *key, PetscReal *value, PetscBool *given);
PetscErrorCode MuCaseGetInt(MuCase c, const char *key, PetscInt *value, PetscBool *given);
PetscErrorCode MuCaseGetBool(MuCase c, const char *key, PetscBool *value, PetscBool *given);
/* An interval: *seconds of wall-clock time, or *steps (the other one is 0; both are 0 for "false").
 */
PetscErrorCode MuCaseGetInterval(MuCase c, const char *key, PetscReal *seconds, PetscInt *steps,
                                 PetscBool *given);
/* The whole text, commas and all; borrowed, valid as long as the case. */
PetscErrorCode MuCaseGetString(MuCase c, const char *key, const char **value, PetscBool *given);
/* Index of the word in the table's list of allowed words, i.e. boundary: no_flux 0, periodic 1;
   face_mean: as MuMean; transport_solver: as MuTransportSolver; type of a density: gaussian 0,
   mixture 1, uniform 2, formula 3, file 4, samples 5; smoothing: gaussian 0, none 1. */
PetscErrorCode MuCaseGetChoice(MuCase c, const char *key, PetscInt *value, PetscBool *given);
/* *count: on entry the room in values, on return the number of items (0 if not given). MU_ERR_INPUT
   if there are more than room. */
PetscErrorCode MuCaseGetRealArray(MuCase c, const char *key, PetscInt *count, PetscReal values[],
                                  PetscBool *given);
PetscErrorCode MuCaseGetIntArray(MuCase c, const char *key, PetscInt *count, PetscInt values[],
                                 PetscBool *given);
PetscErrorCode MuCaseGetChoiceArray(MuCase c, const char *key, PetscInt *count, PetscInt values[],
                                    PetscBool *given);
/* The caller frees every text with PetscFree(). */
PetscErrorCode MuCaseGetStringArray(MuCase c, const char *key, PetscInt *count, char *values[],
                                    PetscBool *given);
/* Number of items given, 0 if the key is not there. */
PetscErrorCode MuCaseCountItems(MuCase c, const char *key, PetscInt *count);

/* A list of names, each of which must be in the table; names[] point into the table.
   MU_ERR_INPUT names the nearest. */
PetscErrorCode MuCaseGetNames(MuCase c, const char *key, MuTableRow table, PetscInt *count,
                              const char *names[], PetscBool *given);
/* The weights of a block ("energy", "geometry"), in the order given; names[] point into the table.
   Weights of 0 are left out. MU_ERR_INPUT: a name that the table does not have, no weight at all.
 */
PetscErrorCode MuCaseGetWeights(MuCase c, const char *block, MuTableRow table, PetscInt *count,
                                const char *names[], PetscReal weights[]);

/* The grid without its mask: grid_mask and grid_mask_formula are evaluated by the caller. */
PetscErrorCode MuCaseGetGridSpec(MuCase c, MuGridSpec *spec);
/* The kernel of a block: "kernel", or "energy_kernel", "geometry_kernel", "diagnostics_kernel",
   whose keys override those of kernel one by one. *given: whether either block is there. The values
   are checked by MuKernelCreate(). */
PetscErrorCode MuCaseGetKernelSpec(MuCase c, const char *block, MuKernelSpec *spec,
                                   PetscBool *given);

/* Where a file of the case is: as written (relative to the working directory), else relative to the
   folder of the case file, else to that folder's parent. MU_ERR_FILE if it is in none. Collective.
 */
PetscErrorCode MuCaseResolvePath(MuCase c, const char *path, char resolved[PETSC_MAX_PATH_LEN]);
/* The same for the path that a key gives; the sentence names the key. Collective. */
PetscErrorCode MuCaseGetPath(MuCase c, const char *key, char resolved[PETSC_MAX_PATH_LEN],
                             PetscBool *given);

/* MU_ERR_INPUT if a key that every run needs is missing: grid_lower, grid_upper, grid_cells,
   initial_type, time_end, output_directory. */
PetscErrorCode MuCaseRequire(MuCase c);

/* The case as YAML after overrides and domain file: read again, it gives the same case. Borrowed.
 */
PetscErrorCode MuCaseGetEffective(MuCase c, const char **text);
/* The first key in which the case differs from one given by its effective text, without the keys of
   `except` (ends with NULL; "study_*": a whole block); key is "" if there is none. Within energy
   and geometry the order counts as well. here, there: the values, "" where it is not given. Not
   collective. */
PetscErrorCode MuCaseCompare(MuCase c, const char *text, const char *const except[], char key[64],
                             char here[64], char there[64]);
/* The name of the case file. Not collective. */
PetscErrorCode MuCaseGetFile(MuCase c, char file[PETSC_MAX_PATH_LEN]);
/* The command line as a shell would read it: file and arguments, after what was set as the program,
   e.g. "mudot run". Borrowed. */
PetscErrorCode MuCaseGetCommandLine(MuCase c, const char **line);
PetscErrorCode MuCaseSetCommandLine(MuCase c, const char *program, int argc, char **argv);

/* Whether a key takes numbers (false: other values, or there is no such key) and whether the case
   gives it; nearest: the known key that is nearest to it. Not collective. */
PetscErrorCode MuCaseHasKey(MuCase c, const char *key, PetscBool *number, PetscBool *given,
                            char nearest[64]);
/* Calls visit with every key that is given and the text of its value. Not collective. */
PetscErrorCode MuCaseVisit(MuCase c,
                           PetscErrorCode (*visit)(void *ctx, const char *key, const char *value),
                           void *ctx);

/* What may be known of a key: its full name (energy_NAME, geometry_NAME: a weight per name of the
   table), its block, the word for its value (NUMBER, NUMBERS, INTEGER, INTEGERS, TEXT, WORDS,
   true|false, WORD), the words that WORD may be ("a|b|c", else ""), and its documentation. */
typedef struct {
  const char *name, *block, *value, *allowed, *doc;
} MuKeyInfo;
/* The key number i, valid until the next call; name is NULL past the end. Not collective. */
PetscErrorCode MuCaseGetKey(PetscInt i, MuKeyInfo *key);

/* Prints every key with its value and its line of documentation. Not collective. */
PetscErrorCode MuCasePrintKeys(FILE *out);
/* The same of the blocks in the list `only` ("a|b", NULL: all) that are not in the list `except`
   (NULL: none). */
PetscErrorCode MuCasePrintBlocks(FILE *out, const char *only, const char *except);

/* Prints two blanks, the name in `width` columns and the text, wrapped at 100 columns beside it.
   Not collective. */
PetscErrorCode MuPrintRow(FILE *out, const char *name, int width, const char *text);

/* Whether an argument is an option of PETSc (-ksp_..., -snes_..., -log_view, ...), which mudot
   leaves alone, and how many arguments it takes with its value (1 or 2). Not collective. */
PetscBool MuOptionIsPetsc(const char *argument);
int MuOptionPetscLength(int argc, char **argv);

/* ------------------------------------------------------------------ limits */

/* What a geometry's part or an energy's term tends to as a parameter goes to 0. */
typedef struct {
  const char *name; /* a name of the same table; NULL: there is no limit */
  PetscReal
      mobility_exponent; /* of the limit, for power_mobility and wasserstein_mobility, else 0 */
  PetscReal order;       /* of the error in the parameter for smooth data; 0: not known */
} MuLimit;

/* Limit of a part of the geometry table as `parameters` vanish: "bandwidth" (for a kernel of unit
   mass), "ridge", or "bandwidth ridge" for both along a curve. limit->name is NULL if there is
   none. Not collective. */
PetscErrorCode MuGeometryGetLimit(const char *name, const char *parameters, MuLimit *limit);
/* The same for an energy as the bandwidth of its kernel of unit mass vanishes. */
PetscErrorCode MuEnergyGetLimit(const char *name, MuLimit *limit);

/* ------------------------------------------------------------------ energies */

typedef struct _p_MuEnergy *MuEnergy;

#define MU_MAX_TERMS 16

typedef struct {
  PetscInt terms;                 /* 1 .. MU_MAX_TERMS */
  const char *name[MU_MAX_TERMS]; /* names of the energy table */
  PetscReal weight[MU_MAX_TERMS]; /* > 0 (potential and interaction: any sign) */
  PetscReal power_exponent;       /* p of `power` */
  PetscReal internal_exponent;    /* m of `internal`, > 0 and != 1 */
  PetscErrorCode (*potential)(void *ctx, const PetscReal x[2], PetscReal *v); /* V of `potential` */
  void *potential_ctx;
  PetscErrorCode (*interaction)(void *ctx, const PetscReal z[2],
                                PetscReal *w); /* W of `interaction`, even */
  void *interaction_ctx;
  MuKernel kernel; /* of mmd and blob_entropy; NULL if neither is there. Referenced. */
  Vec log_target;  /* log pi as a field, -infinity where pi vanishes; NULL if no term needs it.
                      Referenced. */
} MuEnergySpec;

/* F = sum of weight * named term. Callbacks are called here, not later; log_target is read here, so
   later changes of it have no effect. Collective. MU_ERR_INPUT: unknown name, exponent out of
   range, a missing target or kernel, a V that is not finite, a W that is not even. */
PetscErrorCode MuEnergyCreate(MuGrid grid, const MuEnergySpec *spec, MuEnergy *energy);
PetscErrorCode MuEnergyDestroy(MuEnergy *energy);
PetscErrorCode MuEnergyReference(MuEnergy energy);
PetscErrorCode MuEnergyGetTerms(MuEnergy energy, PetscInt *terms, const char *const **names,
                                const PetscReal **weights);

/* F(rho), the weighted terms (NULL or [terms]), and DF(rho) (NULL or a field), all from one pass.
   With `preimage` not NULL and the energy a multiple of `mmd` alone, preimage is set so that DF =
   Kc preimage, exactly: weight * (rho - pi). DF is with respect to <.,.>: dF = <DF, d rho>. Where
   rho = 0, log rho is taken at the smallest normal number, so DF stays finite there; where pi
   vanishes too, DF of the terms relative to pi is 0. F may be +infinity: mass where pi vanishes
   (kl, chi2, power p >= 1), or rho = 0 where pi > 0 (inclusive_kl, power p <= 0). `value` and
   `derivative` may be NULL, and cost nothing then. Collective. */
PetscErrorCode MuEnergyEvaluate(MuEnergy energy, Vec rho, PetscReal *value, PetscReal terms[],
                                Vec derivative, Vec preimage);

/* Whether the energy is a multiple of `mmd` alone, so that preimage exists. */
PetscErrorCode MuEnergyHasPreimage(MuEnergy energy, PetscBool *has);

/* A discrete gradient (Gonzalez): <G, rho1 - rho0> = F(rho1) - F(rho0) to rounding, G(rho, rho) =
   DF(rho), symmetric in its arguments. Local terms cell by cell without cancellation, quadratic
   ones DF at the midpoint, blob_entropy by the product rule with logarithmic means. Where F is
   infinite at an end the identity has no meaning and G is that of rho at the smallest normal
   number. rho0 and rho1 may be the same. preimage as above, at the midpoint (NULL allowed).
   Collective. */
PetscErrorCode MuEnergyDiscreteGradient(MuEnergy energy, Vec rho0, Vec rho1, Vec gradient,
                                        Vec preimage);

/* The diagonal of the local terms' second derivative: f_i''(rho_i), with the smallest normal number
   for rho = 0; nonlocal terms add nothing. Collective. */
PetscErrorCode MuEnergyCurvature(MuEnergy energy, Vec rho, Vec curvature);

/* The part of DF that is linear in log rho: DF = diffusivity * log rho + potential + rest,
   diffusivity = the sum of the weights of kl and entropy, potential (NULL or a field) from kl,
   entropy and potential terms (so +infinity where pi vanishes, with kl). *only: there is no rest.
   Collective. */
PetscErrorCode MuEnergyLogarithmicPart(MuEnergy energy, PetscReal *diffusivity, Vec potential,
                                       PetscBool *only);

/* The rest of DF, split for linearly implicit transport: relative (function of s = rho/pi:
   inclusive_kl, hellinger, chi2, power) into `relative`, function of rho alone (internal, and rho
   of l2) into `local`, everything else (mmd, interaction, blob_entropy, -pi of l2) into `frozen`.
   Each a field, set (not added to). has[3] says which of the three, in that order, is there at all;
   NULL fields are skipped. Collective. */
PetscErrorCode MuEnergyTransportParts(MuEnergy energy, Vec rho, Vec relative, Vec local, Vec frozen,
                                      PetscBool has[3]);

/* What the energy was made from (borrowed; names and kernel live as long as the energy). */
PetscErrorCode MuEnergyGetSpec(MuEnergy energy, const MuEnergySpec **spec);

/* log pi, or NULL; borrowed. */
PetscErrorCode MuEnergyGetLogTarget(MuEnergy energy, Vec *log_target);

/* ------------------------------------------------------------------ diagnostics */

typedef struct _p_MuDiagnostic *MuDiagnostic;

/* A distance of rho to pi, by name: kl, inclusive_kl, hellinger, chi2, l2, mmd are the energies of
   these names with weight 1 (l2 and mmd so are half a squared norm); l1 = int |rho - pi|; w2 = the
   Wasserstein distance (int_0^1 |Q_rho - Q_pi|^2 du)^(1/2) of the two measures normalised to mass
   1, 1-D with walls only, exact for densities that are constant in every cell. log_target as in
   MuEnergySpec, referenced; `kernel` of mmd, NULL elsewhere. Collective. MU_ERR_INPUT: an unknown
   name, w2 in 2-D or on a periodic axis, mmd without a kernel. */
PetscErrorCode MuDiagnosticCreate(MuGrid grid, const char *name, Vec log_target, MuKernel kernel,
                                  MuDiagnostic *diagnostic);
PetscErrorCode MuDiagnosticDestroy(MuDiagnostic *diagnostic);
/* The same bits on every rank; +infinity where the energy is. Collective. MU_ERR_NUMERICS: w2 of a
   density without mass. */
PetscErrorCode MuDiagnosticEvaluate(MuDiagnostic diagnostic, Vec rho, PetscReal *value);

/* ------------------------------------------------------------------ geometries */

typedef struct _p_MuGeometry *MuGeometry;

/* Mean of rho over a face. AUTO: logarithmic, except Stolarsky's for `internal`, whose flux then is
 * the difference of rho^m. */
typedef enum {
  MU_MEAN_AUTO,
  MU_MEAN_LOGARITHMIC,
  MU_MEAN_ARITHMETIC,
  MU_MEAN_UPWIND,
  MU_MEAN_STOLARSKY
} MuMean;

typedef struct {
  PetscInt parts;                 /* 1 .. MU_MAX_TERMS */
  const char *name[MU_MAX_TERMS]; /* names of the geometry table */
  PetscReal weight[MU_MAX_TERMS]; /* > 0 */
  PetscBool spherical;            /* project the reaction part to conserve mass */
  PetscReal ridge;                /* lambda of ridge_fisher_rao, ridge_stein, ridge_mobility,
                                     wasserstein_ridge_mobility; and of mmd if > 0 */
  PetscReal mobility_exponent;    /* m of power_mobility, wasserstein_mobility */
  MuMean face_mean; /* LOGARITHMIC, ARITHMETIC, UPWIND or STOLARSKY; AUTO is taken as LOGARITHMIC
                       here */
  PetscReal stolarsky_exponent; /* m of STOLARSKY: (m-1)/m (a^m - b^m)/(a^(m-1) - b^(m-1)) */
  MuKernel kernel;              /* NULL if no part needs one. Referenced. */
} MuGeometrySpec;

typedef enum { MU_PART_TRANSPORT = 1, MU_PART_REACTION = 2, MU_PART_ALL = 3 } MuPartKind;

/* The kind of a name of the geometry table; *kind is left alone if it is not there. Not collective.
 */
PetscErrorCode MuGeometryGetKind(const char *name, MuPartKind *kind);

/* K = sum of weight * named part. Collective. MU_ERR_INPUT: unknown name, weight <= 0, missing
 * kernel or ridge, ... */
PetscErrorCode MuGeometryCreate(MuGrid grid, const MuGeometrySpec *spec, MuGeometry *geometry);
PetscErrorCode MuGeometryDestroy(MuGeometry *geometry);
PetscErrorCode MuGeometryReference(MuGeometry geometry);
PetscErrorCode MuGeometryGetParts(MuGeometry geometry, PetscInt *parts, const char *const **names,
                                  const PetscReal **weights);
/* What the geometry was made from (borrowed; names and kernel live as long as the geometry). */
PetscErrorCode MuGeometryGetSpec(MuGeometry geometry, const MuGeometrySpec **spec);
/* Which kinds of part are there: MU_PART_TRANSPORT, MU_PART_REACTION or both. */
PetscErrorCode MuGeometryGetKinds(MuGeometry geometry, PetscInt *kinds);

/* Potential V of the Scharfetter-Gummel mean: with s = rho exp(V), M_f = pi_f L(s_i, s_j) = L(B(V_j
   - V_i) rho_i, B(V_i - V_j) rho_j), so that M_f (log s_i - log s_j) is the Scharfetter-Gummel
   flux. NULL (default): V = 0, the logarithmic mean of rho. Used with MU_MEAN_LOGARITHMIC, by the
   next MuGeometrySetState(); copied. Only differences of V enter; where V is +infinity the faces
   are closed. Where rho = 0 its logarithm is that of the smallest normal number, as in
   MuEnergyEvaluate(). Collective. */
PetscErrorCode MuGeometrySetReferencePotential(MuGeometry geometry, Vec potential);

/* Fixes mu = rho for the calls below: face means, q = k * mu, square roots. rho >= 0 is copied
   where needed. With UPWIND the face mean is the density of the cell that mass leaves (the upper
   one where xi rises), taken in Apply: K is then positively homogeneous, not linear. Collective. */
PetscErrorCode MuGeometrySetState(MuGeometry geometry, Vec rho);

/* out = K(mu) xi for the parts of `kind` (spherical projection included for the reaction part).
   `preimage` (may be NULL) is eta with xi = Kc eta for the geometry's kernel: the mmd part then
   needs no inverse (unless it has a ridge). out must differ from xi. MU_ERR_INPUT: see
   MuGeometryCheckInvertible(); MU_ERR_NUMERICS: a ridge solve has not converged. Collective. */
PetscErrorCode MuGeometryApply(MuGeometry geometry, PetscInt kind, Vec xi, Vec preimage, Vec out);

/* out = (K_reaction(mu) xi)/mu without dividing (power_mobility: mu^(m-1) xi, ...), spherical
   included; with m < 1 mu is floored at the smallest normal number. MU_ERR_INPUT if a reaction part
   has no such form (mmd). `has` is false as well if there is no reaction part. Collective. */
PetscErrorCode MuGeometryApplyRelative(MuGeometry geometry, Vec xi, Vec out);
PetscErrorCode MuGeometryHasRelative(MuGeometry geometry, PetscBool *has);

/* MU_ERR_INPUT if K can only be applied with a preimage: mmd without a ridge and a kernel whose
   condition number on this grid is above 1/sqrt(machine epsilon) = 6.7e7. Not collective. */
PetscErrorCode MuGeometryCheckInvertible(MuGeometry geometry);
/* Relative residual of the solves of ridge_fisher_rao and ridge_stein (default 1e-10), which bounds
   the relative error of K xi in the norm weighted by 1/mu, and the largest number of iterations of
   any of them so far. */
PetscErrorCode MuGeometrySetRidgeTolerance(MuGeometry geometry, PetscReal tolerance);
PetscErrorCode MuGeometryGetRidgeIterations(MuGeometry geometry, PetscInt *largest);

/* Mobility of the local transport parts on the faces of an axis: sum over wasserstein and
   wasserstein_mobility of weight * M_f^m, so that their K xi = -div(mobility grad xi). MU_ERR_INPUT
   with UPWIND. Collective. */
PetscErrorCode MuGeometryFaceMobility(MuGeometry geometry, PetscInt axis, Vec mobility);
/* The face mean M_f itself. */
PetscErrorCode MuGeometryFaceMean(MuGeometry geometry, PetscInt axis, Vec mean);
/* flux[axis]: the face flux of the nonlocal transport parts (stein, ridge_stein), -weight * M_f
   k*(M_f grad xi): mass per time and face area, towards the upper cell if positive. dim face
   fields, set. Collective. */
PetscErrorCode MuGeometryNonlocalFlux(MuGeometry geometry, Vec xi, Vec flux[]);
/* Whether every transport part is local (no stein). */
PetscErrorCode MuGeometryTransportIsLocal(MuGeometry geometry, PetscBool *local);
/* Diagonal d_i >= 0 with K_reaction ~ diag(d): for preconditioners; mu for Fisher-Rao, mu^m,
   mu^2/(mu + lambda), ...: the limit of a narrow kernel, times its largest symbol where that is not
   1; without the spherical projection. Collective. */
PetscErrorCode MuGeometryReactionDiagonal(MuGeometry geometry, Vec diagonal);

/* How R(mu, v) = sup_xi <xi, v> - R*(mu, xi) = 1/2 <zeta, v>, K zeta = v, is had. */
typedef enum { MU_PRIMAL_CLOSED, MU_PRIMAL_SOLVE, MU_PRIMAL_IDENTITY } MuPrimalMethod;
/* The method for this geometry; IDENTITY where K zeta = v is not well posed (kernel operators with
 * fast-decaying spectrum). Not collective. */
PetscErrorCode MuGeometryGetPrimalMethod(MuGeometry geometry, MuPrimalMethod *method,
                                         const char **sentence);
/* R(mu, v) at the state mu; +infinity (IEEE) where v is not in the range of a diagonal K. `guess` ~
   zeta with guess_image = K guess (both may be NULL) starts the solve and gives the accuracy: R is
   a lower bound whose error is about 1e-9 of R and 1e-3 of 1/2 <v - K guess, K^(-1)(v - K guess)>,
   plus 1e-14 of what is spent where mobilities are below 1e-14 of their maximum; it is not below 0.
   Where K conserves mass, that of v is taken as zero (on every component, for a pure transport).
   With IDENTITY R = 1/2 <guess, v> and guess must be there. Collective. */
PetscErrorCode MuGeometryPrimal(MuGeometry geometry, Vec v, Vec guess, Vec guess_image,
                                PetscReal *value);
/* Of the last MuGeometryPrimal(): steps of its solve (0 if it had none), and whether it was cut off
   at the limit (300) before it was accurate. Not collective. */
PetscErrorCode MuGeometryGetPrimalReport(MuGeometry geometry, PetscInt *iterations,
                                         PetscBool *limited);

/* ------------------------------------------------------------------ linear transport steps */

typedef struct _p_MuTransport *MuTransport;

typedef enum {
  MU_TRANSPORT_AUTO,
  MU_TRANSPORT_COUPLED,
  MU_TRANSPORT_DIMENSION_SPLIT,
  MU_TRANSPORT_DIRECT
} MuTransportSolver;

/* Solves (I + dt div J) rho1 = rho0 with face fluxes J_f = a_f rho_lower - b_f rho_upper, a_f, b_f
   >= 0: an M-matrix with column sums one, so rho1 is non-negative with the mass of rho0 for every
   dt. In 1-D every solver is one (cyclic) tridiagonal solve. AUTO is COUPLED; see
   MuTransportChoose(). COUPLED factors the system if its iteration stalls (rough coefficients), and
   uses the factors until the next SetUp. Collective. */
PetscErrorCode MuTransportCreate(MuGrid grid, MuTransportSolver solver, MuTransport *transport);
PetscErrorCode MuTransportDestroy(MuTransport *transport);
/* Face fields a and b of an axis, in units 1/time times length/length: the flux divided by the
   spacing is included, i.e. (div J)_i = sum over axes (J_upper face - J_lower face) with J_f = a_f
   rho_lower - b_f rho_upper and a, b already divided by spacing^2 (1/time). Borrowed, to be filled
   by the caller and then announced by MuTransportSetUp(). Zero on closed faces. */
PetscErrorCode MuTransportGetCoefficients(MuTransport transport, PetscInt axis, Vec *a, Vec *b);
/* Scharfetter-Gummel coefficients of D (grad rho + rho grad V) on every axis: a = D B(V_upper -
   V_lower)/spacing^2, b = D B(V_lower - V_upper)/spacing^2, so that exp(-V) is stationary; V =
   +infinity closes the faces of the cell. Sets log pi = -V. Collective. */
PetscErrorCode MuTransportFillScharfetterGummel(MuTransport transport, PetscReal diffusivity,
                                                Vec potential);
/* log pi with a_f pi_lower = b_f pi_upper (detailed balance), for `coupled` and `direct`, which
 * symmetrise with it; NULL: not reversible. Referenced. */
PetscErrorCode MuTransportSetReversible(MuTransport transport, Vec log_pi);
/* Factors for a step size; call again when dt or the coefficients change. */
PetscErrorCode MuTransportSetUp(MuTransport transport, PetscReal dt);
/* dimension_split: axis order x then y, or y then x if reversed. The others stop when the residual
   rho0 - A rho1 in L1, which bounds the error of rho1 in L1, is below tolerance * mass(rho0), or
   below what rounding leaves of it, about eps | |A| |rho1| |_1 (the larger one, at
   the default tolerance, where the diagonal of A exceeds about 2000). If rho0 >= 0, then rho1 >= 0
   with the mass of rho0. rho0 and rho1 may be the same. MU_ERR_NUMERICS if the tolerance is not
   reached. Collective. */
PetscErrorCode MuTransportSolve(MuTransport transport, PetscBool reversed, Vec rho0, Vec rho1);
PetscErrorCode MuTransportSetTolerance(MuTransport transport,
                                       PetscReal tolerance); /* default 1e-12 */
PetscErrorCode MuTransportGetIterations(MuTransport transport, PetscInt *iterations);
#define MU_TRANSPORT_WHY 256
/* The cheaper of `coupled` and `direct` for a number of steps with the same factors, from measured
   costs; why[MU_TRANSPORT_WHY] gets one sentence. Not collective. */
PetscErrorCode MuTransportChoose(MuGrid grid, PetscInt steps, MuTransportSolver *solver,
                                 char why[MU_TRANSPORT_WHY]);

/* ------------------------------------------------------------------ flows */

typedef struct _p_MuFlow *MuFlow;

/* How a flow is integrated in time. */
typedef struct {
  const char *scheme; /* a name of the scheme table; "auto" chooses */
  PetscReal step;     /* largest step; the interval between output times is cut evenly. > 0 */
  PetscBool adapt; /* step doubling: |full - two halves|_L1 / (2^order - 1) <= tolerance * mass */
  PetscReal tolerance;      /* of adapt, and of the inner Runge-Kutta steps of log_density; > 0 */
  MuTransportSolver solver; /* of 2-D transport steps */
  PetscReal end;            /* end time: lets `auto` count the steps. > 0 */
  PetscBool guard;          /* reject steps that raise the energy beyond rounding (default true) */
} MuFlowSpec;

/* scheme auto, step 0 (must be set), no adaptation, tolerance 1e-8, solver auto, guard. */
void MuFlowSpecDefault(MuFlowSpec *spec);

/* A flow of `energy` along `geometry` from the density `initial` (copied) at time 0. Chooses the
   scheme, makes all work space and plans. References what it is given. Collective. MU_ERR_INPUT: a
   scheme that does not fit the pair (the sentence says which does), a face mean that does not fit
   the energy, a geometry that needs an inverse which there is not (MuGeometryCheckInvertible()). */
PetscErrorCode MuFlowCreate(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec initial,
                            const MuFlowSpec *spec, MuFlow *flow);
PetscErrorCode MuFlowDestroy(MuFlow *flow);

/* Called after every accepted step with the densities before and after (borrowed). */
typedef PetscErrorCode (*MuStepCallback)(void *ctx, MuFlow flow, PetscReal time, PetscReal dt,
                                         Vec before, Vec after);
PetscErrorCode MuFlowSetStepCallback(MuFlow flow, MuStepCallback callback, void *ctx);

/* Integrates to exactly `time`. Collective. MU_ERR_NUMERICS: the reason; the flow then stays at its
 * last good state. */
PetscErrorCode MuFlowAdvance(MuFlow flow, PetscReal time);

/* From the step callback: MuFlowAdvance() returns after this step. The next MuFlowAdvance() to the
   same time goes on with the same steps as if it had not stopped. Collective. */
PetscErrorCode MuFlowStop(MuFlow flow);

/* The time and the density reached; borrowed, read only. */
PetscErrorCode MuFlowGetState(MuFlow flow, PetscReal *time, Vec *density);
/* Restarts from another density (copied) at another time, without building anything anew.
 * Collective. */
PetscErrorCode MuFlowSetState(MuFlow flow, PetscReal time, Vec density);
/* F at the state; terms (NULL or [terms]) as in MuEnergyEvaluate(). Collective. */
PetscErrorCode MuFlowGetEnergy(MuFlow flow, PetscReal *value, PetscReal terms[]);
/* Name of the scheme in use, its order in time, and a sentence that says what was chosen and why.
 * Borrowed. */
PetscErrorCode MuFlowGetScheme(MuFlow flow, const char **name, PetscInt *order, const char **why);
/* Accepted and rejected steps so far. */
PetscErrorCode MuFlowGetSteps(MuFlow flow, PetscInt *accepted, PetscInt *rejected);
/* The parts; borrowed. */
PetscErrorCode MuFlowGetParts(MuFlow flow, MuGrid *grid, MuEnergy *energy, MuGeometry *geometry);

/* Puts the complete state between two steps into a checkpoint: the density, the numbers of the step
   control and those that the integrator keeps from step to step. A flow made from the same case on
   the same number of ranks that takes it back goes on with the same bits, on another number of
   ranks to rounding. Callable from the step callback. Collective. */
PetscErrorCode MuFlowSave(MuFlow flow, MuCheckpoint checkpoint);
/* MU_ERR_FILE: the checkpoint is not one of a flow on this grid. */
PetscErrorCode MuFlowLoad(MuFlow flow, MuCheckpoint checkpoint);

/* ------------------------------------------------------------------ the ledger */

/* The energy-dissipation balance along a flow. Row n >= 1 belongs to the step from t_(n-1) to t_n,
   with v = (mu_n - mu_(n-1))/dt, the midpoint mu = (mu_(n-1) + mu_n)/2 and G the discrete gradient
   of F over the step (<G, mu_n - mu_(n-1)> = F_n - F_(n-1)): dissipation_dual   = R*(mu, -G) = 1/2
   <G, K(mu) G> dissipation_primal = R(mu, v), from v alone by solving K zeta = v, or as
   MuGeometryGetPrimalMethod() says dissipated         = running sum of dt (R + R*), balance_defect
   = F_n + dissipated - F_0. By the Fenchel-Young inequality each step adds 1/2 <v + KG, K^(-1)(v +
   KG)> >= 0 to the defect: it vanishes if and only if the step solves the flow. Row 0 has dt = 0
   and both potentials at mu_0 with v = -K DF. */
typedef struct _p_MuLedger *MuLedger;

/* Names of the fixed columns followed by energy_NAME; diagnostics are the caller's. References the
 * flow. Collective. */
PetscErrorCode MuLedgerCreate(MuFlow flow, MuLedger *ledger);
PetscErrorCode MuLedgerDestroy(MuLedger *ledger);
/* t, dt, energy, energy_NAME ..., dissipation_primal, dissipation_dual, dissipated, balance_defect,
 * mass, min_density. Borrowed. */
PetscErrorCode MuLedgerGetColumns(MuLedger ledger, PetscInt *columns, const char *const **names);
/* Row 0, at the flow's state. Collective. */
PetscErrorCode MuLedgerStart(MuLedger ledger, PetscReal row[]);
/* The row of the step that ended at `time`. Collective. */
PetscErrorCode MuLedgerStep(MuLedger ledger, PetscReal time, PetscReal dt, Vec before, Vec after,
                            PetscReal row[]);
/* R*(rho, -DF(rho)) at any density, not a part of the ledger. Collective. */
PetscErrorCode MuLedgerDual(MuLedger ledger, Vec rho, PetscReal *dual);
/* Of the last step: v, -G and -K G at the midpoint, at which the flow's geometry then stands.
   Borrowed, read only. Not collective. */
PetscErrorCode MuLedgerGetStep(MuLedger ledger, Vec *velocity, Vec *force, Vec *force_image);
/* Worst |balance_defect| and worst relative mass drift so far. */
PetscErrorCode MuLedgerGetWorst(MuLedger ledger, PetscReal *defect, PetscReal *mass_drift);
/* Number of steps whose R is only a lower bound because its solve was cut off. */
PetscErrorCode MuLedgerGetCutOff(MuLedger ledger, PetscInt *steps);
/* The running sums, with the flow's checkpoint; MuLedgerLoad() stands in for MuLedgerStart().
   Collective. */
PetscErrorCode MuLedgerSave(MuLedger ledger, MuCheckpoint checkpoint);
PetscErrorCode MuLedgerLoad(MuLedger ledger, MuCheckpoint checkpoint);

/* ------------------------------------------------------------------ problems */

/* Everything that a case describes, built: what `mudot run` solves. */
typedef struct _p_MuProblem *MuProblem;

typedef struct {
  MuGrid grid;
  Vec log_target; /* log pi, normalised on the grid; NULL if the case has no target */
  Vec initial;    /* density of mass 1 */
  MuEnergy energy;
  MuGeometry geometry;
  MuKernel energy_kernel, geometry_kernel, diagnostics_kernel; /* NULL where none is given */
  MuFlowSpec flow;
  PetscInt snapshots; /* output times, ascending */
  PetscReal *snapshot_times;
  PetscInt diagnostics;
  const char *diagnostic_names[MU_MAX_TERMS]; /* names of the diagnostics' table */
} MuProblemParts;

/* Builds the problem of a case. Collective. MU_ERR_INPUT, MU_ERR_FILE: one sentence with the key,
 * the value and what is allowed. */
PetscErrorCode MuProblemCreate(MuCase c, MuProblem *problem);
PetscErrorCode MuProblemDestroy(MuProblem *problem);
/* The parts, owned by the problem. */
PetscErrorCode MuProblemGetParts(MuProblem problem, const MuProblemParts **parts);

/* Solves the case and writes its output directory; prints a summary on standard output. Collective.
   MU_ERR_INPUT, MU_ERR_FILE; MU_ERR_NUMERICS: the last good state is the last snapshot of run.h5,
   which the sentence names. */
PetscErrorCode MuRunCase(MuCase c);

/* ------------------------------------------------------------------ particle methods */

/* A particle method on a case with a block `particles`: a cloud sum_i w_i delta(x_i) that
   discretises the case's geometry and energy. Every rank holds the cloud and draws the same random
   numbers: the same result on any number of ranks to rounding, the same bits on the same number. */
typedef struct _p_MuParticles *MuParticles;

/* Overrides of the case. */
typedef struct {
  PetscInt count; /* 0: as in the case */
  PetscInt seed;  /* negative: as in the case */
} MuParticlesSpec;

/* Read only, owned by the object; the arrays are the same on every rank and change with Advance. */
typedef struct {
  PetscReal time;
  PetscInt steps, count, dim;
  const PetscReal *position; /* [count][dim] */
  const PetscReal *weight;   /* [count] */
} MuParticlesState;

/* What a run does, in words; owned by the object. */
typedef struct {
  const char *method;
  const char *scheme; /* the step, ending with the geometry that it discretises */
  const char *target; /* how the target enters energy mmd; "" if it does not */
  const char *energy; /* what the energy of a cloud means where that is not plain; else "" */
  const char *mmd2;   /* how the ledger's mmd2 is had; "" without a target */
  PetscInt seed;
} MuParticlesDescription;

/* Called after every step. */
typedef PetscErrorCode (*MuParticlesCallback)(void *ctx, MuParticles particles);

/* Draws the initial cloud, i.i.d. with equal weights, at time 0. spec may be NULL. References the
   case. Collective. MU_ERR_INPUT: one sentence with the key, the value and what is allowed, also
   where method, geometry and energy do not fit; MU_ERR_FILE. */
PetscErrorCode MuParticlesCreate(MuCase c, const MuParticlesSpec *spec, MuParticles *particles);
PetscErrorCode MuParticlesDestroy(MuParticles *particles);
/* To exactly `time`, the interval cut evenly into steps of at most time_step. Collective.
   MU_ERR_NUMERICS: the reason; the cloud then stays at its last good state. */
PetscErrorCode MuParticlesAdvance(MuParticles particles, PetscReal time);
PetscErrorCode MuParticlesGetState(MuParticles particles, MuParticlesState *state);
/* The ledger's row at the state, made now (mmd2 may cost as much as a step); each may be NULL; the
   row is borrowed and stands until Advance. Collective. t, dt, energy and energy_NAME where
   clouds have them, mmd2 (with a target; of the cloud scaled to mass 1), mass, weight_min,
   weight_max, ess = (sum w)^2/sum w^2, displacement (mean distance that a particle moved in the
   step), and with the MMD weight step simplex_residual and simplex_iterations. */
PetscErrorCode MuParticlesGetRow(MuParticles particles, PetscInt *columns,
                                 const char *const **names, const PetscReal **row);
PetscErrorCode MuParticlesSetStepCallback(MuParticles particles, MuParticlesCallback callback,
                                          void *ctx);
PetscErrorCode MuParticlesDescribe(MuParticles particles, MuParticlesDescription *description);

/* The methods and the geometry that each discretises. */
PetscErrorCode MuMethodGetTableRow(PetscInt i, const char **name, const char **formula);

/* Runs the method of the case and writes particles.h5 and ledger.csv into its output directory;
   prints a summary on standard output. Collective. MU_ERR_INPUT, MU_ERR_FILE; MU_ERR_NUMERICS: the
   last good state is the last snapshot of particles.h5, which the sentence names. */
PetscErrorCode MuRunParticles(MuCase c);
typedef struct {
  PetscBool restart; /* goes on from the newest good checkpoint of the output directory, else from
                        t = 0; says from where */
} MuRunSpec;

/* The same with a spec (NULL: the above). *interrupted: the run was stopped before its end by
   SIGTERM, SIGINT or SIGHUP or by time_wall_limit; its checkpoint is written and the command to go
   on printed. SIGUSR1 has a checkpoint written. The signals have their former meaning again
   afterwards. MU_ERR_INPUT with restart: the directory holds another case. */
PetscErrorCode MuRunSolve(MuCase c, const MuRunSpec *spec, PetscBool *interrupted);

/* ------------------------------------------------------------------ studies */

/* Sweeps of one parameter with a verdict: the `study` block of a study file names a case, a key and
   its values; other blocks of the file override keys of the case. Every value is one run on one
   rank; the runs are shared out among the ranks. */
typedef struct _p_MuStudy *MuStudy;

typedef enum { MU_VERDICT_HOLDS, MU_VERDICT_FAILS, MU_VERDICT_UNDECIDED } MuStudyVerdict;

/* What came out; the same on every rank, owned by the study. */
typedef struct {
  MuStudyVerdict verdict;
  PetscReal order, order_stderr; /* of the leading error; rate: the fitted exponent */
  PetscReal expected;            /* NaN: nothing was claimed */
  PetscInt rows, columns, times;
  const char *const *names; /* [columns] */
  const PetscReal *table;   /* row-major [rows][columns] */
  const PetscReal *time;    /* [times] of the curves */
  const char *notes;        /* sentences, one a line */
} MuStudyResult;

/* The exact solutions of study_exact and what each needs of the case; *name is NULL past the end.
 */
PetscErrorCode MuExactGetTableRow(PetscInt i, const char **name, const char **needs);

/* Reads what the file asks for and builds the case once, to find mistakes. Collective.
   MU_ERR_INPUT: one sentence with the key, the value and what is allowed; MU_ERR_FILE. */
PetscErrorCode MuStudyCreate(MuCase file, MuStudy *study);
/* Does the runs that output_directory does not hold yet, writes study.csv row by row and study.h5,
   prints the table and the verdict. A run whose numerics fail is reported in its row. Collective.
   MU_ERR_INPUT: the directory holds the results of another or a finished study; MU_ERR_FILE. */
PetscErrorCode MuStudySolve(MuStudy study);
PetscErrorCode MuStudyGetResult(MuStudy study, MuStudyResult *result);
PetscErrorCode MuStudyDestroy(MuStudy *study);

#endif
