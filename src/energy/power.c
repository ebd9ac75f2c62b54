/* Power divergences F = int phi_p(s) d pi, s = rho/pi, phi_p(s) = (s^p - p s + p - 1)/(p(p-1)),
   with DF = E_q(log s), q = p - 1, E_q(t) = (e^(qt) - 1)/q: any real p, the limits at p = 0
   (inclusive KL) and p = 1 (KL) included. Liero, Mielke, Savare, Invent. Math. 211 (2018),
   section 2.3.

   Evaluation, t = log s:
     p >= 1/2:  f = (rho E_q(t) - (rho - pi))/p
     p <  1/2:  f = ((rho - pi) - pi E_p(t))/(1 - p)
   which are regular in p, with rho E_q(t) = (s^p pi - rho)/q and pi E_p(t) = (s^p pi - pi)/p from
   s^p pi = exp(p log rho + (1-p) log pi) where the exponent is large; near s = 1 the Taylor series
   phi_p(1+x) = x^2 sum_k C(p-2, k) x^k/((k+1)(k+2)). */
#include "energy/energy_impl.h"
#include "grid/arrays.h"

/* Terms of the Taylor series. It is used for |x| <= 1/8 (less for a large p, so that |(p-2) x| <=
   1/2): then its terms fall at least as fast as 8^-k times a polynomial, or like 1/(2^k k!). */
#define SERIES 22

typedef struct {
  PetscReal p;
  PetscReal radius;
  PetscReal coefficient[SERIES];
} Power;

static PetscErrorCode create(MuTerm *term) {
  const PetscReal p = term->ops->power(term->value);
  Power *power;
  PetscReal binomial = 1;

  PetscFunctionBegin;
  PetscCall(PetscNew(&power));
  term->data = power;
  power->p = p;
  power->radius = 0.125 / PetscMax(1, PetscAbsReal(p - 2) / 4);
  for (PetscInt k = 0; k < SERIES; ++k) {
    power->coefficient[k] = binomial / ((k + 1.0) * (k + 2.0));
    binomial *= (p - 2 - k) / (k + 1);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  return PetscFree(term->data);
}

/* t = log s; where pi or rho vanishes the caller replaces what comes of it. */
static void fill_log(const MuShared *shared, const PetscReal *rho, const PetscReal *log_rho,
                     PetscReal *t) {
  const PetscReal *pi = shared->pi, *log_pi = shared->log_pi;
  for (PetscInt i = 0; i < shared->n; ++i)
    t[i] = MuRelativeLog(rho[i], pi[i], log_rho[i], log_pi[i]);
}

/* e_i = base_i E_k(t_i), base = rho and k = p - 1, or base = pi and k = p; power = log(s^p pi) as
   workspace. */
static void scaled_power_log(const MuShared *shared, PetscReal k, const PetscReal *base,
                             const PetscReal *t, PetscReal *power, PetscReal *e) {
  const PetscInt n = shared->n;
  const PetscReal inverse = k == 0 ? 1 : 1 / k;
  MuPowerLog(n, k, t, e);
  if (k != 0) MuArrayExp(n, power, power);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal direct = base[i] * e[i], split = (power[i] - base[i]) * inverse;
    e[i] = ((k == 0) | (PetscAbsReal(k * t[i]) < 1)) ? direct : split;
  }
}

static inline PetscReal series(const Power *power, PetscReal x) {
  PetscReal sum = power->coefficient[SERIES - 1];
  for (PetscInt k = SERIES - 2; k >= 0; --k) sum = sum * x + power->coefficient[k];
  return sum * x * x;
}

/* F's share of a cell where rho or pi vanishes: the limits of phi_p. */
static inline PetscReal limit_value(PetscReal p, PetscReal rho, PetscReal pi) {
  if (rho > 0) return p < 1 ? rho / (1 - p) : INFINITY;
  if (pi > 0) return p > 0 ? pi / p : INFINITY;
  return 0;
}

static void fill_values(const MuShared *shared, const Power *power, const MuState *state,
                        const PetscReal *t, PetscReal *f) {
  const PetscInt n = shared->n;
  const PetscReal p = power->p, *rho = state->rho, *pi = shared->pi;
  PetscReal *exponent = shared->work[1];
  const PetscBool upper = (PetscBool)(p >= 0.5);

  for (PetscInt i = 0; i < n; ++i)
    exponent[i] = p * state->log_rho[i] + (1 - p) * shared->log_pi[i];
  scaled_power_log(shared, upper ? p - 1 : p, upper ? rho : pi, t, exponent, f);
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal d = rho[i] - pi[i];
    PetscBool near = (PetscBool)((PetscAbsReal(d) <= power->radius * pi[i]) & (pi[i] > 1e-290));
    PetscReal x = near ? d / pi[i] : 0, far = upper ? (f[i] - d) / p : (d - f[i]) / (1 - p);
    f[i] = near ? pi[i] * series(power, x) : far;
  }
  for (PetscInt i = 0; i < n; ++i) {
    PetscBool no_target = (PetscBool)(shared->log_pi[i] == -INFINITY);
    if (no_target || rho[i] == 0) f[i] = limit_value(p, rho[i], pi[i]);
  }
}

