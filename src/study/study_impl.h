/* Private to study/: what a kind of study implements and what kinds share. */
#ifndef MUDOT_STUDY_IMPL_H
#define MUDOT_STUDY_IMPL_H

#include "base/lock.h"
#include "mudot.h"
#include "record/run_writer.h"

/* ------------------------------------------------------------------ overrides of a case */

/* Keys with their values, as text; setting a key again replaces it, removing one that is not there
   changes nothing. */
typedef struct {
  PetscInt count, capacity;
  char **text; /* [2 count]: "-key", "value", ... */
} MuOverrides;

PetscErrorCode MuOverridesSet(MuOverrides *o, const char *key, const char *format, ...)
    PETSC_ATTRIBUTE_FORMAT(3, 4);
PetscErrorCode MuOverridesRemove(MuOverrides *o, const char *key);
PetscErrorCode MuOverridesCopy(const MuOverrides *from, MuOverrides *to);
PetscErrorCode MuOverridesDestroy(MuOverrides *o);

/* ------------------------------------------------------------------ one run of a study */

/* What a trial records at the output times. */
enum {
  MU_CURVE_ENERGY,
  MU_CURVE_PRIMAL, /* the integrands R and R* of the step that ended there */
  MU_CURVE_DUAL,
  MU_CURVE_PRIMAL_INTEGRAL,
  MU_CURVE_DUAL_INTEGRAL,
  MU_CURVE_DEFECT,
  MU_CURVE_MASS,
  MU_TRIAL_CURVES
};
extern const char *const MuTrialCurveNames[MU_TRIAL_CURVES];

typedef struct MuTrial MuTrial;
typedef PetscErrorCode (*MuTrialOutput)(void *ctx, MuTrial *trial, PetscInt k, Vec rho);
typedef PetscErrorCode (*MuTrialStep)(void *ctx, MuTrial *trial, PetscReal time, PetscReal dt);

/* A case, built and ready to be solved; fields are read only. */
struct MuTrial {
  const char *file; /* that it was made from, with these overrides; borrowed */
  MuOverrides overrides;
  MuCase c;
  MuProblem problem;
  const MuProblemParts *parts;
  const MuGridInfo *info;
  MuFlow flow;
  MuLedger ledger;
  MuColumns columns;                 /* of the ledger; borrowed */
  PetscReal *row;                    /* its last row */
  PetscInt times;                    /* output times: parts->snapshots */
  PetscReal *curve[MU_TRIAL_CURVES]; /* [times] */
  PetscReal primal_integral, dual_integral, worst_defect;
  PetscInt steps;
  MuTrialOutput output; /* OPTIONAL hooks, set before MuTrialSolve() */
  MuTrialStep step;
  void *ctx;
  MuRunWriter writer; /* OPTIONAL: takes the rows and snapshots, see MuStudyKeepRun() */
};

/* Builds grid, energy, geometry and, if `flow`, the flow with its ledger. On an error everything is
   freed. `file` outlives the trial. Collective, as all that follows. */
PetscErrorCode MuTrialCreate(MPI_Comm comm, const char *file, const MuOverrides *o, PetscBool flow,
                             MuTrial *t);
/* The same case without a flow, on this rank alone: for what is not computed on several. */
PetscErrorCode MuTrialAlone(const MuTrial *t, MuTrial *alone);
PetscErrorCode MuTrialSolve(MuTrial *t);
PetscErrorCode MuTrialDestroy(MuTrial *t);
/* A number of the ledger's last row. */
static inline PetscReal MuTrialValue(const MuTrial *t, MuColumnRole role) {
  return MuColumnsValue(t->columns, t->row, role);
}

/* Whether the case can be built on a finer grid: no mask, no density from a file of given shape. */
PetscErrorCode MuTrialCanRefine(const MuTrial *t, PetscBool *can);
/* Whether it can be built on half the cells: as above, and with a mask that a formula gives, whose
   outline changes with the cells, which is an error that counts. */
PetscErrorCode MuTrialCanCoarsen(const MuTrial *t, PetscBool *can);
/* Overrides for `factor` times the cells per axis and the step (and the tolerance of adaptation)
   over `step_factor`. */
PetscErrorCode MuTrialRefine(const MuTrial *t, PetscReal factor, PetscReal step_factor,
                             MuOverrides *o);
