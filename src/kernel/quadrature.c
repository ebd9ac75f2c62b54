/* Galerkin weights: averages of a kernel over pairs of cells.

   With u the position inside a cell and t the difference of two positions,
     w_d = integral of k(|(d + t) Delta|) prod_a (1 - |t_a|) dt over [-1, 1]^dim,
   which is a sum over the (up to four) cells around the offset d of moments of k with the factors
   (1 - u_a) and u_a: every cell is integrated once and serves its four corners. A cell is cut in
   two along its longest side, again and again, until Gauss-Legendre rules resolve k on the pieces:
   a piece must not be larger than its distance to the nearest complex singularity of k, nor than 4
   decay lengths. All lengths are in units of the bandwidth. */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_integration.h>
#include <math.h>
#include <string.h>

enum { MIN_POINTS = 2, MAX_POINTS = 16 }; /* GSL holds these rules to full precision */

typedef struct {
  PetscInt points;
  PetscReal node[MAX_POINTS], weight[MAX_POINTS]; /* on [0, 1] */
  PetscReal reach; /* x such that exp(4 x t) on t in [0, 1] is integrated to 1e-17 */
} Rule;

/* One cell: lower corner (>= 0), widths, and its moments so far. */
typedef struct {
  PetscReal lower[2], width[2];
  PetscReal smallest;  /* pieces of this size are not cut any more */
  PetscReal moment[4]; /* factors (1-u0)(1-u1), u0 (1-u1), (1-u0) u1, u0 u1 */
} Cell;

typedef struct {
  MuKernel kernel;
  PetscInt dim;
  Rule rule[MAX_POINTS + 1];
} Quadrature;

typedef struct {
  PetscReal low[2], high[2]; /* in units of the cell: 0 .. 1 */
} Box;

