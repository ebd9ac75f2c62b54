/* Property-based tests: random cases, each checked for what mudot promises of every flow.

   stress [-load FILE.so]... [-count N] [-seed S] [-first K] [-only K] [-file CASE.yaml] [-directory
   D] [-limit SECONDS]
          [-stops FILE] [-print] [-break PROPERTY]

   Case K of seed S is a pure function of the two and of the names that are loaded. Each is built
   and advanced twice, the second time without the ledger; on more than one rank also on one rank
   alone. Every property below is tested after every step. A case that breaks one is written to
   D/fail-S-K.yaml, which `mudot run` takes; the exit status is then 1. The first refused case and
   the first whose numerics fail are kept as D/refused-S.yaml and D/numerics-S.yaml; -stops adds a
   line for each of the latter to a file, whose counts tests/stress.sh holds against
   tests/stress_stops.txt. -print writes the texts of the cases and runs nothing; -break falsifies
   what the property is tested with, up to the first failure, so that the machinery can be tested.
 */
#include "stress.h"
#include "mudot/extend.h"
#include "record/checkpoint.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_LOADS 4
#define MOST_STEPS 15    /* of one case */
#define ROUNDING   1e-12 /* sums of a few thousand terms, a few operations each */
#define RANKS_AGREE                                                                                \
  1e-7 /* L1 over mass: solver tolerances (1e-9), and what a flow makes of them                    \
        */

/* ------------------------------------------------------------------ the properties */

typedef enum {
  FINITE,
  POSITIVITY,
  MASS,
  ENERGY,
  TERMS,
  IDENTITY,
  BALANCE,
  DUAL,
  PRIMAL,
  FENCHEL_YOUNG,
  LEDGER,
  UNCONDITIONAL,
  REPEAT,
  RESTART,
  RANKS,
  SENTENCE,
  LAST_STATE,
  NUMERICS,
  CODE,
  PROPERTIES
} Property;

static const struct {
  const char *name, *statement;
} properties[PROPERTIES] = {
    [FINITE] = {"finite", "densities and ledger are numbers; R, R* and their sums may be infinite"},
    [POSITIVITY] = {"positivity", "rho >= 0 inside, rho = 0 outside, min_density its minimum"},
    [MASS] = {"mass", "transport, spherical and mmd flows of mmd keep the mass to 1e-12 a step "
                      "(discrete_gradient 1e-11)"},
    [ENERGY] = {"energy", "no step raises the energy beyond the guard's slack of rounding"},
    [TERMS] = {"terms", "energy is the sum of its terms"},
    [IDENTITY] = {"identity", "<G, rho1 - rho0> = F(rho1) - F(rho0)"},
    [BALANCE] = {"balance", "discrete_gradient: F(rho1) - F(rho0) = -2 dt R*"},
    [DUAL] = {"dual", "R* >= 0"},
    [PRIMAL] = {"primal", "R >= 0"},
    [FENCHEL_YOUNG] = {"fenchel_young", "R + R* >= <-G, v>, where R is not an identity"},
    [LEDGER] = {"ledger",
                "dissipated is the sum of dt (R + R*) and does not fall, the defect is F + "
                "dissipated - F0, times ascend to the end"},
    [UNCONDITIONAL] = {"unconditional",
                       "implicit_euler of kl, entropy and potential along wasserstein never needs "
                       "a smaller step"},
    [REPEAT] = {"repeat", "a second run without the ledger gives the same bits"},
    [RESTART] = {"restart", "a flow that is saved in the middle goes on with the same bits"},
    [RANKS] = {"ranks", "several ranks give the flow of one rank"},
    [SENTENCE] = {"sentence", "a refusal or a failure is one sentence"},
    [LAST_STATE] = {"last_state", "when the numerics fail, the flow stays at its last good state"},
    [NUMERICS] = {"numerics", "the numerics fail only where the table of reasons says so"},
    [CODE] = {"code", "no error but MU_ERR_INPUT and MU_ERR_NUMERICS"},
};

typedef enum { DONE, ENOUGH, REFUSED, FAILED, OUTCOMES } Outcome;

typedef struct {
  PetscBool broken;
  char sentence[1600];
} Verdict;

/* Options and totals of this process. */
static struct {
  unsigned long long count, seed, first;
  const char *file, *directory, *stops, *load[MOST_LOADS];
  int loads;
  int limit, falsified; /* a Property, or -1 */
  PetscBool print, verbose;
  PetscMPIInt rank, size;
  char current[PETSC_MAX_PATH_LEN], failure[PETSC_MAX_PATH_LEN];
  unsigned long long index;
  long outcomes[OUTCOMES], steps, rejected, undecided;
  PetscBool kept[OUTCOMES];
  double worst[PROPERTIES]; /* largest value over tolerance */
  unsigned long long worst_index[PROPERTIES];
} all = {.count = 100, .seed = 1, .directory = "build/stress", .limit = 300, .falsified = -1};

static PetscBool falsified(Property p) {
  return (PetscBool)(all.falsified == (int)p);
}

static void broken(Verdict *verdict, Property p, const char *format, ...)
    PETSC_ATTRIBUTE_FORMAT(3, 4);
static void broken(Verdict *verdict, Property p, const char *format, ...) {
  va_list arguments;
  int used;
  if (verdict->broken) return;
  verdict->broken = PETSC_TRUE;
  used = snprintf(verdict->sentence, sizeof verdict->sentence, "%s: ", properties[p].name);
  va_start(arguments, format);
  vsnprintf(verdict->sentence + used, sizeof verdict->sentence - (size_t)used, format, arguments);
  va_end(arguments);
}

/* value <= tolerance */
static void test(Verdict *verdict, Property p, double value, double tolerance, const char *what,
                 double time) {
  double ratio = value <= 0 ? 0 : value / tolerance;
  if (ratio > all.worst[p]) {
    all.worst[p] = ratio;
    all.worst_index[p] = all.index;
  }
  if (!(value <= tolerance))
    broken(verdict, p, "%s is %.3g, above %.3g, at t = %g", what, value, tolerance, time);
}

/* ------------------------------------------------------------------ one flow */

typedef struct {
  MuProblem problem;
  const MuProblemParts *parts;
  const MuEnergySpec *energy;
  const MuGeometrySpec *geometry;
  const MuGridInfo *info;
  MuFlow flow;
  MuLedger ledger;
  MuPrimalMethod method;
  const char *scheme;
  Verdict *verdict;
  Outcome outcome;
  PetscInt columns, steps, rejected;
  PetscReal *row, *previous;
  PetscReal scale; /* of the energy: sum of the absolute terms at the start */
  PetscReal first_mass;
  PetscReal weights;                  /* sum of the energy's absolute weights */
  PetscReal symbol;                   /* largest value of the geometry's kernel symbol */
  PetscBool convolves;                /* the energy has a convolution */
  Vec smooth[2];                      /* of the two states; NULL if it has none */
  MuConvolution kernel[MU_MAX_TERMS]; /* of the terms that have one, else NULL */
  PetscBool conserves, watched;       /* watched: with the ledger */
  PetscBool held;                     /* rho >= 0 is held as a constraint */
  Vec last;                           /* the last accepted state */
  MuCheckpoint checkpoint; /* where it is saved after `save_after` steps, and the run ends */
  PetscInt save_after;
  PetscReal last_time, end_time;
  char sentence[1600];
} Run;

enum { T, DT, F, TERM }; /* columns; then the terms, then: */
enum { R, R_DUAL, DISSIPATED, DEFECT, MASS_COLUMN, MINIMUM, RESIDUAL };

static PetscReal tail(const Run *r, int column) {
  return r->row[TERM + r->energy->terms + column];
}

static MuPartTraits part_of(const Run *r, PetscInt k) {
  MuPartTraits traits = {0};
  MuGeometryGetTraits(r->geometry, k, &traits);
  return traits;
}

static MuTermTraits term_of(const Run *r, PetscInt k) {
  MuTermTraits traits = {0};
  MuEnergyGetTraits(r->energy, k, &traits);
  return traits;
}

static MuEnergyForm form_of(const Run *r, PetscInt k) {
  PetscReal p;
  return MuEnergyGetForm(r->energy->term[k].name, r->energy->term[k].value, &p);
}

