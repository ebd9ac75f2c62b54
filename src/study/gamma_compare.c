/* The limit flows of a gamma study, and what a row has in common with them: densities, energies,
   the two dissipation integrals, potentials at the limit's states. */
#include "grid/arrays.h"
#include "study/gamma_impl.h"

static const PetscInt errors[] = {MU_GAMMA_DENSITY_L1,     MU_GAMMA_DENSITY_HELLINGER,
                                  MU_GAMMA_DENSITY_W2,     MU_GAMMA_ENERGY,
                                  MU_GAMMA_PRIMAL,         MU_GAMMA_DUAL,
                                  MU_GAMMA_DUAL_POTENTIAL, MU_GAMMA_INITIAL_ENERGY};
enum { ERRORS = sizeof errors / sizeof errors[0] };

const PetscInt *MuGammaErrors(PetscInt *count) {
  *count = ERRORS;
  return errors;
}

/* ------------------------------------------------------------------ the limit flows */

static PetscErrorCode create_w2(MuLimitFlow *f, PetscInt slot, Vec rho) {
  Vec log_rho;
  PetscReal *x;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(rho, &log_rho));
  PetscCall(VecCopy(rho, log_rho));
  PetscCall(VecGetArray(log_rho, &x));
  MuArrayLogPositive(f->trial.info->local_size, x, x);
  PetscCall(VecRestoreArray(log_rho, &x));
  PetscCall(MuDiagnosticCreate(f->trial.parts->grid, "w2", log_rho, NULL, &f->w2[slot]));
  PetscCall(VecDestroy(&log_rho));
  PetscFunctionReturn(0);
}

typedef struct {
  MuStudy study;
  MuLimitFlow *flow;
} Keeper;

