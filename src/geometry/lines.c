/* Direct solves along the lines of one axis, for the preconditioner of MuGeometryPrimal().

   The matrix of a line has the off-diagonals -c and the diagonal e + c_lower + c_upper with c, e >=
   0. It is factored without a subtraction (Grassmann, Taksar and Heyman, Oper. Res. 33 (1985)): the
   pivot of cell i is c_(i+1) + s_i with s_i = e_i + c_i s_(i-1)/(c_i + s_(i-1)), so couplings that
   range over hundreds of decades lose no digits and a singular line (e = 0) is recognised by s = 0.
   A periodic line is bordered by its last cell. */
#include "geometry/geometry_impl.h"

#include <string.h>

struct _p_MuPrimalLines {
  MuGrid grid;
  const MuGridInfo *info;
  PetscInt n, count; /* cells of a line, lines of this rank */
  PetscBool periodic;
  PetscInt inner;              /* cells solved by elimination: n, or n - 1 if periodic */
  MuTranspose transpose;       /* 2-D, slow axis */
  PetscMPIInt *sizes, *starts; /* 1-D: all ranks hold the line */
  PetscReal *c, *e;            /* [count][n] */
  PetscReal *inverse;          /* 1/pivot, 0 if singular */
  PetscReal *border;           /* periodic: solution of the inner cells for 1 in the last one */
  PetscReal *border_inverse;   /* [count] */
  PetscReal *x;                /* scratch [count][n] */
};

