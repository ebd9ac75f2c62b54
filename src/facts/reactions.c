/* Exact solutions of reactions that are not a step in closed form: Fisher-Rao with conserved mass
   of a power energy, Fisher-Rao in a potential, and a fixed reference density with chi2. They are
   taken of the density and the target on the grid as they are. Mielke and Zhu (2025). */
#include "facts/solutions.h"
#include "grid/arrays.h"

#define FEWEST_STEPS 16
#define MOST_STEPS   16384
#define ACCURACY     1e-12

/* log(exp(a) + exp(b)), a = -infinity included */
static PetscReal add_logarithms(PetscReal a, PetscReal b) {
  const PetscReal high = PetscMax(a, b), low = PetscMin(a, b);
  return isinf(low) ? high : high + log1p(exp(low - high));
}

/* ------------------------------------------------------------------ spherical, power */

PetscErrorCode MuSolutionSphericalPowerFits(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);

  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_FISHER_RAO && e->system.spherical && term &&
                      !isnan(term->power) && term->power != 1);
  if (!*fits) return 0;
  e->power = term->power;
  e->rate = e->b;
  return 0;
}

typedef struct {
  const PetscReal *start, *log_pi;
  const unsigned char *mask;
  PetscInt cells;
  PetscReal q, mass; /* 1 - p; of the initial density */
  PetscReal unit;    /* of G: (mass over that of the target)^q */
} Powers;

/* log of pi (s_0^q + G)^(1/q), not normalised */
static PetscReal log_shape(const Powers *w, PetscReal log_g, PetscInt i) {
  const PetscReal log_s = log(PetscMax(w->start[i], MU_MIN_NORMAL)) - w->log_pi[i];
  return w->log_pi[i] + add_logarithms(w->q * log_s, log_g) / w->q;
}

/* L' of G = unit (e^L - 1), which grows exponentially, G' = [int (s_0^q + G)^(1/q) d pi/mass]^q */
static PetscReal growth(const Powers *w, PetscReal l) {
  const PetscReal g = w->unit * expm1(l);
  PetscReal sum = 0;
  for (PetscInt i = 0; i < w->cells; ++i)
    if (w->mask[i] && !isinf(w->log_pi[i])) sum += exp(log_shape(w, log(g), i));
  return pow(sum / w->mass, w->q) / (w->unit + g);
}

/* L by the classical Runge-Kutta method. */
static PetscReal integrate(const Powers *w, PetscReal time, PetscInt steps) {
  const PetscReal dt = time / (PetscReal)steps;
  PetscReal l = 0;
  for (PetscInt k = 0; k < steps; ++k) {
    const PetscReal k1 = growth(w, l), k2 = growth(w, l + dt / 2 * k1);
    const PetscReal k3 = growth(w, l + dt / 2 * k2), k4 = growth(w, l + dt * k3);
    l += dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return l;
}

/* G at `time`, with steps that are halved until it no longer moves. */
static PetscErrorCode find_growth(const Powers *w, PetscReal time, PetscReal *g) {
  PetscReal l, before = integrate(w, time, FEWEST_STEPS);
  for (PetscInt steps = 2 * FEWEST_STEPS; steps <= MOST_STEPS; steps *= 2, before = l) {
    l = integrate(w, time, steps);
    *g = w->unit * expm1(l);
    if (PetscAbsReal(l - before) <= ACCURACY * l) return 0;
  }
  return MuError(MU_ERR_NUMERICS,
                 "study_exact: spherical_fisher_rao_power: the equation of its one unknown number "
                 "is too stiff at time %g for %d steps",
                 (double)time, MOST_STEPS);
}

/* s_t proportional to (s_0^(1-p) + G)^(1/(1-p)), of the mass that rho_0 has */
PetscErrorCode MuSolutionSphericalPower(MuSolution e, PetscReal time, PetscReal *rho) {
  Powers w = {.mask = e->info->mask, .cells = e->info->local_size, .q = 1 - e->power};
  PetscReal g = 0, sum = 0;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(e->data->log_target, &w.log_pi));
  PetscCall(VecGetArrayRead(e->data->initial, &w.start));
  for (PetscInt i = 0; i < w.cells; ++i) {
    w.mass += w.mask[i] ? w.start[i] : 0;
    w.unit += w.mask[i] ? exp(w.log_pi[i]) : 0;
  }
  w.unit = pow(w.mass / w.unit, w.q);
  const PetscErrorCode failed = time > 0 ? find_growth(&w, e->rate * time, &g) : 0;
  for (PetscInt i = 0; i < w.cells && !failed; ++i) {
    rho[i] = w.mask[i] && !isinf(w.log_pi[i]) ? exp(log_shape(&w, log(g), i)) : 0;
    sum += rho[i];
  }
  for (PetscInt i = 0; i < w.cells && !failed; ++i) rho[i] *= w.mass / sum;
  PetscCall(VecRestoreArrayRead(e->data->initial, &w.start));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &w.log_pi));
  PetscFunctionReturn(failed);
}

