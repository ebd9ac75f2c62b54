/* The direct solve behind MuGeometryPrimal() in 1-D.

   The matrix has the off-diagonals -c and the diagonal e + c_lower + c_upper with c, e >= 0. It is
   factored without a subtraction (Grassmann, Taksar and Heyman, Oper. Res. 33 (1985)): the pivot of
   cell i is c_(i+1) + s_i with s_i = e_i + c_i s_(i-1)/(c_i + s_(i-1)), so couplings that range
   over hundreds of decades lose no digits and a singular matrix (e = 0) is recognised by s = 0. A
   periodic line is bordered by its last cell. Every rank does the same work on the whole line. */
#include "geometry/geometry_impl.h"

#include <string.h>

struct _p_MuLine {
  const MuGridInfo *info;
  MuGrid grid;
  PetscBool periodic;
  PetscInt inner; /* cells solved by elimination: all, or all but the last if periodic */
  PetscMPIInt *sizes, *starts;
  PetscReal *c, *e;
  PetscReal *inverse; /* 1/pivot, 0 if singular */
  PetscReal *border;  /* periodic: solution of the inner cells for 1 in the last one */
  PetscReal border_inverse;
  PetscReal *x; /* scratch */
};

PetscErrorCode MuLineCreate(MuGrid grid, MuLine *line) {
  MuLine s;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *line = s;
  PetscCall(MuGridReference(grid));
  s->grid = grid;
  PetscCall(MuGridGetInfo(grid, &s->info));
  n = s->info->cells[0];
  s->periodic = s->info->periodic[0];
  s->inner = s->periodic ? n - 1 : n;
  PetscCall(PetscMalloc2(s->info->size, &s->sizes, s->info->size, &s->starts));
  for (PetscMPIInt r = 0; r < s->info->size; ++r) {
    s->starts[r] = (PetscMPIInt)s->info->row_starts[r];
    s->sizes[r] = (PetscMPIInt)s->info->row_starts[r + 1] - s->starts[r];
  }
  PetscCall(PetscMalloc5(n, &s->c, n, &s->e, n, &s->inverse, n, &s->border, n, &s->x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuLineDestroy(MuLine *line) {
  MuLine s = *line;

  PetscFunctionBegin;
  *line = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(PetscFree5(s->c, s->e, s->inverse, s->border, s->x));
  PetscCall(PetscFree2(s->sizes, s->starts));
  PetscCall(MuGridDestroy(&s->grid));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode gather(MuLine s, Vec field, PetscReal scale, PetscReal *line) {
  const PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(field, &f));
  PetscCallMPI(MPI_Allgatherv(f, (PetscMPIInt)s->info->local_size, MPIU_REAL, line, s->sizes,
                              s->starts, MPIU_REAL, s->info->comm));
  PetscCall(VecRestoreArrayRead(field, &f));
  for (PetscInt i = 0; i < s->info->cells[0]; ++i) line[i] *= scale;
  PetscFunctionReturn(0);
}

/* Overwrites x by the solution of the inner cells. */
static void eliminate(MuLine s, PetscReal *x) {
  const PetscInt n = s->inner;
  for (PetscInt i = 1; i < n; ++i) x[i] += s->c[i] * s->inverse[i - 1] * x[i - 1];
  for (PetscInt i = n - 1; i >= 0; --i)
    x[i] = s->inverse[i] * (x[i] + (i < n - 1 ? s->c[i + 1] * x[i + 1] : 0));
}

/* c[0] is the coupling over the periodic wall (0 at a wall), c[inner] the one to the border. */
static void factor_inner(MuLine s) {
  const PetscInt n = s->inner;
  PetscReal excess = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal lower = i ? s->c[i] : 0, upper = i < n - 1 ? s->c[i + 1] : 0, pivot;
    excess = s->e[i] + (lower + excess > 0 ? lower * (excess / (lower + excess)) : 0);
    if (s->periodic && i == 0) excess += s->c[0];
    if (s->periodic && i == n - 1) excess += s->c[n];
    pivot = upper + excess;
    s->inverse[i] = pivot > 0 ? 1 / pivot : 0;
  }
}

static void factor_border(MuLine s) {
  const PetscInt n = s->inner;
  PetscReal diagonal = s->e[n];
  memset(s->border, 0, sizeof(PetscReal) * (size_t)n);
  if (n > 0) {
    s->border[0] += s->c[0];
    s->border[n - 1] += s->c[n];
  }
  eliminate(s, s->border);
  for (PetscInt i = 0; i < n; ++i) diagonal += s->e[i] * s->border[i];
  s->border_inverse = diagonal > 0 ? 1 / diagonal : 0;
}

PetscErrorCode MuLineFactor(MuLine s, Vec mobility, Vec diagonal) {
  const PetscReal spacing = s->info->spacing[0];

  PetscFunctionBegin;
  PetscCall(gather(s, mobility, 1 / (spacing * spacing), s->c));
  PetscCall(gather(s, diagonal, 1, s->e));
  factor_inner(s);
  if (s->periodic) factor_border(s);
  PetscFunctionReturn(0);
}

PetscErrorCode MuLineSolve(MuLine s, Vec r, Vec z) {
  const PetscInt n = s->inner;
  PetscReal *x = s->x, *y;

  PetscFunctionBegin;
  PetscCall(gather(s, r, 1, x));
  eliminate(s, x);
  if (s->periodic) {
    if (n > 0) x[n] += s->c[0] * x[0] + s->c[n] * x[n - 1];
    x[n] *= s->border_inverse;
    for (PetscInt i = 0; i < n; ++i) x[i] += x[n] * s->border[i];
  }
  PetscCall(VecGetArray(z, &y));
  memcpy(y, x + s->info->first_row, sizeof(PetscReal) * (size_t)s->info->local_size);
  PetscCall(VecRestoreArray(z, &y));
  PetscFunctionReturn(0);
}