static PetscBool has_form(const Run *r, MuEnergyForm form) {
  for (PetscInt k = 0; k < r->energy->terms; ++k)
    if (form_of(r, k) == form) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* -div(mu k*(mu grad xi)) */
static PetscBool smooths_flux(const Run *r, PetscInt k) {
  const MuSummand *part = &r->geometry->part[k];
  return (PetscBool)(MuGeometryGetOperator(part->name, part->value) ==
                     MU_OPERATOR_KERNEL_TRANSPORT);
}

static PetscBool is_regression(const Run *r, PetscInt k, MuPartKind kind) {
  const MuPartTraits t = part_of(r, k);
  return (PetscBool)(t.regression && t.kind == kind);
}

/* Transport and spherical reactions conserve mass; so does mmd of mmd with the same kernel, where
   mu moves towards pi of the same mass. */
static PetscBool conserves_mass(const Run *r) {
  PetscInt kinds;
  PetscBool square;
  MuKernel kernel;
  if (MuGeometryGetKinds(r->parts->geometry, &kinds)) return PETSC_FALSE;
  if (!(kinds & MU_PART_REACTION) || r->geometry->spherical) return PETSC_TRUE;
  if (MuEnergyHasPreimage(r->parts->energy, &square, &kernel) || !square) return PETSC_FALSE;
  for (PetscInt k = 0; k < r->geometry->parts; ++k) {
    MuPartTraits t;
    if (MuGeometryGetTraits(r->geometry, k, &t)) return PETSC_FALSE;
    if (t.kind == MU_PART_REACTION &&
        (!t.inverts_kernel || t.ridge > 0 || !MuKernelsAgree(t.kernel, kernel)))
      return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* Coefficients that do not depend on the density: one linear solve is the step. Rounding of the
   matrix I + dt L, L = logarithms weight 4/h^2, is not to be seen in the sum. */
static PetscBool is_unconditional(const Run *r) {
  PetscReal logarithms = 0, weight = 0, rate = 0;
  if (strcmp(r->scheme, "implicit_euler") || r->parts->flow.adapt) return PETSC_FALSE;
  for (PetscInt k = 0; k < r->geometry->parts; ++k) {
    const MuPartTraits part = part_of(r, k);
    if (part.kind != MU_PART_TRANSPORT || !part.local || part.power != 1) return PETSC_FALSE;
    weight += part.weight;
  }
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    const MuTermTraits term = term_of(r, k);
    if (!term.logarithmic && !term.linear) return PETSC_FALSE;
    if (term.logarithmic) logarithms += term.weight;
  }
  for (PetscInt a = 0; a < r->info->dim; ++a) rate += 4 / pow(r->info->spacing[a], 2);
  return (PetscBool)(logarithms > 0 &&
                     logarithms * weight * rate * r->parts->flow.step * 2e-16 < 1e-5);
}

/* ------------------------------------------------------------------ what is tested of a step */

/* Sums over the inside cells that the tolerances are made of. */
typedef struct {
  PetscReal work;    /* sum |G_i v_i| |C| */
  PetscReal dual;    /* sum |G_i (K G)_i| |C| */
  PetscReal power;   /* <-G, v> */
  PetscReal change;  /* integral of |v| */
  PetscReal force;   /* largest |G_i| where there is mass or motion */
  PetscReal largest; /* |G_i| anywhere */
  /* rounding of <G, K G>; of <G, rho1 - rho0> and F(rho1) - F(rho0); <-G, v> for a v that is no
     more than the rounding of mass */
  PetscReal rounding_dual, rounding_loss, rounding_mass;
} Sums;

/* sum over the faces of an axis of weight (rho_f)^power (grad G)^2 |C|, rho_f the larger density.
 */
static PetscErrorCode sum_faces(Run *r, PetscInt axis, Vec force, Vec rho, PetscInt power,
                                PetscReal weight, PetscReal *sum) {
  Vec slope, difference;
  const PetscReal *g, *d, *x;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(rho, &slope));
  PetscCall(VecDuplicate(rho, &difference));
  PetscCall(MuGridGradient(r->parts->grid, axis, force, slope));
  PetscCall(MuGridGradient(r->parts->grid, axis, rho, difference));
  PetscCall(VecGetArrayRead(slope, &g));
  PetscCall(VecGetArrayRead(difference, &d));
  PetscCall(VecGetArrayRead(rho, &x));
  for (PetscInt i = 0; i < r->info->local_size; ++i) {
    PetscReal larger = x[i] + fabs(d[i]) * r->info->spacing[axis];
    *sum += weight * (power == 2 ? larger * larger : larger) * g[i] * g[i] * r->info->volume;
  }
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCall(VecRestoreArrayRead(difference, &d));
  PetscCall(VecRestoreArrayRead(slope, &g));
  PetscCall(VecDestroy(&slope));
  PetscCall(VecDestroy(&difference));
  PetscFunctionReturn(0);
}

/* v = (rho1 - rho0)/dt has no mass but that of rounding, which R leaves out: the mean of G over mu,
   and over the reaction's diagonal if that is spherical, times rounding. */
static PetscErrorCode round_mass(Run *r, Vec rho, Vec diagonal, Vec force, PetscReal *rounding) {
  PetscReal sums[3] = {0}, size, total = 0;
  const PetscReal *g, *x, *d;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(force, &g));
  PetscCall(VecGetArrayRead(rho, &x));
  PetscCall(VecGetArrayRead(diagonal, &d));
  for (PetscInt i = 0; i < r->info->local_size; ++i) {
    sums[0] += x[i] > 0 ? fabs(g[i] * x[i]) : 0;
    sums[1] += d[i] > 0 ? fabs(g[i] * d[i]) : 0;
    sums[2] += d[i];
  }
  PetscCall(VecRestoreArrayRead(diagonal, &d));
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCall(VecRestoreArrayRead(force, &g));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPIU_REAL, MPI_SUM, r->info->comm));
  size = sums[0] * r->info->volume;
  if (r->geometry->spherical && sums[2] > 0) total = sums[1] / sums[2];
  *rounding = 5e-14 * (size + total * r->first_mass) / r->row[DT];
  PetscFunctionReturn(0);
}

/* The rounding of <G, K G> of convolutions is relative to the norm of the kernel operator, that of
   ridge solves (1e-10) to <G, mu G>. */
static PetscErrorCode round_dual(Run *r, Vec before, Vec after, Vec force, Sums *s) {
  Vec rho, diagonal;
  PetscReal sum = 0, ridge = 0, size;
  PetscInt kinds;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(before, &rho));
  PetscCall(VecDuplicate(before, &diagonal));
  PetscCall(VecWAXPY(rho, 1, before, after));
  PetscCall(VecScale(rho, 0.5));
  for (PetscInt k = 0; k < r->geometry->parts; ++k)
    for (PetscInt a = 0; a < r->info->dim; ++a) {
      if (smooths_flux(r, k))
        PetscCall(sum_faces(r, a, force, rho, 2, r->geometry->part[k].weight * r->symbol, &sum));
      if (is_regression(r, k, MU_PART_TRANSPORT))
        PetscCall(sum_faces(r, a, force, rho, 1, r->geometry->part[k].weight, &ridge));
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPI_SUM, r->info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ridge, 1, MPIU_REAL, MPI_SUM, r->info->comm));
  for (PetscInt k = 0; k < r->geometry->parts; ++k) {
    if (!is_regression(r, k, MU_PART_REACTION)) continue;
    PetscCall(VecPointwiseMult(diagonal, rho, force));
    PetscCall(MuGridInner(r->parts->grid, diagonal, force, &size));
    ridge += r->geometry->part[k].weight * size;
  }
  PetscCall(MuGeometryGetKinds(r->parts->geometry, &kinds));
  if (kinds & MU_PART_REACTION) {
    PetscCall(MuGeometryReactionDiagonal(r->parts->geometry, diagonal));
    PetscCall(round_mass(r, rho, diagonal, force, &s->rounding_mass));
    PetscCall(VecPointwiseMult(diagonal, diagonal, force));
    PetscCall(MuGridInner(r->parts->grid, diagonal, force, &size));
    sum += size;
  } else {
    PetscCall(round_mass(r, rho, rho, force, &s->rounding_mass));
  }
  PetscCall(VecDestroy(&diagonal));
  PetscCall(VecDestroy(&rho));
  s->rounding_dual = 1e-13 * sum + 2e-10 * ridge;
  PetscFunctionReturn(0);
}

/* KL(pi given q): q is known to the rounding of its largest value alone, F to int pi noise/q, and
   DF = k*(1 - pi/q) to the rounding of its largest pi/q. */