/* Overrides for a companion: MU_FROM_GRID, MU_FROM_STEP. Where an output interval leaves no room
   for twice the step, every other output time is left out. */
PetscErrorCode MuTrialCoarsen(const MuTrial *t, int companion, MuOverrides *o);

/* c [coarse ny][coarse nx], `stride` apart, on every rank = mean of the cells of f in each coarse
   cell: conserves mass. Both grids on the same box, the number of cells a multiple; MU_ERR_INPUT
   otherwise. Collective. */
PetscErrorCode MuTransferRestrict(MuGrid fine, Vec f, const MuGridInfo *coarse, PetscInt stride,
                                  PetscReal *c);
/* (int (sqrt f - sqrt g)^2)^(1/2). Collective. */
PetscErrorCode MuTransferHellinger(const MuGridInfo *info, Vec f, Vec g, PetscReal *distance);

/* ------------------------------------------------------------------ fits */

typedef struct {
  PetscInt points;
  PetscReal slope, stderror, intercept; /* NaN with fewer than two points; stderror with two */
} MuFit;
/* Least squares of y against x. */
MuFit MuFitLine(PetscInt n, const PetscReal *x, const PetscReal *y);

/* ------------------------------------------------------------------ the study */

/* Where the error of an observed number comes from; the first two have companions, the same runs on
   half the cells per axis and with twice the step. */
enum { MU_FROM_GRID, MU_FROM_STEP, MU_COMPANIONS, MU_FROM_WINDOW = MU_COMPANIONS, MU_CLAIM_ERRORS };

typedef struct MuStudyOps MuStudyOps;

#define MU_STATUS_LENGTH 256
#define MU_NOTES         16384
#define MU_MAX_ORDERS    64
#define MU_MAX_VALUES    1024

/* A fitted number of the result: order of an error column, rate of a row. */
typedef struct {
  char name[64];
  PetscReal value, stderror;
} MuStudyOrder;

/* Numbers beside the tables that go into study.h5: attributes, and arrays of its group minimiser.
 */
typedef struct {
  char name[64];
  PetscInt rank, shape[2];
  PetscReal *values; /* owned by the study */
} MuStudyField;
#define MU_MAX_FIELDS 8

struct _p_MuStudy {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MPI_Comm
      group; /* the ranks that a run of this one is solved on: PETSC_COMM_SELF or a part of comm */
  PetscBool leads; /* the first of its group */
  MuCase file;     /* the study's own file; borrowed */
  const MuStudyOps *ops;
  char case_path[PETSC_MAX_PATH_LEN];
  MuOverrides base; /* what the study file says of the case */
  PetscInt count;   /* values */
  PetscReal *values;
  PetscInt varied;
  char *vary[2];
  PetscReal joint_factor, joint_power;
  PetscReal expected, tolerance; /* NaN: not given */
  PetscInt
      grid_dim; /* grid_cells is varied: of the case, and its cells along y over those along x */
  PetscReal grid_ratio;

  PetscBool has_estimates; /* errors of grid and step can be had from companions */
  PetscBool bare;          /* and are not wanted */
  PetscInt rows, extras;   /* rows of the table, and tasks beside them */
  PetscInt columns, curves, times;
  const char *const *column_names, *const *curve_names;
  PetscInt work_curves;             /* the last so many curves are work, not results */
  char (*label)[MU_STATUS_LENGTH];  /* [rows] or NULL: a text column "system" */
  PetscReal *table;                 /* [rows + extras][columns] */
  PetscReal *curve;                 /* [rows + extras][curves][times] */
  PetscReal *time;                  /* [times] */
  char (*status)[MU_STATUS_LENGTH]; /* [rows + extras]: "done" or why not; "" not yet */
  void *data;
  MuLock lock; /* of the directory, on rank 0 */

  MuStudyVerdict verdict;
  PetscReal order, order_stderr;
  char notes[MU_NOTES]; /* sentences that are printed below the table */
  PetscBool stopped;    /* by a signal */
  PetscInt orders;
  MuStudyOrder fitted[MU_MAX_ORDERS];
  PetscInt fields;
  MuStudyField field[MU_MAX_FIELDS]; /* rank 0: an attribute */
};

