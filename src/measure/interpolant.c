/* Functions on a grid, evaluated anywhere in its box. */
#include "measure/interpolant.h"

#include <gsl/gsl_interp2d.h>
#include <gsl/gsl_spline.h>
#include <gsl/gsl_spline2d.h>

struct _MuInterpolant {
  PetscInt dim;
  PetscReal first[2], last[2]; /* outermost nodes */
  gsl_spline *line;
  gsl_spline2d *plane;
  gsl_interp_accel *near[2];
};

static PetscErrorCode fill_nodes(const PetscInt cells, PetscReal lower, PetscReal spacing,
                                 PetscReal **nodes) {
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(cells, nodes));
  for (PetscInt i = 0; i < cells; ++i) (*nodes)[i] = lower + (i + 0.5) * spacing;
  PetscFunctionReturn(0);
}

PetscErrorCode MuInterpolantCreate(PetscInt dim, const PetscInt cells[2], const PetscReal lower[2],
                                   const PetscReal spacing[2], const PetscReal *values,
                                   MuInterpolant *interpolant) {
  PetscReal *nodes[2] = {NULL, NULL};
  MuInterpolant p;
  int failed;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->dim = dim;
  for (PetscInt a = 0; a < dim; ++a) {
    PetscCall(fill_nodes(cells[a], lower[a], spacing[a], &nodes[a]));
    p->first[a] = nodes[a][0];
    p->last[a] = nodes[a][cells[a] - 1];
    p->near[a] = gsl_interp_accel_alloc();
  }
  if (dim == 1) {
    p->line = gsl_spline_alloc(gsl_interp_cspline, (size_t)cells[0]);
    failed = gsl_spline_init(p->line, nodes[0], values, (size_t)cells[0]);
  } else {
    p->plane = gsl_spline2d_alloc(gsl_interp2d_bicubic, (size_t)cells[0], (size_t)cells[1]);
    failed =
        gsl_spline2d_init(p->plane, nodes[0], nodes[1], values, (size_t)cells[0], (size_t)cells[1]);
  }
  for (PetscInt a = 0; a < dim; ++a) PetscCall(PetscFree(nodes[a]));
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_LIB, "GSL could not make a spline");
  *interpolant = p;
  PetscFunctionReturn(0);
}

/* The cell whose centre is the mirror image of that of cell i + MU_MARGIN of the enlarged box. */
static PetscInt mirrored(PetscInt i, PetscInt cells) {
  PetscInt period = 2 * cells, k = ((i - MU_MARGIN) % period + period) % period;
  return k < cells ? k : period - 1 - k;
}

PetscErrorCode MuInterpolantCreateMirrored(const MuGridInfo *info, const PetscReal *values,
                                           MuInterpolant *interpolant) {
  PetscInt cells[2] = {1, 1};
  PetscReal lower[2] = {0, 0}, *enlarged;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < info->dim; ++a) {
    cells[a] = info->cells[a] + 2 * MU_MARGIN;
    lower[a] = info->lower[a] - MU_MARGIN * info->spacing[a];
  }
  PetscCall(PetscMalloc1(cells[0] * cells[1], &enlarged));
  for (PetscInt j = 0; j < cells[1]; ++j) {
    const PetscInt row = info->dim == 2 ? mirrored(j, info->cells[1]) : 0;
    for (PetscInt i = 0; i < cells[0]; ++i)
      enlarged[j * cells[0] + i] = values[row * info->cells[0] + mirrored(i, info->cells[0])];
  }
  PetscCall(MuInterpolantCreate(info->dim, cells, lower, info->spacing, enlarged, interpolant));
  PetscCall(PetscFree(enlarged));
  PetscFunctionReturn(0);
}

PetscErrorCode MuInterpolantDestroy(MuInterpolant *interpolant) {
  MuInterpolant p = *interpolant;

  PetscFunctionBegin;
  *interpolant = NULL;
  if (!p) PetscFunctionReturn(0);
  if (p->line) gsl_spline_free(p->line);
  if (p->plane) gsl_spline2d_free(p->plane);
  for (PetscInt a = 0; a < p->dim; ++a) gsl_interp_accel_free(p->near[a]);
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}

PetscErrorCode MuInterpolantEvaluate(MuInterpolant p, PetscInt n, const PetscReal *x,
                                     PetscReal *value, PetscReal *gradient) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal at[2] = {0, 0};
    for (PetscInt a = 0; a < p->dim; ++a)
      at[a] = PetscClipInterval(x[i * p->dim + a], p->first[a], p->last[a]);
    if (p->dim == 1) {
      if (value) value[i] = gsl_spline_eval(p->line, at[0], p->near[0]);
      if (gradient) gradient[i] = gsl_spline_eval_deriv(p->line, at[0], p->near[0]);
      continue;
    }
    if (value) value[i] = gsl_spline2d_eval(p->plane, at[0], at[1], p->near[0], p->near[1]);
    if (!gradient) continue;
    gradient[2 * i] = gsl_spline2d_eval_deriv_x(p->plane, at[0], at[1], p->near[0], p->near[1]);
    gradient[2 * i + 1] = gsl_spline2d_eval_deriv_y(p->plane, at[0], at[1], p->near[0], p->near[1]);
  }
  PetscFunctionReturn(0);
}