static PetscErrorCode round_likelihood(Run *r, PetscInt k, PetscReal change, PetscReal *loss) {
  const MuTermTraits term = term_of(r, k);
  PetscReal lost = 0, ratio = 1, low, symbol;
  const PetscReal *log_pi, *q;
  Vec target;

  PetscFunctionBegin;
  PetscCall(MuConvolutionGetSymbolRange(r->kernel[k], &low, &symbol));
  PetscCall(MuEnergyGetLogTarget(r->parts->energy, &target));
  PetscCall(VecGetArrayRead(target, &log_pi));
  for (int end = 0; end < 2; ++end) {
    PetscReal noise;
    PetscCall(VecMax(r->smooth[end], NULL, &noise));
    noise *= 8 * PETSC_MACHINE_EPSILON;
    PetscCall(VecGetArrayRead(r->smooth[end], &q));
    for (PetscInt i = 0; i < r->info->local_size; ++i) {
      if (!r->info->mask[i] || !(log_pi[i] > -PETSC_MAX_REAL)) continue;
      const PetscReal share = exp(log_pi[i]) / fmax(q[i], noise);
      lost += share * noise * r->info->volume;
      ratio = fmax(ratio, share);
    }
    PetscCall(VecRestoreArrayRead(r->smooth[end], &q));
  }
  PetscCall(VecRestoreArrayRead(target, &log_pi));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &lost, 1, MPIU_REAL, MPI_SUM, r->info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ratio, 1, MPIU_REAL, MPI_MAX, r->info->comm));
  *loss += fabs(term.weight) * (lost + 2e-15 * symbol * ratio * change);
  PetscFunctionReturn(0);
}

/* An envelope's h = k*(rho - sigma)/lambda, of which F is made, is known to the rounding of k(0)
   |rho - pi|_1/lambda, and sigma to 1e-14 of the masses in L1, which the quotient amplifies in DF.
 */
static PetscErrorCode round_envelope(Run *r, PetscInt k, PetscReal change, const PetscReal away[2],
                                     PetscReal *loss) {
  const MuSummand *term = &r->energy->term[k];
  const MuEnvelope envelope = MuEnergyGetEnvelope(term->name, term->value);
  PetscReal peak;

  PetscFunctionBegin;
  PetscCall(MuConvolutionGetDiagonal(r->kernel[k], &peak));
  peak /= r->info->volume * envelope.lambda;
  *loss += fabs(term->weight) * envelope.factor * peak *
           (2e-15 * pow(away[0] + away[1], 2) + 2e-14 * r->first_mass * change);
  PetscFunctionReturn(0);
}

/* 1/2 <j, k*j> of a flux j = grad rho - rho grad log pi is known to the rounding of k(0) |j|_1^2,
   with the absolute values of both summands. */
static PetscErrorCode round_flux(Run *r, PetscInt k, Vec before, Vec after, PetscReal *loss) {
  Vec slope, drift, target, *states[] = {&before, &after};
  PetscReal peak, size = 0;
  const PetscReal *g, *v, *x;

  PetscFunctionBegin;
  PetscCall(MuConvolutionGetDiagonal(r->kernel[k], &peak));
  PetscCall(MuEnergyGetLogTarget(r->parts->energy, &target));
  PetscCall(VecDuplicate(before, &slope));
  PetscCall(VecDuplicate(before, &drift));
  for (PetscInt axis = 0; axis < r->info->dim; ++axis) {
    PetscCall(MuGridGradient(r->parts->grid, axis, target, drift));
    for (int end = 0; end < 2; ++end) {
      PetscCall(MuGridGradient(r->parts->grid, axis, *states[end], slope));
      PetscCall(VecGetArrayRead(slope, &g));
      PetscCall(VecGetArrayRead(drift, &v));
      PetscCall(VecGetArrayRead(*states[end], &x));
      for (PetscInt i = 0; i < r->info->local_size; ++i)
        size += fabs(g[i]) + (fabs(v[i]) < INFINITY ? x[i] * fabs(v[i]) : 0);
      PetscCall(VecRestoreArrayRead(*states[end], &x));
      PetscCall(VecRestoreArrayRead(drift, &v));
      PetscCall(VecRestoreArrayRead(slope, &g));
    }
  }
  PetscCall(VecDestroy(&drift));
  PetscCall(VecDestroy(&slope));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &size, 1, MPIU_REAL, MPI_SUM, r->info->comm));
  *loss += 2e-15 * fabs(r->energy->term[k].weight) * peak * size * size * r->info->volume;
  PetscFunctionReturn(0);
}

/* |rho - pi|_1 */
static PetscErrorCode find_distance(Run *r, Vec rho, PetscReal *distance) {
  const PetscReal *log_pi, *x;
  PetscReal sum = 0;
  Vec target;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetLogTarget(r->parts->energy, &target));
  PetscCall(VecGetArrayRead(target, &log_pi));
  PetscCall(VecGetArrayRead(rho, &x));
  for (PetscInt i = 0; i < r->info->local_size; ++i)
    sum += r->info->mask[i] ? fabs(x[i] - exp(log_pi[i])) : 0;
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCall(VecRestoreArrayRead(target, &log_pi));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPIU_REAL, MPI_SUM, r->info->comm));
  *distance = sum * r->info->volume;
  PetscFunctionReturn(0);
}

/* What convolutions within terms add to the rounding of <G, rho1 - rho0> and F(rho1) - F(rho0). */
static PetscErrorCode round_terms(Run *r, Vec before, Vec after, Sums *s) {
  const PetscReal change = r->row[DT] * s->change;
  PetscReal away[2];

  PetscFunctionBegin;
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    if (!r->kernel[k]) continue;
    switch (form_of(r, k)) {
    case MU_FORM_LIKELIHOOD:
      PetscCall(MuConvolutionApply(r->kernel[k], before, r->smooth[0]));
      PetscCall(MuConvolutionApply(r->kernel[k], after, r->smooth[1]));
      PetscCall(round_likelihood(r, k, change, &s->rounding_loss));
      break;
    case MU_FORM_ENVELOPE:
      PetscCall(find_distance(r, before, &away[0]));
      PetscCall(find_distance(r, after, &away[1]));
      PetscCall(round_envelope(r, k, change, away, &s->rounding_loss));
      break;
    case MU_FORM_OTHER:
      PetscCall(round_flux(r, k, before, after, &s->rounding_loss));
      break;
    default:
      break;
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode sum_up(Run *r, Vec before, Vec after, Sums *s) {
  Vec velocity, force, image;
  const PetscReal *v, *g, *kg;
  PetscReal sums[4] = {0}, largest[2] = {0};

  PetscFunctionBegin;
  PetscCall(MuLedgerGetStep(r->ledger, &velocity, &force, &image));
  PetscCall(VecGetArrayRead(velocity, &v));
  PetscCall(VecGetArrayRead(force, &g));
  PetscCall(VecGetArrayRead(image, &kg));
  for (PetscInt i = 0; i < r->info->local_size; ++i) {
    if (!r->info->mask[i]) continue;
    sums[0] += fabs(g[i] * v[i]);
    sums[1] += isnan(g[i] * kg[i]) ? INFINITY : fabs(g[i] * kg[i]);
    sums[2] += g[i] * v[i];
    sums[3] += fabs(v[i]);
    if (v[i] != 0 || kg[i] != 0) largest[0] = fmax(largest[0], fabs(g[i]));
    largest[1] = fmax(largest[1], fabs(g[i]));
  }
  PetscCall(VecRestoreArrayRead(image, &kg));
  PetscCall(VecRestoreArrayRead(force, &g));
  PetscCall(VecRestoreArrayRead(velocity, &v));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 4, MPIU_REAL, MPI_SUM, r->info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, 2, MPIU_REAL, MPI_MAX, r->info->comm));
  s->work = sums[0] * r->info->volume;
  s->dual = sums[1] * r->info->volume;
  s->power = sums[2] * r->info->volume;
  s->change = sums[3] * r->info->volume;
  s->force = largest[0];
  s->largest = largest[1];
  PetscCall(round_dual(r, before, after, force, s));
  s->rounding_dual += ROUNDING * s->dual;
  /* G itself carries rounding: of logarithms of size 700, and of sums of terms */
  s->rounding_loss = r->row[DT] * (ROUNDING * s->work + 1e-12 * r->weights * s->change);
  if (r->convolves && s->largest < 1e6) /* its rounding is the same everywhere */
    s->rounding_loss += s->largest * (1e-13 * r->row[DT] * s->change + 2e-15 * r->first_mass);
  PetscCall(round_terms(r, before, after, s));
  PetscFunctionReturn(0);
}