static PetscErrorCode keep(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  const Keeper *keeper = ctx;
  const MuGamma *g = keeper->study->data;
  const PetscInt slot = MuStudySlot(keeper->study, t->parts->snapshot_times[k]);
  Vec *density = &keeper->flow->density[slot];

  PetscFunctionBegin;
  PetscCall(VecDuplicate(rho, density));
  PetscCall(VecCopy(rho, *density));
  if (g->has_w2) PetscCall(create_w2(keeper->flow, slot, rho));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_flow(PetscInt times, MuLimitFlow **flow) {
  MuLimitFlow *f = *flow;

  PetscFunctionBegin;
  if (!f) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < times; ++k) {
    PetscCall(VecDestroy(&f->density[k]));
    PetscCall(MuDiagnosticDestroy(&f->w2[k]));
  }
  PetscCall(PetscFree(f->density));
  PetscCall(PetscFree(f->w2));
  PetscCall(PetscFree(f->dual));
  PetscCall(MuTrialDestroy(&f->trial));
  PetscCall(PetscFree(*flow));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGammaDestroyLimits(MuGamma *g) {
  PetscFunctionBegin;
  for (int level = 0; level <= MU_COMPANIONS; ++level)
    PetscCall(destroy_flow(g->times, &g->flow[level]));
  PetscFunctionReturn(0);
}

static PetscErrorCode solve_limit(MuStudy s, PetscInt level, MuLimitFlow *f) {
  const MuGamma *g = s->data;
  Keeper keeper = {s, f};
  MuOverrides o = {0};

  PetscFunctionBegin;
  PetscErrorCode code = MuOverridesCopy(&g->limit, &o);
  if (!code && level) code = MuStudyCoarsen(s, (int)level - 1, &o);
  PetscCall(MuStudyTrial(s, code, &o, PETSC_TRUE, &f->trial));
  f->trial.output = keep;
  f->trial.ctx = &keeper;
  code = MuTrialSolve(&f->trial);
  f->trial.output = NULL;
  f->trial.ctx = NULL;
  if (code) PetscFunctionReturn(code);
  for (PetscInt k = 0; k < s->times; ++k) {
    f->dual[k] = NAN;
    if (f->density[k]) PetscCall(MuLedgerDual(f->trial.ledger, f->density[k], &f->dual[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuGammaSolveLimit(MuStudy s, PetscInt level) {
  MuGamma *g = s->data;
  MuLimitFlow *f;

  PetscFunctionBegin;
  if (g->flow[level]) PetscFunctionReturn(0);
  PetscCall(PetscNew(&f));
  PetscCall(PetscCalloc1(s->times, &f->density));
  PetscCall(PetscCalloc1(s->times, &f->w2));
  PetscCall(PetscCalloc1(s->times, &f->dual));
  g->times = s->times;
  PetscErrorCode code = solve_limit(s, level, f);
  if (code)
    PetscCall(destroy_flow(s->times, &f));
  else
    g->flow[level] = f;
  PetscFunctionReturn(code);
}

/* ------------------------------------------------------------------ the comparison */

typedef struct {
  MuStudy study;
  const MuLimitFlow *limit;
  PetscReal *row, *curve;
} Comparison;

/* NaN stays. */
static void raise_to(PetscReal *most, PetscReal value) {
  if (isnan(value) || value > *most) *most = value;
}

static PetscInt slot_of(const Comparison *c, const MuTrial *t, PetscInt k) {
  return MuStudySlot(c->study, t->parts->snapshot_times[k]);
}

/* Densities at one output time. */
static PetscErrorCode compare_density(void *ctx, MuTrial *t, PetscInt k, Vec rho) {
  const Comparison *c = ctx;
  const MuLimitFlow *limit = c->limit;
  const PetscInt times = c->study->times, slot = slot_of(c, t, k);
  PetscReal *l1 = c->curve + MU_GAMMA_CURVE_L1 * times + slot;
  PetscReal *hellinger = c->curve + MU_GAMMA_CURVE_HELLINGER * times + slot;
  PetscReal *w2 = c->curve + MU_GAMMA_CURVE_W2 * times + slot;

  PetscFunctionBegin;
  PetscCall(MuGridDistanceL1(t->parts->grid, rho, limit->density[slot], l1));
  PetscCall(MuTransferHellinger(t->info, rho, limit->density[slot], hellinger));
  *w2 = NAN;
  if (limit->w2[slot]) PetscCall(MuDiagnosticEvaluate(limit->w2[slot], rho, w2));
  raise_to(&c->row[MU_GAMMA_DENSITY_L1], *l1);
  raise_to(&c->row[MU_GAMMA_DENSITY_HELLINGER], *hellinger);
  if (limit->w2[slot]) raise_to(&c->row[MU_GAMMA_DENSITY_W2], *w2);
  PetscFunctionReturn(0);
}

/* The limit's curve q at an output time. Where the trial has its R from the identity, its primal
   integral is half of what F has lost, and so is what it is compared with: the limit's own R has
   the defect of its balance in it, which would not cancel. */
static PetscReal limit_value(const MuTrial *limit, PetscInt q, PetscInt k, PetscBool identity) {
  const PetscReal *energy = limit->curve[MU_CURVE_ENERGY];
  if (q == MU_CURVE_PRIMAL_INTEGRAL && identity) return 0.5 * (energy[0] - energy[k]);
  return limit->curve[q][k];
}

/* Energies and the two dissipation integrals at every output time, with their sign. */
static PetscErrorCode compare_curves(const Comparison *c, const MuTrial *t) {
  static const PetscInt error[] = {MU_GAMMA_ENERGY, MU_GAMMA_PRIMAL, MU_GAMMA_DUAL};
  static const PetscInt sign[] = {MU_GAMMA_LIMINF_ENERGY, MU_GAMMA_LIMINF_PRIMAL,
                                  MU_GAMMA_LIMINF_DUAL};
  static const PetscInt of[] = {MU_CURVE_ENERGY, MU_CURVE_PRIMAL_INTEGRAL, MU_CURVE_DUAL_INTEGRAL};
  const MuTrial *limit = &c->limit->trial;
  MuPrimalMethod method;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetPrimalMethod(t->parts->geometry, &method, NULL));
  const PetscBool identity = (PetscBool)(method == MU_PRIMAL_IDENTITY);
  for (int q = 0; q < 3; ++q) {
    c->row[sign[q]] = INFINITY;
    for (PetscInt k = 0; k < t->times; ++k) {
      const PetscReal d = t->curve[of[q]][k] - limit_value(limit, of[q], k, identity);
      raise_to(&c->row[error[q]], PetscAbsReal(d));
      c->row[sign[q]] = PetscMin(c->row[sign[q]], d);
    }
  }
  c->row[MU_GAMMA_INITIAL_ENERGY] = t->curve[MU_CURVE_ENERGY][0] - limit->curve[MU_CURVE_ENERGY][0];
  c->row[MU_GAMMA_BALANCE_DEFECT] = t->worst_defect;
  PetscFunctionReturn(0);
}

/* R*_e at the limit flow's states. */
static PetscErrorCode compare_dual(const Comparison *c, MuTrial *t) {
  PetscReal gap = INFINITY, *dual = c->curve + MU_GAMMA_CURVE_DUAL * c->study->times;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < t->times; ++k) {
    const PetscInt slot = slot_of(c, t, k);
    PetscCall(MuLedgerDual(t->ledger, c->limit->density[slot], &dual[slot]));
    raise_to(&c->row[MU_GAMMA_DUAL_POTENTIAL], PetscAbsReal(dual[slot] - c->limit->dual[slot]));
    gap = PetscMin(gap, c->limit->dual[slot] - dual[slot]);
  }
  c->row[MU_GAMMA_MONOTONE] = gap;
  PetscFunctionReturn(0);
}

static void clear(MuStudy s, PetscReal *row, PetscReal *curve) {
  const MuGamma *g = s->data;
  for (PetscInt e = 0; e < ERRORS; ++e) row[errors[e]] = 0;
  if (!g->has_w2) row[MU_GAMMA_DENSITY_W2] = NAN;
  for (PetscInt k = 0; k < MU_GAMMA_CURVES * s->times; ++k) curve[k] = NAN;
}

PetscErrorCode MuGammaCompare(MuStudy s, MuTrial *t, PetscInt level, PetscReal *row,
                              PetscReal *curve) {
  MuGamma *g = s->data;
  Comparison c = {.study = s, .limit = g->flow[level], .row = row, .curve = curve};

  PetscFunctionBegin;
  clear(s, row, curve);
  t->output = compare_density;
  t->ctx = &c;
  PetscErrorCode code = MuTrialSolve(t);
  t->ctx = NULL;
  if (code) PetscFunctionReturn(code);
  PetscCall(compare_curves(&c, t));
  PetscCall(MuStudyKeepCurves(s, t, curve));
  PetscCall(compare_dual(&c, t));
  if (level == 0)
    PetscCall(MuStudyRidgeIdentity(t, s->times, c.limit->density, &row[MU_GAMMA_IDENTITY]));
  PetscFunctionReturn(0);
}

PetscErrorCode MuGammaRecordLimit(MuStudy s, PetscReal *row, PetscReal *curve) {
  MuGamma *g = s->data;
  Comparison c = {.study = s, .limit = g->flow[0], .row = row, .curve = curve};

  PetscFunctionBegin;
  clear(s, row, curve);
  PetscCall(compare_curves(&c, &c.limit->trial));
  PetscCall(MuStudyKeepCurves(s, &c.limit->trial, curve));
  PetscCall(PetscArraycpy(curve + MU_GAMMA_CURVE_DUAL * s->times, c.limit->dual, s->times));
  PetscFunctionReturn(0);
}