PetscErrorCode MuPrimalLinesCreate(MuGrid grid, PetscInt axis, MuPrimalLines *lines) {
  MuPrimalLines s;
  PetscInt total, first;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  *lines = s;
  PetscCall(MuGridReference(grid));
  s->grid = grid;
  PetscCall(MuGridGetInfo(grid, &s->info));
  s->n = s->info->cells[axis];
  s->periodic = s->info->periodic[axis];
  s->inner = s->periodic ? s->n - 1 : s->n;
  s->count = s->info->dim == 1 ? 1 : s->info->rows;
  if (s->info->dim == 2 && axis == s->info->slow_axis) {
    PetscCall(MuTransposeCreate(grid, s->info->row_length, 1, &s->transpose));
    PetscCall(MuTransposeGetColumns(s->transpose, &first, &s->count));
  }
  if (s->info->dim == 1) {
    PetscCall(PetscMalloc2(s->info->size, &s->sizes, s->info->size, &s->starts));
    for (PetscMPIInt r = 0; r < s->info->size; ++r) {
      s->starts[r] = (PetscMPIInt)s->info->row_starts[r];
      s->sizes[r] = (PetscMPIInt)s->info->row_starts[r + 1] - s->starts[r];
    }
  }
  total = s->count * s->n;
  PetscCall(PetscMalloc6(total, &s->c, total, &s->e, total, &s->inverse, total, &s->border,
                         s->count, &s->border_inverse, total, &s->x));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPrimalLinesDestroy(MuPrimalLines *lines) {
  MuPrimalLines s = *lines;

  PetscFunctionBegin;
  *lines = NULL;
  if (!s) PetscFunctionReturn(0);
  PetscCall(PetscFree6(s->c, s->e, s->inverse, s->border, s->border_inverse, s->x));
  if (s->sizes) PetscCall(PetscFree2(s->sizes, s->starts));
  PetscCall(MuTransposeDestroy(&s->transpose));
  PetscCall(MuGridDestroy(&s->grid));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* A field as lines [count][n]. */
static PetscErrorCode to_lines(MuPrimalLines s, Vec field, PetscReal *lines) {
  const PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(field, &f));
  if (s->info->dim == 1)
    PetscCallMPI(MPI_Allgatherv(f, (PetscMPIInt)s->info->local_size, MPIU_REAL, lines, s->sizes,
                                s->starts, MPIU_REAL, s->info->comm));
  else if (s->transpose)
    PetscCall(MuTransposeForward(s->transpose, f, lines));
  else
    memcpy(lines, f, sizeof(PetscReal) * (size_t)s->info->local_size);
  PetscCall(VecRestoreArrayRead(field, &f));
  PetscFunctionReturn(0);
}

static PetscErrorCode from_lines(MuPrimalLines s, const PetscReal *lines, Vec field) {
  PetscReal *f;

  PetscFunctionBegin;
  PetscCall(VecGetArray(field, &f));
  if (s->transpose)
    PetscCall(MuTransposeBackward(s->transpose, lines, f));
  else
    memcpy(f, lines + (s->info->dim == 1 ? s->info->first_row : 0),
           sizeof(PetscReal) * (size_t)s->info->local_size);
  PetscCall(VecRestoreArray(field, &f));
  PetscFunctionReturn(0);
}

/* Overwrites x by the solution of the inner cells. */
static void eliminate(const MuPrimalLines s, const PetscReal *c, const PetscReal *inverse, PetscReal *x) {
  const PetscInt n = s->inner;
  for (PetscInt i = 1; i < n; ++i) x[i] += c[i] * inverse[i - 1] * x[i - 1];
  for (PetscInt i = n - 1; i >= 0; --i)
    x[i] = inverse[i] * (x[i] + (i < n - 1 ? c[i + 1] * x[i + 1] : 0));
}

/* c[0] is the coupling over the periodic wall (0 at a wall), c[inner] the one to the border. */
static void factor(const MuPrimalLines s, PetscInt line) {
  const PetscInt n = s->inner, first = line * s->n;
  const PetscReal *c = s->c + first, *e = s->e + first;
  PetscReal *inverse = s->inverse + first, *border = s->border + first, excess = 0, diagonal;

  for (PetscInt i = 0; i < n; ++i) {
    PetscReal lower = i ? c[i] : 0, upper = i < n - 1 ? c[i + 1] : 0, pivot;
    excess = e[i] + (lower + excess > 0 ? lower * (excess / (lower + excess)) : 0);
    if (s->periodic && i == 0) excess += c[0];
    if (s->periodic && i == n - 1) excess += c[n];
    pivot = upper + excess;
    inverse[i] = pivot > 0 ? 1 / pivot : 0;
  }
  if (!s->periodic) return;
  for (PetscInt i = 0; i < n; ++i) border[i] = 0;
  if (n > 0) border[0] += c[0], border[n - 1] += c[n];
  eliminate(s, c, inverse, border);
  diagonal = e[n];
  for (PetscInt i = 0; i < n; ++i) diagonal += e[i] * border[i];
  s->border_inverse[line] = diagonal > 0 ? 1 / diagonal : 0;
}

PetscErrorCode MuPrimalLinesFactor(MuPrimalLines s, Vec coupling, Vec diagonal) {
  PetscFunctionBegin;
  PetscCall(to_lines(s, coupling, s->c));
  PetscCall(to_lines(s, diagonal, s->e));
  for (PetscInt line = 0; line < s->count; ++line) factor(s, line);
  PetscFunctionReturn(0);
}

static void solve(const MuPrimalLines s, PetscInt line) {
  const PetscInt n = s->inner, first = line * s->n;
  const PetscReal *c = s->c + first, *border = s->border + first;
  PetscReal *x = s->x + first;

  eliminate(s, c, s->inverse + first, x);
  if (!s->periodic) return;
  if (n > 0) x[n] += c[0] * x[0] + c[n] * x[n - 1];
  x[n] *= s->border_inverse[line];
  for (PetscInt i = 0; i < n; ++i) x[i] += x[n] * border[i];
}

PetscErrorCode MuPrimalLinesSolve(MuPrimalLines s, Vec r, Vec x) {
  PetscFunctionBegin;
  PetscCall(to_lines(s, r, s->x));
  for (PetscInt line = 0; line < s->count; ++line) solve(s, line);
  PetscCall(from_lines(s, s->x, x));
  PetscFunctionReturn(0);
}