/* R and R* and their sums are infinite where DF is: hellinger and its kin in empty cells; in such a
   step so is the residual, sqrt(2 (R + R* + <G, v>)), and a bound on the distance ever after. */
static void test_finite(Run *r) {
  const PetscInt first = TERM + r->energy->terms, residual = first + RESIDUAL;
  if (falsified(FINITE)) r->row[F] = NAN;
  for (PetscInt c = 0; c < r->columns; ++c) {
    PetscBool infinite = (PetscBool)(c >= first + R && c <= first + DEFECT);
    if (c == residual) infinite = (PetscBool)(isinf(r->row[first + R] + r->row[first + R_DUAL]));
    if (c > residual) infinite = (PetscBool)isinf(r->row[first + DEFECT]);
    if (isnan(r->row[c]) || (!infinite && isinf(r->row[c])))
      broken(r->verdict, FINITE, "column %d of the ledger is %g at t = %g", (int)c, r->row[c],
             r->row[T]);
  }
}

static PetscErrorCode test_density(Run *r, Vec rho) {
  const PetscReal *x;
  PetscReal smallest = INFINITY;
  int bad = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(rho, &x));
  for (PetscInt i = 0; i < r->info->local_size; ++i) {
    if (!(x[i] >= 0 && x[i] < INFINITY) || (!r->info->mask[i] && x[i] != 0)) ++bad;
    if (r->info->mask[i]) smallest = fmin(smallest, x[i]);
  }
  PetscCall(VecRestoreArrayRead(rho, &x));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_SUM, r->info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &smallest, 1, MPIU_REAL, MPI_MIN, r->info->comm));
  if (falsified(POSITIVITY)) smallest -= 1e-300;
  if (bad || smallest < 0 || smallest != tail(r, MINIMUM))
    broken(
        r->verdict, POSITIVITY,
        "%d cells are negative, not finite or outside; the minimum is %g, min_density %g, at t = "
        "%g",
        bad, smallest, tail(r, MINIMUM), r->row[T]);
  PetscFunctionReturn(0);
}