static PetscErrorCode make_rules(Quadrature *q) {
  PetscReal log_factorial = 0;

  PetscFunctionBegin;
  for (PetscInt n = 1; n <= MAX_POINTS; ++n) {
    Rule *rule = &q->rule[n];
    gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc((size_t)n);
    if (!table) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "GSL has no memory for a quadrature rule");
    for (PetscInt i = 0; i < n; ++i)
      gsl_integration_glfixed_point(0, 1, (size_t)i, &rule->node[i], &rule->weight[i], table);
    gsl_integration_glfixed_table_free(table);
    rule->points = n;
    log_factorial += log(2.0 * n - 1) + log(2.0 * n);
    rule->reach = exp((log(1e-17) + log_factorial) / (2.0 * n));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_quadrature(MuKernel kernel, PetscInt dim, Quadrature **q) {
  PetscFunctionBegin;
  PetscCall(PetscNew(q));
  (*q)->kernel = kernel;
  (*q)->dim = dim;
  PetscCall(make_rules(*q));
  PetscFunctionReturn(0);
}

static PetscReal distance_to_singularity(const MuKernelShape *shape, PetscReal near) {
  if (shape->analyticity == MU_ANALYTIC_ENTIRE) return INFINITY;
  return shape->analyticity == MU_ANALYTIC_STRIP ? sqrt(1 + near * near) : near;
}

/* Enough points for a piece: a singularity at distance `room` bounds the error of n points by
   rho^(-2n), rho that of the Bernstein ellipse through it; the exponential part as in Rule. */
static const Rule *choose_rule(const Quadrature *q, PetscReal size, PetscReal room) {
  PetscInt n = MIN_POINTS;
  if (!isinf(room)) {
    const PetscReal t = 2 * room / size;
    n = (PetscInt)ceil(17.5 / log(t + sqrt(1 + t * t)));
  }
  n = PetscMin(PetscMax(n, MIN_POINTS), MAX_POINTS);
  while (n < MAX_POINTS && q->rule[n].reach < 0.25 * q->kernel->shape.rate * size) n++;
  return &q->rule[n];
}

static void add_gauss(const Quadrature *q, const Rule *rule, const Box *box, Cell *cell) {
  const PetscInt second = q->dim == 2 ? rule->points : 1;
  const PetscReal side[2] = {box->high[0] - box->low[0], box->high[1] - box->low[1]};
  for (PetscInt j = 0; j < second; ++j) {
    const PetscReal v = q->dim == 2 ? box->low[1] + side[1] * rule->node[j] : 0;
    const PetscReal y = cell->lower[1] + v * cell->width[1];
    PetscReal plain = 0, linear = 0; /* integrals over x with factors 1 and u */
    for (PetscInt i = 0; i < rule->points; ++i) {
      const PetscReal u = box->low[0] + side[0] * rule->node[i];
      const PetscReal x = cell->lower[0] + u * cell->width[0];
      const PetscReal r = q->dim == 2 ? sqrt(x * x + y * y) : x;
      const PetscReal k = rule->weight[i] * q->kernel->ops->value(q->kernel, r);
      plain += k;
      linear += k * u;
    }
    const PetscReal w = side[0] * (q->dim == 2 ? rule->weight[j] * side[1] : 1);
    cell->moment[0] += w * (plain - linear) * (1 - v);
    cell->moment[1] += w * linear * (1 - v);
    cell->moment[2] += w * (plain - linear) * v;
    cell->moment[3] += w * linear * v;
  }
}

/* The last piece at the origin. On the line k ~ r^e there, with integral k(s) s/(1 + e); in the
   plane it is below rounding. */
static void add_corner(const Quadrature *q, PetscReal size, Cell *cell) {
  if (q->dim == 1)
    cell->moment[0] += q->kernel->ops->value(q->kernel, size) * size /
                       (1 + q->kernel->shape.singularity) / cell->width[0];
}

static void add_box(const Quadrature *q, const Box *box, Cell *cell) {
  const MuKernelShape *shape = &q->kernel->shape;
  PetscReal side[2], low[2], high[2];
  for (PetscInt a = 0; a < 2; ++a) {
    side[a] = (box->high[a] - box->low[a]) * cell->width[a];
    low[a] = cell->lower[a] + box->low[a] * cell->width[a];
    high[a] = cell->lower[a] + box->high[a] * cell->width[a];
  }
  const PetscReal size = PetscMax(side[0], side[1]);
  const PetscReal near = hypot(low[0], low[1]), far = hypot(high[0], high[1]);
  const PetscReal room = distance_to_singularity(shape, near);
  /* (1 - r)^4_+ is 1e-12 on a piece of size 1e-3 at its edge, and integrated to a part of that */
  const PetscBool at_edge = (PetscBool)(near < shape->edge && far > shape->edge && size > 1e-3);

  if (near >= shape->support) return;
  if (!at_edge && size <= room && shape->rate * size <= 4) {
    add_gauss(q, choose_rule(q, size, room), box, cell);
  } else if (size <= cell->smallest) {
    add_corner(q, size, cell);
  } else {
    const PetscInt a = side[0] >= side[1] ? 0 : 1;
    const PetscReal middle = 0.5 * (box->low[a] + box->high[a]);
    Box lower = *box, upper = *box;
    lower.high[a] = upper.low[a] = middle;
    add_box(q, &lower, cell);
    add_box(q, &upper, cell);
  }
}

static void integrate_cell(const Quadrature *q, Cell *cell) {
  const Box box = {.low = {0, 0}, .high = {1, 1}};
  cell->smallest = 0x1p-60 * PetscMin(1, PetscMax(cell->width[0], cell->width[1]));
  memset(cell->moment, 0, sizeof cell->moment);
  add_box(q, &box, cell);
}

PetscErrorCode MuGalerkinLine(MuKernel kernel, PetscReal spacing, PetscInt count, PetscReal w[]) {
  const PetscReal width = spacing / kernel->spec.bandwidth;
  PetscReal below = 0;
  Quadrature *q;

  PetscFunctionBegin;
  PetscCall(create_quadrature(kernel, 1, &q));
  for (PetscInt d = 0; d < count; ++d) {
    Cell cell = {.lower = {d * width, 0}, .width = {width, 0}};
    integrate_cell(q, &cell);
    w[d] = (d ? 1 : 2) * cell.moment[0] + below;
    below = cell.moment[1];
  }
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

/* Moments of the cells 0 .. count - 1 of row `row`. */
static void integrate_row(const Quadrature *q, const PetscReal width[2], PetscInt row,
                          PetscInt count, PetscReal (*moments)[4]) {
  for (PetscInt c = 0; c < count; ++c) {
    Cell cell = {.lower = {c * width[0], row * width[1]}, .width = {width[0], width[1]}};
    integrate_cell(q, &cell);
    memcpy(moments[c], cell.moment, sizeof cell.moment);
  }
}

/* Adds to a row of weights what the cells of one row give: `side` 0 for the row above the offset, 1
   for the row below it. */
static void add_row(PetscInt count, PetscReal (*moments)[4], PetscInt side, PetscReal factor,
                    PetscReal w[]) {
  for (PetscInt d = 0; d < count; ++d) {
    w[d] += factor * (d ? 1 : 2) * moments[d][2 * side];
    if (d) w[d] += factor * moments[d - 1][2 * side + 1];
  }
}

PetscErrorCode MuGalerkinPlane(MPI_Comm comm, MuKernel kernel, const PetscReal spacing[2],
                               const PetscInt count[2], PetscReal w[]) {
  const PetscReal h = kernel->spec.bandwidth, width[2] = {spacing[0] / h, spacing[1] / h};
  const PetscInt nx = count[0], ny = count[1];
  PetscReal(*moments)[4];
  PetscMPIInt rank, size;
  Quadrature *q;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(create_quadrature(kernel, 2, &q));
  PetscCall(PetscMalloc1(nx, &moments));
  memset(w, 0, sizeof(PetscReal) * (size_t)(nx * ny));
  const PetscInt first = ny * rank / size, last = ny * (rank + 1) / size;
  for (PetscInt row = PetscMax(first - 1, 0); row < last; ++row) {
    integrate_row(q, width, row, nx, moments);
    if (row >= first) add_row(nx, moments, 0, row ? 1 : 2, w + row * nx);
    if (row + 1 < last) add_row(nx, moments, 1, 1, w + (row + 1) * nx);
  }
  for (PetscInt row = 0; row < ny && size > 1; ++row)
    PetscCallMPI(
        MPI_Allreduce(MPI_IN_PLACE, w + row * nx, (PetscMPIInt)nx, MPIU_REAL, MPI_SUM, comm));
  PetscCall(PetscFree(moments));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelBoxIntegral(MuKernel kernel, const PetscReal half[2], PetscReal *integral) {
  const PetscReal h = kernel->spec.bandwidth;
  PetscReal volume = 2 * half[0];
  Quadrature *q;
  Cell cell = {.width = {half[0] / h, 0}};

  PetscFunctionBegin;
  if (kernel->dim == 2) {
    cell.width[1] = half[1] / h;
    volume *= 2 * half[1];
  }
  PetscCall(create_quadrature(kernel, kernel->dim, &q));
  integrate_cell(q, &cell);
  *integral = kernel->amplitude * volume *
              (cell.moment[0] + cell.moment[1] + cell.moment[2] + cell.moment[3]);
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}
