/* Interaction energy F = 1/2 <rho, W*rho>, DF = W*rho, W even, taken at cell offsets. An infinite
   W(0) that is integrable is replaced by the average of W(x - y) over x, y in the same cell,

     int over [-1,1]^d of prod_a (1 - |u_a|) W(u_a spacing_a) du,

   by the double exponential rule in the distance from the singularity (Takahasi and Mori, Publ.
   RIMS 9 (1974)); in 2-D on the triangles u_a >= u_b of each quadrant, where r = u_a, u_b = r v
   makes it a singularity in r alone. */
#include "energy/energy_impl.h"

typedef struct {
  MuConvolution convolution;
  Vec image; /* W*rho */
} Interaction;

/* W as the convolution sees it. */
typedef struct {
  const MuSummand *summand;
  const MuGridInfo *info;
  PetscReal origin; /* W(0), or the average in its place */
} Weight;

static PetscErrorCode evaluate_w(const Weight *weight, PetscReal zx, PetscReal zy, PetscReal *w) {
  const PetscReal z[2] = {zx, zy};
  return weight->summand->function(weight->summand->function_ctx, z, w);
}

/* The value for MuConvolutionCreateFunction(), which takes the mean of both images half a period
   away: so the operator is symmetric even where W(x, y) and W(-x, y) differ. */
static PetscErrorCode weight_function(void *ctx, const PetscReal z[2], PetscReal *w) {
  const Weight *weight = ctx;
  const PetscReal y = weight->info->dim == 2 ? z[1] : 0;

  PetscFunctionBegin;
  if (z[0] == 0 && y == 0)
    *w = weight->origin;
  else
    PetscCall(evaluate_w(weight, z[0], y, w));
  PetscFunctionReturn(0);
}

/* Largest offset that a convolution asks for along an axis. */
static PetscInt reach(const MuGridInfo *info, PetscInt axis) {
  if (axis >= info->dim) return 0;
  return info->periodic[axis] ? info->cells[axis] / 2 : info->cells[axis] - 1;
}

/* W is finite and even at every offset z != 0; the same answer on every rank. */
static PetscErrorCode check_weights(const Weight *weight) {
  const MuGridInfo *info = weight->info;

  PetscFunctionBegin;
  for (PetscInt j = -reach(info, 1); j <= reach(info, 1); ++j)
    for (PetscInt i = 0; i <= reach(info, 0); ++i) {
      PetscReal zx = i * info->spacing[0], zy = info->dim == 2 ? j * info->spacing[1] : 0, w, back;
      if (i == 0 && j == 0) continue;
      PetscCall(evaluate_w(weight, zx, zy, &w));
      PetscCall(evaluate_w(weight, -zx, -zy, &back));
      if (PetscIsInfOrNanReal(w) || PetscIsInfOrNanReal(back))
        return MuError(MU_ERR_INPUT,
                       "energy_interaction_formula: W is %g at the offset (%g, %g); it must be "
                       "finite everywhere but at 0",
                       w, zx, zy);
      /* rounding of a formula, not more: W is evaluated by the same expression at z and -z */
      if (PetscAbsReal(w - back) > 1e-10 * (PetscAbsReal(w) + PetscAbsReal(back)))
        return MuError(
            MU_ERR_INPUT,
            "energy_interaction_formula: W is %g at (%g, %g) and %g at (%g, %g); it must "
            "be even, W(z) = W(-z)",
            w, zx, zy, back, -zx, -zy);
    }
  PetscFunctionReturn(0);
}

/* Nodes and weights of the double exponential rule on (0, 1), r = 1/(1 + exp(-pi sinh t)), with r
   accurate near 0. */
#define NODES 121
static void double_exponential(PetscReal r[NODES], PetscReal w[NODES]) {
  const PetscReal step = 10.0 / (NODES - 1);
  for (PetscInt k = 0; k < NODES; ++k) {
    PetscReal t = -5 + k * step, u = PETSC_PI * sinh(t);
    r[k] = u < 0 ? exp(u) / (1 + exp(u)) : 1 / (1 + exp(-u));
    w[k] = step * PETSC_PI * cosh(t) * r[k] * (u < 0 ? 1 / (1 + exp(u)) : exp(-u) / (1 + exp(-u)));
  }
}