/* DF where pi vanishes: the limit for s -> infinity, or 0 if rho does too. DF where rho vanishes is
   kept finite for every p, so that rho DF = 0 there. */
static void replace_derivative(const MuShared *shared, PetscReal p, const PetscReal *rho,
                               PetscReal *df) {
  const PetscReal limit = p < 1 ? 1 / (1 - p) : INFINITY;
  for (PetscInt i = 0; i < shared->n; ++i)
    if (shared->log_pi[i] == -INFINITY)
      df[i] = rho[i] > 0 ? limit : 0;
    else if (rho[i] == 0)
      df[i] = PetscMax(df[i], -1e300);
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const MuShared *shared = term->shared;
  const Power *power = term->data;
  PetscReal *t = shared->work[0];

  fill_log(shared, state->rho, state->log_rho, t);
  if (f) fill_values(shared, power, state, t, f);
  if (df) {
    MuPowerLog(shared->n, power->p - 1, t, df);
    replace_derivative(shared, power->p, state->rho, df);
  }
  return 0;
}

/* E_q(log(m/pi)) + (m/pi)^q w, w of MuPairQuotient() */
static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  const MuShared *shared = term->shared;
  const Power *power = term->data;
  const PetscReal q = power->p - 1;
  PetscReal *t = shared->work[0], *w = shared->work[1], *ratio = shared->work[2];

  MuPairQuotient(pair, shared->n, power->p, w, t);
  fill_log(shared, pair->mid.rho, pair->mid.log_rho, t);
  MuPowerLog(shared->n, q, t, g);
  for (PetscInt i = 0; i < shared->n; ++i) ratio[i] = q == 0 ? 0 : q * t[i];
  MuArrayExp(shared->n, ratio, ratio);
  for (PetscInt i = 0; i < shared->n; ++i) g[i] += w[i] != 0 ? ratio[i] * w[i] : 0;
  replace_derivative(shared, power->p, pair->mid.rho, g);
  return 0;
}

/* s^(p-2)/pi */
static PetscErrorCode curvature(MuTerm *term, const MuState *state, PetscReal *c) {
  const MuShared *shared = term->shared;
  const PetscReal p = ((const Power *)term->data)->p;

  for (PetscInt i = 0; i < shared->n; ++i) {
    PetscReal target = p == 1 ? 0 : (1 - p) * shared->log_pi[i];
    c[i] = (p - 2) * state->log_rho[i] + target;
  }
  MuArrayExp(shared->n, c, c);
  for (PetscInt i = 0; i < shared->n; ++i)
    if (state->rho[i] == 0 && shared->log_pi[i] == -INFINITY) c[i] = 0;
  return 0;
}

static PetscReal zero(const PetscReal value[]) {
  (void)value;
  return 0;
}

static PetscReal half(const PetscReal value[]) {
  (void)value;
  return 0.5;
}

static PetscReal two(const PetscReal value[]) {
  (void)value;
  return 2;
}

static PetscReal exponent(const PetscReal value[]) {
  return value[0];
}

static PetscReal stolarsky(const PetscReal value[]) {
  return value[0] > 1 ? value[0] : 0;
}

#define POWER_OPS                                                                                  \
  .needs = MU_NEEDS_TARGET | MU_NEEDS_PAIR, .kind = MU_TERM_RELATIVE, .create = create,            \
  .destroy = destroy, .evaluate = evaluate, .gradient = gradient, .curvature = curvature

const MuTermOps MuTermInclusiveKL = {
    .name = "inclusive_kl",
    .formula = "int pi log(pi/rho) - pi + rho",
    .power = zero,
    POWER_OPS,
};
const MuTermOps MuTermHellinger = {
    .name = "hellinger",
    .formula = "2 int (sqrt rho - sqrt pi)^2",
    .power = half,
    POWER_OPS,
};
const MuTermOps MuTermChi2 = {
    .name = "chi2",
    .formula = "1/2 int (rho/pi - 1)^2 pi",
    .power = two,
    .stolarsky = two,
    POWER_OPS,
};
static const MuParameter parameters[] = {{.name = "exponent",
                                          .key = "power_exponent",
                                          .doc = "p, the exponent",
                                          .low = -100,
                                          .high = 100,
                                          .required = PETSC_TRUE},
                                         {0}};

const MuTermOps MuTermPower = {
    .name = "power",
    .parameters = parameters,
    .formula = "int phi_p(rho/pi) pi, phi_p(s) = (s^p - p s + p - 1)/(p(p-1)), p = power_exponent",
    .power = exponent,
    .stolarsky = stolarsky,
    POWER_OPS,
};
