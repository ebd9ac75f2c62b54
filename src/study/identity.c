/* Identity (2) of the ridge regressions, mu (T + lambda)^(-1) T: the dissipation that is missed is
   the loss of the regression. Zhu and Mielke, Kernel approximation of Fisher-Rao gradient flows
   (2024). */
#include "study/study_impl.h"

typedef struct {
  MuGeometry geometry; /* the regression alone */
  MuConvolution kernel;
  Vec xi, g, f, m;
  PetscReal lambda;
} Regression;

static PetscErrorCode create_regression(MuTrial *t, PetscInt part, Regression *r) {
  const MuProblemParts *p = t->parts;
  const MuGeometrySpec *spec;
  MuPartTraits traits;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(p->geometry, &spec));
  PetscCall(MuGeometryGetTraits(spec, part, &traits));
  r->lambda = traits.ridge;
  MuGeometrySpec alone = {.parts = 1, .part = {spec->part[part]}, .kernel = spec->kernel};
  alone.part[0].weight = 1;
  PetscCall(MuGeometryCreate(p->grid, &alone, &r->geometry));
  PetscCall(MuConvolutionCreate(p->grid, traits.kernel, MU_CELLS, &r->kernel));
  PetscCall(MuGridCreateField(p->grid, &r->xi));
  PetscCall(MuGridCreateField(p->grid, &r->g));
  PetscCall(MuGridCreateField(p->grid, &r->f));
  PetscCall(MuGridCreateField(p->grid, &r->m));
  PetscFunctionReturn(0);
}

static PetscErrorCode destroy_regression(Regression *r) {
  PetscFunctionBegin;
  PetscCall(MuGeometryDestroy(&r->geometry));
  PetscCall(MuConvolutionDestroy(&r->kernel));
  PetscCall(VecDestroy(&r->xi));
  PetscCall(VecDestroy(&r->g));
  PetscCall(VecDestroy(&r->f));
  PetscCall(VecDestroy(&r->m));
  PetscFunctionReturn(0);
}

/* The regression loss |g - xi|^2_mu + lambda |g|_H^2 at g = (T + lambda)^(-1) T xi, with |g|_H^2 =
   <mu f, Kc mu f>, f = (xi - g)/lambda, against |xi|^2_mu - <xi, K xi>: it tests that g = Kc(mu f).
   Relative to |xi|^2_mu. */
static PetscErrorCode regression_defect(MuTrial *t, Regression *r, Vec mu, PetscReal *defect) {
  MuGrid grid = t->parts->grid;
  PetscReal all, explained, misfit, norm;

  PetscFunctionBegin;
  PetscCall(MuEnergyEvaluate(t->parts->energy, mu, NULL, NULL, r->xi, NULL));
  PetscCall(MuGeometrySetState(r->geometry, mu));
  PetscCall(MuGeometryApplyRelative(r->geometry, r->xi, r->g));
  PetscCall(VecPointwiseMult(r->m, mu, r->xi));
  PetscCall(MuGridInner(grid, r->m, r->xi, &all));
  PetscCall(MuGridInner(grid, r->m, r->g, &explained));
  PetscCall(VecWAXPY(r->f, -1, r->g, r->xi));
  PetscCall(VecPointwiseMult(r->m, mu, r->f));
  PetscCall(MuGridInner(grid, r->m, r->f, &misfit));
  PetscCall(VecScale(r->m, 1 / r->lambda));
  PetscCall(MuConvolutionApply(r->kernel, r->m, r->g));
  PetscCall(MuGridInner(grid, r->m, r->g, &norm));
  *defect = all > 0 ? PetscAbsReal(misfit + r->lambda * norm - (all - explained)) / all : 0;
  PetscFunctionReturn(0);
}

/* The first regression among the reactions; *k = the number of parts if there is none. */
static PetscErrorCode find_regression(const MuGeometrySpec *spec, PetscInt *k) {
  MuPartTraits traits;

  PetscFunctionBegin;
  for (*k = 0; *k < spec->parts; ++*k) {
    PetscCall(MuGeometryGetTraits(spec, *k, &traits));
    if (traits.regression && traits.kind == MU_PART_REACTION) break;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyRidgeIdentity(MuTrial *t, PetscInt times, const Vec density[],
                                    PetscReal *worst) {
  Regression r = {0};
  const MuGeometrySpec *spec;
  PetscReal defect = 0;
  PetscInt part;

  PetscFunctionBegin;
  *worst = NAN;
  PetscCall(MuGeometryGetSpec(t->parts->geometry, &spec));
  PetscCall(find_regression(spec, &part));
  if (part == spec->parts) PetscFunctionReturn(0);
  PetscErrorCode code = create_regression(t, part, &r);
  *worst = 0;
  for (PetscInt k = 0; k < times && !code; ++k) {
    code = regression_defect(t, &r, density[k], &defect);
    if (!code && !(defect <= *worst)) *worst = defect;
  }
  PetscCall(destroy_regression(&r));
  PetscFunctionReturn(code);
}