/* One kind of study; everything here runs on every rank, collectively on the group. */
struct MuStudyOps {
  const char *name;
  PetscReal held;      /* runs that a group holds at once; 0: a run needs one rank alone */
  PetscReal beyond;    /* cells per axis of its finest grid over the finest value (default 0: 1) */
  PetscReal tolerance; /* where study_tolerance is not given */
  /* REQUIRED: checks the keys; sets rows, extras, columns, curves, times and their names. Error
     sentences name the key. */
  PetscErrorCode (*create)(MuStudy study);
  /* OPTIONAL (default: nothing): what all tasks share, before the first one. */
  PetscErrorCode (*prepare)(MuStudy study);
  /* REQUIRED: fills the row and the curves of a task. MU_ERR_NUMERICS goes into its status. */
  PetscErrorCode (*task)(MuStudy study, PetscInt i, PetscReal *row, PetscReal *curve);
  /* REQUIRED, with the tables of all tasks: the remaining columns, the fits and the verdict. */
  PetscErrorCode (*judge)(MuStudy study);
  /* REQUIRED */
  PetscErrorCode (*destroy)(MuStudy study);
};
extern const MuStudyOps MuStudyGamma, MuStudyOrderOps, MuStudyRate, MuStudyBalance,
    MuStudyParticles, MuStudyContraction, MuStudyEquivalence, MuStudyInequality, MuStudyCurveOps;