/* Whether a step, or a piece of one, is that of discrete_gradient. */
static PetscBool solves_gradient(const Run *r) {
  if (!strcmp(r->scheme, "discrete_gradient")) return PETSC_TRUE;
  for (PetscInt k = 0; k < r->geometry->parts; ++k)
    if (!part_of(r, k).vanishes) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode test_mass(Run *r, Vec after) {
  PetscReal mass;

  PetscFunctionBegin;
  PetscCall(MuGridIntegrate(r->info ? r->parts->grid : NULL, after, &mass));
  test(r->verdict, LEDGER, fabs(mass - tail(r, MASS_COLUMN)), 1e-15 * mass,
       "the column mass minus the mass", r->row[T]);
  if (falsified(MASS)) mass *= 1 + 1e-6;
  /* discrete_gradient, in a splitting too: to the tolerance of Newton's method */
  if (r->conserves)
    test(r->verdict, MASS, fabs(mass - r->first_mass),
         (solves_gradient(r) ? 10 * ROUNDING : ROUNDING) * r->first_mass * (double)(r->steps + 1),
         "the drift of the mass", r->row[T]);
  PetscFunctionReturn(0);
}

/* The slack of the flow's guard: 1e-11 of the energy, and 1e-14 of its unit, second differences
   under scaling, which counts where F itself is small. */
static PetscErrorCode slack_of(Run *r, Vec rho, PetscReal *slack) {
  PetscReal changed;

  PetscFunctionBegin;
  *slack = 1.01e-11 * r->scale + 1.01e-14;
  if (r->row[F] - r->previous[F] <= *slack) PetscFunctionReturn(0);
  for (int sign = -1; sign <= 1; sign += 2) {
    PetscCall(VecCopy(rho, r->smooth[0]));
    PetscCall(VecScale(r->smooth[0], 1 + 0.1 * sign));
    PetscCall(MuEnergyEvaluate(r->parts->energy, r->smooth[0], &changed, NULL, NULL, NULL));
    if (fabs(changed) < INFINITY) *slack += 1.01e-12 * fabs(changed - r->row[F]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode test_energy(Run *r, Vec after) {
  PetscReal sum = 0, size = 0, rise = r->row[F] - r->previous[F], slack;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    sum += r->row[TERM + k];
    size += fabs(r->row[TERM + k]);
  }
  if (falsified(TERMS)) sum += 1e-6 * (1 + size);
  test(r->verdict, TERMS, fabs(sum - r->row[F]), 1e-14 * size, "energy minus its terms", r->row[T]);
  if (falsified(ENERGY)) rise = 1e-6 * (1 + r->scale);
  PetscCall(slack_of(r, after, &slack));
  test(r->verdict, ENERGY, rise, slack, "the rise of the energy", r->row[T]);
  r->scale = fmax(r->scale, size);
  PetscFunctionReturn(0);
}

/* Of the energy and its discrete gradient. */
static PetscReal energy_rounding(const Run *r) {
  PetscReal size = 0;
  for (PetscInt k = 0; k < r->energy->terms; ++k)
    size += fabs(r->row[TERM + k]) + fabs(r->previous[TERM + k]);
  return ROUNDING * size;
}

static PetscBool has_likelihood(const Run *r) {
  return has_form(r, MU_FORM_LIKELIHOOD);
}

static PetscBool has_envelope(const Run *r) {
  return has_form(r, MU_FORM_ENVELOPE);
}

static void test_gradient(Run *r, const Sums *s) {
  PetscReal dt = r->row[DT], drop = r->previous[F] - r->row[F], dual = tail(r, R_DUAL);
  if (falsified(IDENTITY)) drop += 1e-6 * (1 + r->scale);
  /* <eta, rho1 - rho0> is -<eta, rho0>; a splitting fills again what one piece emptied */
  if (r->held && (strcmp(r->scheme, "discrete_gradient") || r->parts->flow.adapt)) return;
  if (r->held) {
    const PetscReal excess = dt * s->power - drop;
    test(r->verdict, IDENTITY, falsified(IDENTITY) ? fabs(excess) : excess,
         energy_rounding(r) + s->rounding_loss + dt * s->rounding_mass + 1e-28 * r->weights,
         "<-(G - eta), rho1 - rho0> minus the loss", r->row[T]);
    return;
  }
  test(r->verdict, IDENTITY, fabs(dt * s->power - drop),
       energy_rounding(r) + s->rounding_loss + dt * s->rounding_mass + 1e-28 * r->weights,
       "<-G, rho1 - rho0> minus the loss", r->row[T]);
  if (isinf(dual) || isinf(s->dual)) return;
  /* an adaptive step is two halves, with a midpoint each */
  if (strcmp(r->scheme, "discrete_gradient") || r->parts->flow.adapt) return;
  if (falsified(BALANCE)) dual = 1.001 * dual + 1e-6;
  /* Newton's method stops at 1e-12 of the dissipation, or at 2e-15 of the mass in L1 */
  test(r->verdict, BALANCE, fabs(2 * dt * dual - drop),
       1e-11 * dt * dual + dt * s->rounding_dual + energy_rounding(r) + s->rounding_loss +
           1e-14 * r->first_mass * s->force,
       "2 dt R* minus the loss", r->row[T]);
}

static void test_potentials(Run *r, const Sums *s) {
  PetscReal dt = r->row[DT], primal = tail(r, R), dual = tail(r, R_DUAL);
  PetscReal slack = 1.01e-11 * r->scale + 1.01e-14; /* a rise that the guard lets pass */
  PetscReal defect = primal + dual - s->power;
  if (falsified(DUAL)) dual = -1;
  if (falsified(PRIMAL)) primal = -1;
  if (falsified(FENCHEL_YOUNG)) defect = -1e-3 * (primal + dual + 1);
  if (!isinf(s->rounding_dual)) test(r->verdict, DUAL, -dual, s->rounding_dual, "-R*", r->row[T]);
  /* of a splitting R := 1/2 <-(G - eta), v>, which fills again what one piece emptied, has no sign
   */
  if (!r->held || r->method != MU_PRIMAL_IDENTITY || strncmp(r->scheme, "splitting", 9))
    test(r->verdict, PRIMAL, -primal, ROUNDING * s->work + slack / dt, "-R", r->row[T]);
  if (r->method != MU_PRIMAL_IDENTITY && !isinf(primal) && !isinf(dual) && !isinf(s->rounding_dual))
    test(r->verdict, FENCHEL_YOUNG, -defect,
         ROUNDING * (primal + dual) + s->rounding_dual + s->rounding_loss / dt + s->rounding_mass,
         "<-G, v> - R - R*", r->row[T]);
}

static void test_ledger(Run *r) {
  const PetscInt first = TERM + r->energy->terms;
  PetscReal step = r->row[DT] * (tail(r, R) + tail(r, R_DUAL));
  PetscReal sum = r->previous[first + DISSIPATED] + step, size = fabs(sum) + fabs(r->row[F]);
  if (falsified(LEDGER)) sum += 1 + size;
  if (!(r->row[T] > r->previous[T]) || !(r->row[DT] > 0))
    broken(r->verdict, LEDGER, "time goes from %.17g to %.17g by %g", r->previous[T], r->row[T],
           r->row[DT]);
  if (!(fabs(sum) < INFINITY)) return;
  test(r->verdict, LEDGER, fabs(sum - tail(r, DISSIPATED)), ROUNDING * size,
       "dissipated minus its sum", r->row[T]);
  test(r->verdict, LEDGER,
       fabs(r->row[F] + tail(r, DISSIPATED) - tail(r, DEFECT) -
            (r->previous[F] + r->previous[first + DISSIPATED] - r->previous[first + DEFECT])),
       ROUNDING * (size + fabs(r->previous[F]) + fabs(r->previous[first + DEFECT])),
       "F + dissipated - balance_defect, which is F0, minus that of the row before", r->row[T]);
}

static PetscErrorCode on_step(void *ctx, MuFlow flow, PetscReal time, PetscReal dt, Vec before,
                              Vec after) {
  Run *r = ctx;
  Sums sums;
  PetscReal *swap;

  PetscFunctionBegin;
  PetscCall(VecCopy(after, r->last));
  r->last_time = time;
  if (r->watched) {
    swap = r->previous;
    r->previous = r->row;
    r->row = swap;
    PetscCall(MuLedgerStep(r->ledger, time, dt, before, after, r->row));
    PetscCall(sum_up(r, before, after, &sums));
    PetscCall(MuFlowIsHeld(flow, &r->held));
    test_finite(r);
    PetscCall(test_density(r, after));
    PetscCall(test_mass(r, after));
    PetscCall(test_energy(r, after));
    test_gradient(r, &sums);
    test_potentials(r, &sums);
    test_ledger(r);
  }
  if (++r->steps == r->save_after) {
    PetscCall(MuFlowSave(flow, r->checkpoint));
    r->outcome = ENOUGH;
    return MuError(MU_ERR_INPUT, "stress: saved");
  }
  if (r->steps >= (all.size > 1 ? 4 : MOST_STEPS)) {
    r->outcome = ENOUGH;
    return MuError(MU_ERR_INPUT, "stress: enough steps");
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ running a flow */

static PetscErrorCode find_symbol(Run *r) {
  MuConvolution convolution;
  PetscReal smallest, largest;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < r->geometry->parts; ++k) {
    if (!smooths_flux(r, k)) continue;
    PetscCall(MuConvolutionCreate(r->parts->grid, part_of(r, k).kernel, MU_CELLS, &convolution));
    PetscCall(MuConvolutionGetSymbolRange(convolution, &smallest, &largest));
    PetscCall(MuConvolutionDestroy(&convolution));
    r->symbol = fmax(r->symbol, largest);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode start(Run *r) {
  MuColumns columns;

  PetscFunctionBegin;
  PetscCall(MuProblemGetParts(r->problem, &r->parts));
  PetscCall(MuGridGetInfo(r->parts->grid, &r->info));
  PetscCall(MuEnergyGetSpec(r->parts->energy, &r->energy));
  PetscCall(MuGeometryGetSpec(r->parts->geometry, &r->geometry));
  PetscCall(MuFlowCreate(r->parts->grid, r->parts->energy, r->parts->geometry, r->parts->initial,
                         &r->parts->flow, &r->flow));
  PetscCall(MuFlowGetScheme(r->flow, &r->scheme, NULL, NULL));
  PetscCall(MuGeometryGetPrimalMethod(r->parts->geometry, &r->method, NULL));
  PetscCall(MuGridCreateField(r->parts->grid, &r->last));
  PetscCall(VecCopy(r->parts->initial, r->last));
  r->conserves = conserves_mass(r);
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    const MuKernel kernel = term_of(r, k).kernel;
    r->weights += fabs(r->energy->term[k].weight);
    if (kernel || form_of(r, k) == MU_FORM_INTERACTION) r->convolves = PETSC_TRUE;
    if (kernel && r->watched)
      PetscCall(MuConvolutionCreate(r->parts->grid, kernel, MU_CELLS, &r->kernel[k]));
  }
  for (int end = 0; end < 2; ++end) PetscCall(MuGridCreateField(r->parts->grid, &r->smooth[end]));
  PetscCall(find_symbol(r));
  r->end_time = r->parts->flow.end;
  PetscCall(MuLedgerCreate(r->flow, &r->ledger));
  PetscCall(MuLedgerGetColumns(r->ledger, &columns));
  PetscCall(MuColumnsGet(columns, &r->columns, NULL));
  PetscCall(PetscCalloc1(r->columns, &r->row));
  PetscCall(PetscCalloc1(r->columns, &r->previous));
  PetscCall(MuFlowSetStepCallback(r->flow, on_step, r));
  PetscFunctionReturn(0);
}

static PetscErrorCode advance(Run *r) {
  PetscFunctionBegin;
  if (r->watched) {
    PetscCall(MuLedgerStart(r->ledger, r->row));
    test_finite(r);
    PetscCall(test_density(r, r->last));
    PetscCall(MuGridIntegrate(r->parts->grid, r->parts->initial, &r->first_mass));
    test(r->verdict, MASS, fabs(r->first_mass - 1), ROUNDING, "initial mass minus 1", 0);
    for (PetscInt k = 0; k < r->energy->terms; ++k) r->scale += fabs(r->row[TERM + k]);
  }
  for (PetscInt k = 0; k < r->parts->snapshots; ++k)
    PetscCall(MuFlowAdvance(r->flow, r->parts->snapshot_times[k]));
  PetscCall(MuFlowAdvance(r->flow, r->end_time));
  PetscFunctionReturn(0);
}

static PetscErrorCode test_last_state(Run *r) {
  PetscReal time, difference = 0;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuFlowGetState(r->flow, &time, &rho));
  PetscCall(MuGridDistanceL1(r->parts->grid, rho, r->last, &difference));
  if (falsified(LAST_STATE)) difference += 1;
  if (difference != 0 || time != r->last_time)
    broken(r->verdict, LAST_STATE, "the state at t = %.17g differs by %g from that at t = %.17g",
           time, difference, r->last_time);
  PetscFunctionReturn(0);
}

/* One sentence: some words, one line, no trace. */
static void test_sentence(Run *r) {
  const char *text = r->sentence;
  size_t length = strlen(text);
  if (length < 10 || length > 800 || strchr(text, '\n') || falsified(SENTENCE))
    broken(r->verdict, SENTENCE, "\"%.300s\"", text);
}

static void classify(Run *r, PetscErrorCode code) {
  snprintf(r->sentence, sizeof r->sentence, "%s", code ? MuErrorMessage() : "");
  if (!code) {
    r->outcome = DONE;
    if (r->last_time != r->end_time)
      broken(r->verdict, LEDGER, "the last step ends at %.17g, not at %.17g", r->last_time,
             r->end_time);
  } else if (r->outcome != ENOUGH) {
    r->outcome = code == MU_ERR_NUMERICS ? FAILED : REFUSED;
    if ((code != MU_ERR_NUMERICS && code != MU_ERR_INPUT) || falsified(CODE))
      broken(r->verdict, CODE, "error %d: %s", (int)code, r->sentence);
    test_sentence(r);
  }
}

/* From a flow that was saved after `steps` steps. */
static PetscErrorCode go_on(Run *r, PetscInt steps, MuCheckpoint saved) {
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuFlowLoad(r->flow, saved));
  PetscCall(MuFlowGetState(r->flow, &r->last_time, &rho));
  PetscCall(VecCopy(rho, r->last));
  r->steps = steps;
  PetscFunctionReturn(0);
}

/* Runs the case of `file`; the outcome is in r, nothing else fails. With `saved` the flow is saved
   there after `steps` steps and ends, or goes on from there after -steps. */
static PetscErrorCode run_part(Run *r, MPI_Comm comm, const char *file, PetscBool watched,
                               PetscInt steps, MuCheckpoint saved, Verdict *verdict) {
  PetscErrorCode code;
  MuCase c = NULL;

  PetscFunctionBegin;
  memset(r, 0, sizeof *r);
  r->verdict = verdict;
  r->watched = watched;
  r->checkpoint = saved;
  r->save_after = PetscMax(steps, 0);
  code = MuCaseCreate(comm, file, 0, NULL, &c);
  if (!code) code = MuProblemCreate(c, &r->problem);
  if (!code) code = start(r);
  if (!code && steps < 0) code = go_on(r, -steps, saved);
  if (!code) {
    code = advance(r);
    if (code == MU_ERR_INPUT && r->outcome != ENOUGH)
      broken(verdict, CODE, "refused in the middle of the flow: %s", MuErrorMessage());
  }
  classify(r, code);
  if (r->flow) PetscCall(MuFlowGetSteps(r->flow, NULL, &r->rejected));
  if (r->outcome == FAILED && r->last) PetscCall(test_last_state(r));
  PetscCall(MuCaseDestroy(&c));
  PetscFunctionReturn(0);
}

static PetscErrorCode run(Run *r, MPI_Comm comm, const char *file, PetscBool watched,
                          Verdict *verdict) {
  return run_part(r, comm, file, watched, 0, NULL, verdict);
}

static PetscErrorCode finish(Run *r) {
  PetscFunctionBegin;
  PetscCall(VecDestroy(&r->last));
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuConvolutionDestroy(&r->kernel[k]));
  for (int end = 0; end < 2; ++end) PetscCall(VecDestroy(&r->smooth[end]));
  PetscCall(PetscFree(r->row));
  PetscCall(PetscFree(r->previous));
  PetscCall(MuLedgerDestroy(&r->ledger));
  PetscCall(MuFlowDestroy(&r->flow));
  PetscCall(MuProblemDestroy(&r->problem));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ where the numerics may fail */

/* K does not vanish with the density, so that nothing keeps the flow from negative densities. */
static PetscBool does_not_vanish(const Run *r) {
  MuPartTraits t;
  for (PetscInt k = 0; k < r->geometry->parts; ++k)
    if (MuGeometryGetTraits(r->geometry, k, &t) || !t.vanishes || t.power < 1) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Whether there is a target that is positive in every cell, or none. */
static PetscBool has_full_support(const Run *r) {
  const PetscReal *log_pi;
  PetscInt empty = 0;
  Vec target;
  if (MuEnergyGetLogTarget(r->parts->energy, &target) || !target) return PETSC_TRUE;
  (void)VecGetArrayRead(target, &log_pi);
  for (PetscInt i = 0; i < r->info->local_size; ++i)
    if (r->info->mask[i] && !(log_pi[i] > -PETSC_MAX_REAL)) empty = 1;
  (void)VecRestoreArrayRead(target, &log_pi);
  MPI_Allreduce(MPI_IN_PLACE, &empty, 1, MPIU_INT, MPI_MAX, r->info->comm);
  return (PetscBool)!empty;
}

/* The reaction is the inverse of one kernel and DF is -infinity at 0, which it is not where pi
   vanishes: `auto` and the splittings have positive steps of any length. */
static PetscBool is_proximal(const Run *r) {
  PetscInt reactions = 0;
  PetscBool inverts = PETSC_FALSE;
  MuPartTraits part;
  MuTermTraits term;
  if (!has_full_support(r)) return PETSC_FALSE;
  for (PetscInt k = 0; k < r->geometry->parts; ++k) {
    if (MuGeometryGetTraits(r->geometry, k, &part)) return PETSC_FALSE;
    if (part.kind != MU_PART_REACTION) continue;
    inverts = part.inverts_kernel;
    ++reactions;
  }
  for (PetscInt k = 0; k < r->energy->terms; ++k)
    if (!MuEnergyGetTraits(r->energy, k, &term) && term.singular_at_zero)
      return (PetscBool)(reactions == 1 && inverts);
  return PETSC_FALSE;
}

/* discrete_gradient, asked for or `auto`'s for a reaction that acts on empty cells. */
static PetscBool is_gradient(const Run *r) {
  if (!strcmp(r->scheme, "discrete_gradient")) return PETSC_TRUE;
  return (PetscBool)(does_not_vanish(r) && !is_proximal(r));
}

/* Where the energy's derivative is a convolution with the kernel that the geometry inverts, nothing
   holds rho >= 0. */
static PetscBool has_preimage(const Run *r) {
  PetscBool square = PETSC_FALSE;
  MuKernel kernel;
  return (PetscBool)(is_gradient(r) && !MuEnergyHasPreimage(r->parts->energy, &square, &kernel) &&
                     square);
}

/* DF grows like a power of 1/rho where rho = 0, faster than a logarithm. */
static PetscBool is_steep(const Run *r) {
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    const MuTermTraits term = term_of(r, k);
    if (term.power < 1 || term.density_power < 1) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* DF is -infinity where rho = 0, and a convolution, or a K that does not vanish there, carries that
   to other cells. */
static PetscBool is_singular(const Run *r) {
  PetscBool singular = PETSC_FALSE, nonlocal = PETSC_FALSE;
  if (r->scale > 1e250) return PETSC_TRUE; /* F is finite, products with it are not */
  for (PetscInt k = 0; k < r->geometry->parts; ++k)
    if (part_of(r, k).kind == MU_PART_TRANSPORT && !part_of(r, k).local) nonlocal = PETSC_TRUE;
  for (PetscInt k = 0; k < r->energy->terms; ++k)
    if (term_of(r, k).singular_at_zero) singular = PETSC_TRUE;
  return (PetscBool)((nonlocal && is_steep(r)) || (does_not_vanish(r) && singular));
}

/* Explicit inner steps are used for reactions, alone and in splittings. */
static PetscBool is_explicit(const Run *r) {
  PetscInt kinds;
  return (PetscBool)(!MuGeometryGetKinds(r->parts->geometry, &kinds) &&
                     (kinds & MU_PART_REACTION) && strcmp(r->scheme, "discrete_gradient") &&
                     !strstr(r->scheme, "proximal"));
}

/* max log pi - min log pi inside. */
static PetscReal target_span(const Run *r) {
  const PetscReal *log_pi;
  PetscReal ends[2] = {-INFINITY, -INFINITY};
  Vec target;
  if (MuEnergyGetLogTarget(r->parts->energy, &target) || !target) return 0;
  (void)VecGetArrayRead(target, &log_pi);
  for (PetscInt i = 0; i < r->info->local_size; ++i) {
    if (!r->info->mask[i]) continue;
    ends[0] = fmax(ends[0], log_pi[i]);
    ends[1] = fmax(ends[1], -log_pi[i]);
  }
  (void)VecRestoreArrayRead(target, &log_pi);
  MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPIU_REAL, MPI_MAX, r->info->comm);
  return ends[0] + ends[1];
}

/* Positive steps of the inverse of a kernel, whose Newton's method leaves out terms that convolve,
   and has no numbers for a target that spans more than e^700. */
static PetscBool is_rough_proximal(const Run *r) {
  PetscBool convolves = PETSC_FALSE;
  for (PetscInt k = 0; k < r->energy->terms; ++k)
    if (term_of(r, k).kernel) convolves = PETSC_TRUE;
  return (PetscBool)(is_proximal(r) && (convolves || target_span(r) > 700));
}

static PetscBool is_gradient_or_rough(const Run *r) {
  return (PetscBool)(is_gradient(r) || is_rough_proximal(r));
}

static PetscBool has_ridge_solve(const Run *r) {
  for (PetscInt k = 0; k < r->geometry->parts; ++k)
    if (part_of(r, k).regression) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Local mobilities of power one, and kl, entropy and potential alone: one linear solve, whatever
   the reaction is. */
static PetscBool is_linear_transport(const Run *r) {
  PetscBool logarithms = PETSC_FALSE;
  MuPartTraits part;
  MuTermTraits term;
  for (PetscInt k = 0; k < r->geometry->parts; ++k)
    if (MuGeometryGetTraits(r->geometry, k, &part) ||
        (part.kind == MU_PART_TRANSPORT && part.power != 1))
      return PETSC_FALSE;
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    if (MuEnergyGetTraits(r->energy, k, &term) || !(term.logarithmic || term.linear))
      return PETSC_FALSE;
    if (term.logarithmic) logarithms = PETSC_TRUE;
  }
  return logarithms;
}

/* A system that is not linear: of the transport, or of discrete_gradient in a splitting. */
static PetscBool is_nonlinear_transport(const Run *r) {
  PetscInt kinds;
  return (PetscBool)(!MuGeometryGetKinds(r->parts->geometry, &kinds) &&
                     (kinds & MU_PART_TRANSPORT) && (!is_linear_transport(r) || is_gradient(r)));
}

static PetscBool is_steep_transport(const Run *r) {
  return (PetscBool)(is_steep(r) && is_nonlinear_transport(r));
}

/* Implicit Euler keeps the energy down where it is convex, DF is known to the tolerance of its
   solve, which it is not where it grows like a power of 1/rho, and the flux out of an empty cell is
   0, which an arithmetic mean, or a K that does not vanish with the density, does not make it. */
static PetscBool may_rise(const Run *r) {
  if (is_steep(r)) return PETSC_TRUE;
  if (!strncmp(r->scheme, "splitting", 9)) return PETSC_TRUE;
  if (r->geometry->face_mean == MU_MEAN_ARITHMETIC || does_not_vanish(r)) return PETSC_TRUE;
  for (PetscInt k = 0; k < r->energy->terms; ++k) {
    MuTermTraits term = {0};
    if (MuEnergyGetTraits(r->energy, k, &term) || !term.convex) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscBool is_adaptive(const Run *r) {
  return r->parts->flow.adapt;
}

static const struct {
  const char *words;
  PetscBool (*allowed)(const Run *r);
  const char *why;
} reasons[] = {
    {"the density became negative", has_preimage,
     "the kernel's inverse cancels, and rho >= 0 is not held"},
    {"the density became negative", is_steep_transport,
     "coefficients of hundreds of decades, in empty cells"},
    {"the integrator did not converge", is_gradient_or_rough,
     "discrete_gradient needs a smaller step; proximal, where a term that convolves is stiff, or "
     "pi "
     "spans e^700"},
    {"the nonlinear solver did not converge", is_nonlinear_transport,
     "nonlinear transport needs a smaller step, or a face mean that diffuses"},
    {"too fast for explicit inner steps", is_explicit,
     "log_density; the limit is set low here, so that a case ends"},
    {"the density was no longer finite", is_singular,
     "nonlocal transport of an energy whose DF is -infinity in empty cells, or F above 1e250"},
    {"the factorisation of `direct` failed", is_nonlinear_transport,
     "coefficients of hundreds of decades, in empty cells"},
    {"the energy rose", may_rise,
     "a splitting, an energy that is not convex, an arithmetic mean: the guard asks for a smaller "
     "step"},
    {"the error of a step stays above time_tolerance", is_adaptive,
     "a time scale far below the first step"},
    {"k*rho is lost in rounding", has_likelihood, "log(k*rho) far from the density is not known"},
    {"the minimisation did not converge", has_envelope, "lambda is too small for the kernel"},
    {"geometry_ridge: the solve", has_ridge_solve, "the ridge is too small for the kernel"},
};
enum { REASONS = sizeof reasons / sizeof reasons[0] };
static long reason_count[REASONS];

/* One line of -stops: reason, scheme, geometry and energy, the names in the order of the tables. */
static void note_stop(const Run *r, const char *words) {
  FILE *out = all.stops && all.rank == 0 ? fopen(all.stops, "a") : NULL;
  const char *formula, *name;
  if (!out) return;
  fprintf(out, "%s | %s |", words, r->scheme);
  for (PetscInt i = 0; !MuGeometryGetTableRow(i, &name, &formula) && name; ++i)
    for (PetscInt k = 0; k < r->geometry->parts; ++k)
      if (!strcmp(r->geometry->part[k].name, name)) fprintf(out, " %s", name);
  fprintf(out, "%s |", r->geometry->spherical ? " spherical" : "");
  for (PetscInt i = 0; !MuEnergyGetTableRow(i, &name, &formula) && name; ++i)
    for (PetscInt k = 0; k < r->energy->terms; ++k)
      if (!strcmp(r->energy->term[k].name, name)) fprintf(out, " %s", name);
  fprintf(out, "\n");
  fclose(out);
}

static void test_reason(Run *r) {
  for (int k = 0; k < REASONS; ++k)
    if (strstr(r->sentence, reasons[k].words) && reasons[k].allowed(r) && !falsified(NUMERICS)) {
      reason_count[k]++;
      note_stop(r, reasons[k].words);
      return;
    }
  broken(r->verdict, NUMERICS, "%.1000s", r->sentence);
}

/* ------------------------------------------------------------------ one case */

/* The state of `other` (on one rank) against that of `r`. */
static PetscErrorCode compare(Run *r, Run *other, Property p, PetscReal tolerance) {
  PetscReal *x, *y, difference = 0, mass = 0;
  PetscInt total;

  PetscFunctionBegin;
  /* whether an iteration reaches its tolerance or gives up may hang on rounding */
  if (p == RANKS && (r->outcome == FAILED) != (other->outcome == FAILED)) {
    all.undecided++;
    PetscFunctionReturn(0);
  }
  if (r->outcome != other->outcome || r->steps != other->steps) {
    broken(r->verdict, p, "one run ends after %d steps (%s), the other after %d (%s)",
           (int)r->steps, r->sentence, (int)other->steps, other->sentence);
    PetscFunctionReturn(0);
  }
  if (!r->last || !other->last) PetscFunctionReturn(0);
  total = r->info->cells[0] * r->info->cells[1];
  PetscCall(PetscMalloc2(total, &x, total, &y));
  PetscCall(MuGridGather(r->parts->grid, r->last, PETSC_TRUE, x));
  PetscCall(MuGridGather(other->parts->grid, other->last, PETSC_TRUE, y));
  if (falsified(p)) x[0] += 1;
  for (PetscInt i = 0; i < total; ++i) {
    difference += fabs(x[i] - y[i]);
    mass += fabs(x[i]);
  }
  PetscCall(PetscFree2(x, y));
  test(r->verdict, p, difference, tolerance * mass + 1e-300, "the difference of two runs in L1",
       r->last_time);
  PetscFunctionReturn(0);
}

/* Fewer rows than ranks is refused, on one rank it is not. */
static PetscBool is_too_small(const Run *r) {
  return (PetscBool)(r->outcome == REFUSED && strstr(r->sentence, "rank") != NULL);
}

/* Saved after half of the steps, and from there to the end. */
static PetscErrorCode examine_restart(const char *file, Run *r, Verdict *verdict) {
  const PetscInt half = r->steps / 2;
  MuCheckpoint saved;
  Run other;

  PetscFunctionBegin;
  if (half < 1) PetscFunctionReturn(0);
  PetscCall(MuCheckpointCreate(PETSC_COMM_WORLD, &saved));
  PetscCall(run_part(&other, PETSC_COMM_WORLD, file, PETSC_FALSE, half, saved, verdict));
  PetscCall(finish(&other));
  PetscCall(run_part(&other, PETSC_COMM_WORLD, file, PETSC_FALSE, -half, saved, verdict));
  PetscCall(compare(r, &other, RESTART, 0));
  PetscCall(finish(&other));
  PetscCall(MuCheckpointDestroy(&saved));
  PetscFunctionReturn(0);
}

static PetscErrorCode examine(const char *file, Run *r, Verdict *verdict) {
  Run other;

  PetscFunctionBegin;
  PetscCall(run(r, PETSC_COMM_WORLD, file, PETSC_TRUE, verdict));
  if (r->outcome == FAILED) test_reason(r);
  if (r->flow && r->outcome != REFUSED && is_unconditional(r) &&
      (r->rejected > 0 || falsified(UNCONDITIONAL)))
    broken(verdict, UNCONDITIONAL, "%d steps were rejected", (int)r->rejected);
  PetscCall(run(&other, PETSC_COMM_WORLD, file, PETSC_FALSE, verdict));
  PetscCall(compare(r, &other, REPEAT, 0));
  PetscCall(finish(&other));
  if (all.index % 3 == 0) PetscCall(examine_restart(file, r, verdict));
  if (all.size == 1 || is_too_small(r)) PetscFunctionReturn(0);
  PetscCall(run(&other, PETSC_COMM_SELF, file, PETSC_FALSE, verdict));
  PetscCall(compare(r, &other, RANKS, RANKS_AGREE));
  PetscCall(finish(&other));
  PetscFunctionReturn(0);
}

static void write_text(const char *file, const char *text, const char *comment) {
  FILE *out = all.rank == 0 ? fopen(file, "w") : NULL;
  if (!out) return;
  if (comment) fprintf(out, "# %s\n", comment);
  fprintf(out, "%s", text);
  fclose(out);
}

/* Keeps the first case of a kind for tests of the command. */
static void keep_first(const Run *r, const char *text) {
  static const char *const kinds[OUTCOMES] = {[REFUSED] = "refused", [FAILED] = "numerics"};
  char file[PETSC_MAX_PATH_LEN];
  /* what stops only at the low limit of inner steps would not stop in the command */
  if (!kinds[r->outcome] || all.file || all.kept[r->outcome]) return;
  if (r->outcome == FAILED && strstr(r->sentence, "explicit inner steps")) return;
  all.kept[r->outcome] = PETSC_TRUE;
  snprintf(file, sizeof file, "%s/%s-%llu.yaml", all.directory, kinds[r->outcome], all.seed);
  write_text(file, text, r->sentence);
}

static PetscErrorCode examine_text(const char *text, const char *file, long *failures) {
  Verdict verdict = {0};
  Run r;
  int any;
  double started = MPI_Wtime(), seconds;

  PetscFunctionBegin;
  alarm((unsigned)all.limit);
  PetscCall(examine(file, &r, &verdict));
  alarm(0);
  seconds = MPI_Wtime() - started;
  any = verdict.broken;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  all.outcomes[r.outcome]++;
  all.steps += r.steps;
  all.rejected += r.rejected;
  keep_first(&r, text);
  if (any) {
    ++*failures;
    if (verdict.broken)
      printf("case %llu of seed %llu breaks %s (%s; %s)\n", all.index, all.seed, verdict.sentence,
             r.scheme ? r.scheme : "not built", all.failure);
    write_text(all.failure, text, verdict.sentence);
  } else if (all.verbose && all.rank == 0) {
    static const char *const words[OUTCOMES] = {"done", "enough", "refused", "failed"};
    printf("case %llu: %s, %d steps, %d rejected, %.2f s, %s %s\n", all.index, words[r.outcome],
           (int)r.steps, (int)r.rejected, seconds, r.scheme ? r.scheme : "-", r.sentence);
  }
  fflush(stdout);
  PetscCall(finish(&r));
  PetscFunctionReturn(0);
}

static PetscErrorCode examine_number(unsigned long long index, long *failures) {
  char *text = StressCaseText(all.seed, index, all.directory);

  PetscFunctionBegin;
  all.index = index;
  if (!text) PetscFunctionReturn(PETSC_ERR_MEM);
  snprintf(all.failure, sizeof all.failure, "%s/fail-%llu-%llu.yaml", all.directory, all.seed,
           index);
  if (all.print) {
    if (all.rank == 0) printf("%s", text);
  } else {
    write_text(all.current, text, NULL);
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    PetscCall(examine_text(text, all.current, failures));
  }
  free(text);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the end */

/* A crash, or a case that does not end: the file under work becomes the failing case. */
static void on_signal(int number) {
  static const char message[] = "the case crashed or did not end; its file is kept\n";
  if (!all.file && rename(all.current, all.failure) == 0)
    if (write(STDOUT_FILENO, all.failure, strlen(all.failure)) < 0) _exit(number);
  if (write(STDOUT_FILENO, "\n", 1) < 0 || write(STDOUT_FILENO, message, sizeof message - 1) < 0)
    _exit(number);
  _exit(100 + number % 100);
}

static void print_totals(long failures) {
  if (all.rank) return;
  printf(
      "seed %llu, cases %llu to %llu on %d rank%s: %ld done, %ld cut at %d steps, %ld refused, %ld "
      "failed in their numerics; %ld steps, %ld rejected; %ld break a property\n",
      all.seed, all.first, all.first + all.count - 1, (int)all.size, all.size > 1 ? "s" : "",
      all.outcomes[DONE], all.outcomes[ENOUGH], MOST_STEPS, all.outcomes[REFUSED],
      all.outcomes[FAILED], all.steps, all.rejected, failures);
  if (all.undecided)
    printf("  %ld stopped on one number of ranks and not on another\n", all.undecided);
  for (int k = 0; k < REASONS; ++k)
    if (reason_count[k])
      printf("  %ld stopped: %s (%s)\n", reason_count[k], reasons[k].words, reasons[k].why);
  for (int p = 0; p < PROPERTIES; ++p)
    if (all.worst[p] > 0)
      printf("  %-14s at most %.2g of its tolerance (case %llu): %s\n", properties[p].name,
             all.worst[p], all.worst_index[p], properties[p].statement);
}

static int usage(const char *argument) {
  fprintf(
      stderr,
      "stress: %s is not understood; options are -count N -seed S -first K -only K -file "
      "CASE.yaml -directory D -load FILE.so -stops FILE -limit SECONDS -print -break PROPERTY\n",
      argument);
  return 2;
}

static int find_property(const char *name) {
  for (int p = 0; p < PROPERTIES; ++p)
    if (!strcmp(name, properties[p].name)) return p;
  return -1;
}

static int read_arguments(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    const char *key = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(key, "-print")) {
      all.print = PETSC_TRUE;
      continue;
    }
    if (!strcmp(key, "-verbose")) {
      all.verbose = PETSC_TRUE;
      continue;
    }
    if (!value) return usage(key);
    ++i;
    if (!strcmp(key, "-load")) {
      all.load[all.loads++ % MOST_LOADS] = value;
      continue;
    }
    if (!strcmp(key, "-count"))
      all.count = strtoull(value, NULL, 10);
    else if (!strcmp(key, "-seed"))
      all.seed = strtoull(value, NULL, 10);
    else if (!strcmp(key, "-first"))
      all.first = strtoull(value, NULL, 10);
    else if (!strcmp(key, "-only"))
      all.first = strtoull(value, NULL, 10), all.count = 1;
    else if (!strcmp(key, "-file"))
      all.file = value;
    else if (!strcmp(key, "-directory"))
      all.directory = value;
    else if (!strcmp(key, "-stops"))
      all.stops = value;
    else if (!strcmp(key, "-limit"))
      all.limit = atoi(value);
    else if (!strcmp(key, "-break") && find_property(value) >= 0)
      all.falsified = find_property(value);
    else
      return usage(key);
  }
  return 0;
}

static PetscErrorCode work(long *failures) {
  PetscFunctionBegin;
  if (all.rank == 0) mkdir(all.directory, 0777);
  snprintf(all.current, sizeof all.current, "%s/current-%llu-%llu-%d.yaml", all.directory, all.seed,
           all.first, (int)all.size);
  if (all.file) {
    snprintf(all.failure, sizeof all.failure, "%s/fail.yaml", all.directory);
    PetscCall(examine_text("", all.file, failures));
    PetscFunctionReturn(0);
  }
  for (unsigned long long k = all.first; k < all.first + all.count; ++k) {
    PetscCall(examine_number(k, failures));
    if (all.falsified >= 0 && *failures) break;
  }
  if (all.rank == 0) unlink(all.current);
  PetscFunctionReturn(0);
}

/* Few inner Runge-Kutta steps of log_density, so that a stiff case ends soon; several ranks on
   fewer cores take much longer. */
static PetscErrorCode shorten(void) {
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &all.rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &all.size));
  PetscCall(PetscOptionsSetValue(NULL, "-mudot_ts_max_steps", all.size > 1 ? "100" : "500"));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  static const int caught[] = {SIGALRM, SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL};
  long failures = 0;
  int count = 1, status = read_arguments(argc, argv);
  if (status) return status;
  if (MuInitialize(&count, &argv, NULL)) return 1;
  if (shorten()) return 1;
  for (int k = 0; k < all.loads && k < MOST_LOADS; ++k)
    if (MuExtensionLoad(all.load[k])) {
      fprintf(stderr, "stress: %s\n", MuErrorMessage());
      return 1;
    }
  for (size_t k = 0; k < sizeof caught / sizeof *caught; ++k) signal(caught[k], on_signal);
  PetscErrorCode code = work(&failures);
  if (code) printf("stress: error %d: %s\n", (int)code, MuErrorMessage());
  if (!all.print && !all.file) print_totals(failures);
  if (MuFinalize() || code) return 1;
  return failures ? 1 : 0;
}