/* ------------------------------------------------------------------ potential */

PetscErrorCode MuSolutionPotentialFits(MuSolution e, PetscBool *fits) {
  *fits = (PetscBool)(e->classes == (PetscInt)MU_IS_FISHER_RAO);
  for (PetscInt k = 0; k < e->system.terms; ++k)
    if (!e->system.term[k].linear) *fits = PETSC_FALSE;
  e->rate = MuSystemWeight(&e->system, MU_IS_FISHER_RAO, NULL);
  return 0;
}

/* rho = rho_0 e^(-t DF), DF the potential, normalised if spherical */
PetscErrorCode MuSolutionPotential(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal *derivative, *start;
  PetscReal mass = 0, before = 0, lowest;

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(e->data->energy, e->data->initial, NULL, NULL, e->work, NULL));
  PetscCall(VecMin(e->work, NULL, &lowest));
  if (!e->system.spherical) lowest = 0;
  PetscCall(VecGetArrayRead(e->work, &derivative));
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    rho[i] = e->info->mask[i] ? start[i] * exp(-e->rate * time * (derivative[i] - lowest)) : 0;
    mass += rho[i];
    before += e->info->mask[i] ? start[i] : 0;
  }
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscCall(VecRestoreArrayRead(e->work, &derivative));
  for (PetscInt i = 0; i < e->info->local_size && e->system.spherical; ++i) rho[i] *= before / mass;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ a fixed reference density */

PetscErrorCode MuSolutionFixedFits(MuSolution e, PetscBool *fits) {
  const MuTermTraits *term = MuSolutionOnlyTerm(e);

  *fits = (PetscBool)(!e->system.spherical && term && term->power == 2);
  for (PetscInt k = 0; k < e->system.parts; ++k)
    if (!e->system.part[k].fixed || e->system.part[k].kind != MU_PART_REACTION) *fits = PETSC_FALSE;
  if (*fits) e->rate = term->weight;
  return 0;
}

/* rho = pi + e^(-t omega/pi) (rho_0 - pi), omega = K 1 with the weights of the parts */
PetscErrorCode MuSolutionFixed(MuSolution e, PetscReal time, PetscReal *rho) {
  const PetscReal *omega, *log_pi, *start;
  Vec one;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(e->work, &one));
  PetscCall(VecSet(one, 1));
  PetscCall(MuGeometrySetState(e->data->geometry, e->data->initial));
  PetscCall(MuGeometryApply(e->data->geometry, MU_PART_ALL, one, NULL, e->work));
  PetscCall(VecDestroy(&one));
  PetscCall(VecGetArrayRead(e->work, &omega));
  PetscCall(VecGetArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecGetArrayRead(e->data->initial, &start));
  for (PetscInt i = 0; i < e->info->local_size; ++i) {
    const PetscReal pi = exp(log_pi[i]);
    const PetscReal decay = omega[i] > 0 ? exp(-e->rate * time * omega[i] / pi) : 1;
    rho[i] = e->info->mask[i] ? pi * (1 - decay) + decay * start[i] : 0;
  }
  PetscCall(VecRestoreArrayRead(e->data->initial, &start));
  PetscCall(VecRestoreArrayRead(e->data->log_target, &log_pi));
  PetscCall(VecRestoreArrayRead(e->work, &omega));
  PetscFunctionReturn(0);
}