/* The words of MuStudyVerdict; NULL at the end (services.c, with what follows). */
extern const char *const MuVerdictWords[];
/* Columns and curves of a task. */
static inline PetscReal *MuStudyRow(MuStudy s, PetscInt i) {
  return s->table + i * s->columns;
}
static inline PetscReal *MuStudyCurve(MuStudy s, PetscInt i, PetscInt c) {
  return s->curve + (i * s->curves + c) * s->times;
}
/* Whether the task was done. */
PetscBool MuStudyDone(MuStudy s, PetscInt i);
/* Adds a sentence to the notes. */
void MuStudyNote(MuStudy s, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
/* Adds a fitted number. */
void MuStudyAddOrder(MuStudy s, const char *name, PetscReal value, PetscReal stderror);
/* Adds an array of the group minimiser of study.h5, whose values the caller fills; an attribute. */
PetscErrorCode MuStudyAddField(MuStudy s, const char *name, PetscInt rank, const PetscInt shape[],
                               PetscReal **values);
PetscErrorCode MuStudyAddNumber(MuStudy s, const char *name, PetscReal value);
/* Overrides of the case for value i of the varied keys. */
PetscErrorCode MuStudyOverrides(MuStudy s, PetscInt i, MuOverrides *o);
/* The second key's value, if there are two. */
PetscReal MuStudyJoint(MuStudy s, PetscInt i);
/* MU_ERR_INPUT unless there are at least `least` values, monotone, of a key that the case has. */
PetscErrorCode MuStudyCheckValues(MuStudy s, PetscInt least);
/* The same of a parameter that goes to its limit: at least three positive values. */
PetscErrorCode MuStudyCheckVanishing(MuStudy s);
/* grid_cells is varied: takes the ratio of the cells along the axes from the case. MU_ERR_INPUT
   unless the values are numbers of cells, multiples of the first where they must be nested. */
PetscErrorCode MuStudyReadGrid(MuStudy s, PetscBool nested);
/* Builds the case with the overrides, which are destroyed; with a `code` that says why they could
   not be made nothing is built, and it is returned. */
PetscErrorCode MuStudyTrial(MuStudy s, PetscErrorCode code, MuOverrides *o, PetscBool flow,
                            MuTrial *t);
/* The case for value i. */
PetscErrorCode MuStudyTrialOf(MuStudy s, PetscInt i, PetscBool flow, MuTrial *t);
/* Adds to the overrides of a case what makes its companion of them, see MuTrialCoarsen(). */
PetscErrorCode MuStudyCoarsen(MuStudy s, int companion, MuOverrides *o);
/* The first rows of the companions of all rows among the extra tasks, from s->rows + s->extras on,
   which grow; -1 where there is none, or the study does without estimates. */
PetscErrorCode MuStudyPlaceCompanions(MuStudy s, const MuTrial *t,
                                      PetscInt companion[MU_COMPANIONS]);
/* The level of a task, 0 for the rows, 1 + its companion else, and the number of its value. */
PetscInt MuStudyLevelOf(const PetscInt companion[MU_COMPANIONS], PetscInt task, PetscInt *value);
/* What a column of row i, less another one (-1: none), changes by on the companion that begins with
   row `companion`: 0 if there is none, NaN if it failed or the study does without estimates. */
PetscReal MuStudyChange(MuStudy s, PetscInt i, PetscInt companion, PetscInt column, PetscInt less);
/* The study's times are the output times of a trial. */
PetscErrorCode MuStudyTakeTimes(MuStudy s, const MuTrial *t);
/* Before MuTrialSolve(): the trial's run is kept as DIRECTORY/NAME, which holds what mudot run
   would have written. After it: closes that directory and returns `code`, with which the trial
   ended, or MU_ERR_FILE. */
PetscErrorCode MuStudyKeepRun(MuStudy s, MuTrial *t, const char *name);
PetscErrorCode MuStudyKeptRun(MuTrial *t, PetscErrorCode code);
/* The columns of the table and the curves over time, by their names, which outlive the study. */
void MuStudySetTable(MuStudy s, PetscInt columns, const char *const *column_names, PetscInt curves,
                     const char *const *curve_names);
/* The number of a time among the study's. */
PetscInt MuStudySlot(MuStudy s, PetscReal time);
/* curve [MU_TRIAL_CURVES][times] = the trial's; NaN at times that a companion leaves out. */
PetscErrorCode MuStudyKeepCurves(MuStudy s, const MuTrial *t, PetscReal *curve);

/* ------------------------------------------------------------------ claims and verdicts */

/* observed >= claimed, in one unit: an order, a rate, a constant (verdict.c). */
typedef struct {
  char name[96];
  PetscReal claimed, observed, tolerance;
  PetscReal error[MU_CLAIM_ERRORS]; /* NaN: could not be had */
  char reason[MU_STATUS_LENGTH];    /* why nothing can be said; "" if something can */
} MuClaim;

PetscReal MuClaimExcess(const MuClaim *c); /* claimed - observed */
PetscReal MuClaimError(const MuClaim *c);  /* the sum */
/* Holds if excess + error <= tolerance, fails if excess - error > tolerance, else undecided. */
MuStudyVerdict MuClaimVerdict(const MuClaim *c);
/* Gives a reason to be undecided, if there is none yet. */
void MuClaimDoubt(MuClaim *c, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
/* The verdict of one claim, undecided without estimates, which makes that of the study the worse of
   both and leaves a note unless the claim holds. */
MuStudyVerdict MuStudyJudge(MuStudy s, const MuClaim *c);
/* Judges the claims of all rows; the study's number and what it is compared with are those of the
   claim that misses by most, in tolerances. */
void MuStudyJudgeRows(MuStudy s, MuClaim (*claim)(MuStudy s, PetscInt row));
/* Of both: fails if one fails, holds if both hold. */
MuStudyVerdict MuStudyWorse(MuStudyVerdict a, MuStudyVerdict b);
/* MU_ERR_INPUT if the tolerance is negative or the claimed order not above it. */
PetscErrorCode MuStudyCheckThreshold(PetscReal claimed, PetscReal tolerance);

/* Errors this near to what grid and step make of them say nothing about the parameter. */
#define MU_FLOOR_FACTOR 3
/* The slope of y against x, from the coarsest point to the finest: of all points if they are
   scattered or there are three, else of all but the coarsest. */
PetscReal MuClaimSlope(PetscInt n, const PetscReal *x, const PetscReal *y, PetscBool scattered);
/* Doubt where row i or one of its companions failed, or there is none on half the cells. */
void MuStudyDoubtCompanions(MuStudy s, PetscInt i, const PetscInt companion[MU_COMPANIONS],
                            MuClaim *c);
/* Observed = that slope; the window's error = the largest change of it where the coarsest point
   comes in (or goes) or the finest goes. Doubtful below three points or where they span less than a
   factor 2.5. */
void MuClaimFit(MuClaim *c, PetscInt n, const PetscReal *x, const PetscReal *y,
                PetscBool scattered);

/* A column of the rows first, first + 1, ... of all values, and of their companions. */
typedef struct {
  PetscInt first, companion[MU_COMPANIONS]; /* first rows; -1: there is no companion */
  PetscInt column;
  PetscBool inverse;   /* the order is over the inverse of the value */
  PetscBool scattered; /* the errors are random numbers */
  PetscReal rounding;  /* errors below are none */
} MuStudySeries;
/* The order of a series as a claim: observed and errors are set, name, claimed and tolerance are
   the caller's. floor[count]: how far each error moves on the companions, and the rounding;
   use[count]: done and a factor above that floor. */
void MuStudyClaimOrder(MuStudy s, const MuStudySeries *series, MuClaim *c, PetscReal *floor,
                       PetscBool *use);
/* Adds the observed number with its error to the fitted ones. */
void MuStudyAddClaim(MuStudy s, const char *name, const MuClaim *c);
/* The study's order is that of the claim. */
void MuStudyTakeClaim(MuStudy s, const MuClaim *c);

/* The overrides that turn the case into its limit (limit.c): `limit` is "auto" or a name. order: of
   the descriptor, 0 if it says nothing. */
typedef struct {
  char what[256]; /* "kernel_fisher_rao -> power_mobility 2, ..." */
  PetscReal order;
  PetscBool ridge; /* the ridge vanishes */
  PetscBool rises; /* the parameter goes to infinity, not to 0 */
} MuStudyLimit;
PetscErrorCode MuStudyFindLimit(MuStudy s, const char *limit, MuTrial *trial, MuOverrides *o,
                                MuStudyLimit *found);

/* The largest defect, relative to |xi|^2_mu, of the identity |g - xi|^2_mu + lambda |g|_H^2 =
   |xi|^2_mu - <xi, K xi> at the densities [times], g the ridge regression of xi = DF (identity.c);
   NaN where the geometry has none. */
PetscErrorCode MuStudyRidgeIdentity(MuTrial *t, PetscInt times, const Vec density[],
                                    PetscReal *worst);

/* Second eigenvalue of the discrete -div(pi grad(rho/pi)), pi the target (spectral_gap.c); 0 where
   the domain falls apart. */
PetscErrorCode MuStudySpectralGap(MuTrial *t, PetscReal *gap);
/* The constant of the logarithmic Sobolev inequality of the target (log_sobolev.c). */
typedef struct {
  PetscReal lower; /* proved; NaN: none is known, as with a mask */
  PetscReal upper; /* the spectral gap */
  char proof[32];  /* of the lower bound */
} MuTargetConstant;
PetscErrorCode MuStudyTargetConstant(MuTrial *t, MuTargetConstant *constant);

/* Exact solutions (exact.c): MU_ERR_INPUT if it does not belong to the case. */
typedef struct _p_MuExact *MuExact;
PetscErrorCode MuExactCreate(const char *name, MuTrial *trial, MuExact *exact);
PetscErrorCode MuExactDestroy(MuExact *exact);
PetscErrorCode MuExactEvaluate(MuExact exact, PetscReal time, Vec rho);

/* The groups of ranks (groups.c): study_ranks_per_run, or as many ranks for each run as let all
   runs of a machine fit into its memory. Collective. */
PetscErrorCode MuStudyGroupsCreate(MuStudy s);
PetscErrorCode MuStudyGroupsDestroy(MuStudy s);
/* The least divisor n of `size` such that `neighbours`/n runs of `bytes` fit into `memory`; size if
   none does. */
PetscMPIInt MuStudyRanksByMemory(PetscReal bytes, PetscReal memory, PetscMPIInt size,
                                 PetscMPIInt neighbours);

/* The tasks (queue.c) are taken one by one from a counter that all groups share; the extra tasks,
   which the verdict waits for, first, then the rows from the last, usually the dearest, to the
   first. Collective; taking one on the group. */
typedef struct {
  MPI_Win window;
  int *counter;
  PetscInt tasks;
  PetscInt *order; /* [tasks] */
} MuQueue;
PetscErrorCode MuQueueCreate(MuStudy s, const PetscBool *stored, MuQueue *q);
PetscErrorCode MuQueueNext(MuStudy s, MuQueue *q, int *number);
PetscErrorCode MuQueueDestroy(MuQueue *q);

/* Files (study_file.c); rank 0 only. */
PetscErrorCode MuStudyFileOpen(MuStudy s, PetscBool *stored /* [rows + extras] */);
PetscErrorCode MuStudyFileAddRow(MuStudy s, PetscInt i);
PetscErrorCode MuStudyFileFinish(MuStudy s);

#endif
