/* The one rule of all verdicts. A claim says that something observed is at least as large as what
   is claimed: an order, a rate, a constant. Its excess is what is claimed minus what was observed,
   its error what grid, step and window make of the observed number, each measured by taking it
   again on a coarser companion: half the cells per axis, twice the step, a part of the window. The
   claim

     holds if excess + error <= tolerance,   fails if excess - error > tolerance,

   and is undecided otherwise: an error neither excuses nor refutes. */
#include "study/study_impl.h"

static const char *const remedy[] = {
    [MU_FROM_GRID] = "; more cells would help, the error of the grid is the largest",
    [MU_FROM_STEP] =
        ("; smaller steps would help (a smaller tolerance, where it chooses them), the error "
         "of the step is the largest"),
    [MU_FROM_WINDOW] = "; other values or a later window would help, successive slopes drift"};

PetscReal MuClaimExcess(const MuClaim *c) {
  return c->claimed - c->observed;
}

PetscReal MuClaimError(const MuClaim *c) {
  PetscReal sum = 0;
  for (int k = 0; k < MU_CLAIM_ERRORS; ++k) sum += c->error[k];
  return sum;
}

/* An infinite excess is one: nothing at all was observed of what is claimed. */
MuStudyVerdict MuClaimVerdict(const MuClaim *c) {
  const PetscReal excess = MuClaimExcess(c), error = MuClaimError(c);
  if (c->reason[0] || isnan(excess) || isnan(error)) return MU_VERDICT_UNDECIDED;
  if (excess + error <= c->tolerance) return MU_VERDICT_HOLDS;
  return excess - error > c->tolerance ? MU_VERDICT_FAILS : MU_VERDICT_UNDECIDED;
}

void MuClaimDoubt(MuClaim *c, const char *format, ...) {
  va_list arguments;
  if (c->reason[0]) return; /* the first reason stays */
  va_start(arguments, format);
  vsnprintf(c->reason, sizeof c->reason, format, arguments);
  va_end(arguments);
}

static int largest_error(const MuClaim *c) {
  int most = 0;
  for (int k = 1; k < MU_CLAIM_ERRORS; ++k)
    if (c->error[k] > c->error[most]) most = k;
  return most;
}

void MuStudyTakeClaim(MuStudy s, const MuClaim *c) {
  s->order = c->observed;
  s->order_stderr = MuClaimError(c);
}

MuStudyVerdict MuStudyJudge(MuStudy s, const MuClaim *c) {
  const MuStudyVerdict verdict = !s->bare ? MuClaimVerdict(c) : MU_VERDICT_UNDECIDED;

  s->verdict = MuStudyWorse(s->verdict, verdict);
  if (c->reason[0]) {
    MuStudyNote(s, "%s: undecided: %s", c->name, c->reason);
    return verdict;
  }
  if (verdict == MU_VERDICT_HOLDS || s->bare) return verdict;
  MuStudyNote(s,
              "%s: %.4g where %.4g is claimed: excess %.3g, error %.2g (grid %.1g, step %.1g, "
              "window %.1g), tolerance %.2g: %s%s",
              c->name, c->observed, c->claimed, MuClaimExcess(c), MuClaimError(c),
              c->error[MU_FROM_GRID], c->error[MU_FROM_STEP], c->error[MU_FROM_WINDOW],
              c->tolerance, MuVerdictWords[verdict],
              verdict == MU_VERDICT_UNDECIDED ? remedy[largest_error(c)] : "");
  return verdict;
}

void MuStudyJudgeRows(MuStudy s, MuClaim (*claim)(MuStudy s, PetscInt row)) {
  PetscReal worst = -INFINITY;

  s->verdict = MU_VERDICT_HOLDS;
  for (PetscInt i = 0; i < s->rows; ++i) {
    const MuClaim c = claim(s, i);
    const PetscReal excess = MuClaimExcess(&c) / (c.tolerance > 0 ? c.tolerance : 1);
    MuStudyJudge(s, &c);
    if (i > 0 && !(excess > worst)) continue;
    worst = excess;
    MuStudyTakeClaim(s, &c);
    s->expected = c.claimed;
  }
}

MuStudyVerdict MuStudyWorse(MuStudyVerdict a, MuStudyVerdict b) {
  if (a == MU_VERDICT_FAILS || b == MU_VERDICT_FAILS) return MU_VERDICT_FAILS;
  return a == MU_VERDICT_UNDECIDED ? a : b;
}

/* ------------------------------------------------------------------ orders */

/* Values that span less than this have no order that could be told. */
#define LEAST_SPAN 2.5

PetscErrorCode MuStudyCheckThreshold(PetscReal claimed, PetscReal tolerance) {
  if (!(tolerance >= 0))
    return MuError(MU_ERR_INPUT, "study_tolerance: %g is not allowed; it must not be negative",
                   tolerance);
  if (claimed - tolerance > 0 || isnan(claimed)) return 0;
  return MuError(MU_ERR_INPUT,
                 "study_expect_order: %g with the tolerance %g accepts order 0, that is anything; "
                 "it must be above the tolerance",
                 claimed, tolerance);
}

/* Over all points but the first, which is the coarsest, where there are more than three. */
PetscReal MuClaimSlope(PetscInt n, const PetscReal *x, const PetscReal *y, PetscBool scattered) {
  const PetscInt skip = n > 3 && !scattered;
  return MuFitLine(n - skip, x + skip, y + skip).slope;
}

void MuClaimFit(MuClaim *c, PetscInt n, const PetscReal *x, const PetscReal *y,
                PetscBool scattered) {
  const PetscInt skip = n > 3 && !scattered;

  c->observed = MuClaimSlope(n, x, y, scattered);
  if (n < 3) {
    MuClaimDoubt(c,
                 "only %d rows lie a factor %d above what grid and step make of them; three "
                 "are needed",
                 (int)n, MU_FLOOR_FACTOR);
    c->error[MU_FROM_WINDOW] = NAN;
    return;
  }
  const PetscReal span = PetscAbsReal(x[n - 1] - x[0]);
  if (span < log(LEAST_SPAN) * (1 - 1e-12))
    MuClaimDoubt(c, "the values span a factor of %.3g; an order needs at least %g", exp(span),
                 LEAST_SPAN);
  const PetscReal other[] = {skip ? MuFitLine(n, x, y).slope : MuFitLine(n - 1, x + 1, y + 1).slope,
                             MuFitLine(n - 1 - skip, x + skip, y + skip).slope};
  c->error[MU_FROM_WINDOW] =
      PetscMax(PetscAbsReal(other[0] - c->observed), PetscAbsReal(other[1] - c->observed));
}