/* The average over one triangle of a quadrant: u_axis = r, the other r v, of sign `sign`. */
static PetscErrorCode triangle_average(const Weight *weight, PetscInt axis, PetscReal sign,
                                       const PetscReal node[NODES], const PetscReal rule[NODES],
                                       PetscReal *average) {
  const PetscReal *spacing = weight->info->spacing;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < NODES; ++k)
    for (PetscInt l = 0; l < NODES; ++l) {
      PetscReal r = node[k], v = node[l], u[2], w;
      PetscReal factor = rule[k] * rule[l] * r * (1 - r) * (1 - r * v);
      u[axis] = r;
      u[1 - axis] = r * v;
      if (factor == 0) continue;
      PetscCall(evaluate_w(weight, u[0] * spacing[0], sign * u[1] * spacing[1], &w));
      *average += factor * w;
    }
  PetscFunctionReturn(0);
}

/* W is even, so half of [-1,1]^d stands for all of it. */
static PetscErrorCode average_over_cells(const Weight *weight, PetscReal *average) {
  PetscReal node[NODES], rule[NODES], sum = 0, w;

  PetscFunctionBegin;
  double_exponential(node, rule);
  if (weight->info->dim == 1)
    for (PetscInt k = 0; k < NODES; ++k) {
      if (rule[k] == 0) continue;
      PetscCall(evaluate_w(weight, node[k] * weight->info->spacing[0], 0, &w));
      sum += rule[k] * (1 - node[k]) * w;
    }
  else
    for (PetscInt axis = 0; axis < 2; ++axis) {
      PetscCall(triangle_average(weight, axis, 1, node, rule, &sum));
      PetscCall(triangle_average(weight, axis, -1, node, rule, &sum));
    }
  *average = 2 * sum;
  PetscFunctionReturn(0);
}

static PetscErrorCode find_origin(Weight *weight) {
  PetscFunctionBegin;
  PetscCall(evaluate_w(weight, 0, 0, &weight->origin));
  if (PetscIsInfReal(weight->origin)) PetscCall(average_over_cells(weight, &weight->origin));
  if (PetscIsInfOrNanReal(weight->origin))
    return MuError(
        MU_ERR_INPUT,
        "energy_interaction_formula: W is %g at the offset 0; it must be finite there or "
        "have an integrable singularity",
        weight->origin);
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MuTerm *term) {
  const MuShared *shared = term->shared;
  Weight weight = {.summand = term->summand, .info = shared->info};
  Interaction *interaction;

  PetscFunctionBegin;
  PetscCall(check_weights(&weight));
  PetscCall(find_origin(&weight));
  PetscCall(PetscNew(&interaction));
  term->data = interaction;
  PetscCall(MuGridCreateField(shared->grid, &interaction->image));
  PetscCall(MuConvolutionCreateFunction(shared->grid, weight_function, &weight,
                                        &interaction->convolution));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy(MuTerm *term) {
  Interaction *interaction = term->data;

  PetscFunctionBegin;
  if (!interaction) PetscFunctionReturn(0);
  PetscCall(VecDestroy(&interaction->image));
  PetscCall(MuConvolutionDestroy(&interaction->convolution));
  PetscCall(PetscFree(term->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df) {
  const PetscInt n = term->shared->n;
  Interaction *interaction = term->data;
  const PetscReal *image;

  PetscFunctionBegin;
  PetscCall(MuConvolutionApply(interaction->convolution, state->field, interaction->image));
  PetscCall(VecGetArrayRead(interaction->image, &image));
  for (PetscInt i = 0; f && i < n; ++i) f[i] = 0.5 * state->rho[i] * image[i];
  for (PetscInt i = 0; df && i < n; ++i) df[i] = image[i];
  PetscCall(VecRestoreArrayRead(interaction->image, &image));
  PetscFunctionReturn(0);
}

static PetscErrorCode gradient(MuTerm *term, const MuPair *pair, PetscReal *g) {
  return evaluate(term, &pair->mid, NULL, g);
}

const MuTermOps MuTermInteraction = {
    .name = "interaction",
    .formula = "1/2 <rho, W*rho>, W = interaction_formula",
    .function_key = "interaction_formula",
    .function_doc = "W(x, y), the interaction, even",
    .form = MU_FORM_INTERACTION,
    .kind = MU_TERM_FROZEN,
    .any_sign = PETSC_TRUE,
    .create = create,
    .destroy = destroy,
    .evaluate = evaluate,
    .gradient = gradient,
};
