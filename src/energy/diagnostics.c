/* Distances of a density to the target: the energies that are such distances, L1, and in 1-D the
   Wasserstein distance from the quantile functions (Villani, Topics in Optimal Transportation,
   section 2.2). */
#include "energy/energy_impl.h"
#include "grid/arrays.h"

typedef struct {
  const char *name, *formula;
  PetscErrorCode (*create)(MuDiagnostic diagnostic); /* fills target */
  PetscErrorCode (*evaluate)(MuDiagnostic diagnostic, Vec rho, PetscReal *value);
} DiagnosticRow;

struct _p_MuDiagnostic {
  const DiagnosticRow *ops;         /* NULL: an energy, or registered */
  const MuDiagnosticOps *extension; /* registered */
  MuGrid grid;
  Vec log_target;
  MuEnergy energy;     /* where the diagnostic is one */
  Vec target;          /* l1, w2: pi */
  PetscReal *rho, *pi; /* w2: global arrays [nx] on every rank */
};

/* ------------------------------------------------------------------ energies */

/* Whether an energy is a distance by itself. */
static PetscBool is_distance(const MuTermOps *ops) {
  const MuParameter *p = ops->parameters;
  while (p && p->name && !p->required) ++p;
  return (PetscBool)((ops->needs & MU_NEEDS_TARGET) && !ops->function_key && !(p && p->name));
}

static PetscErrorCode create_energy(MuDiagnostic d, const MuTermOps *term, MuKernel kernel) {
  MuEnergySpec spec = {.terms = 1, .term = {{.name = term->name, .weight = 1}}};

  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) spec.term[0].value[k] = NAN;
  spec.log_target = d->log_target;
  spec.kernel = kernel;
  if ((term->needs & MU_NEEDS_KERNEL) && !kernel)
    return MuError(MU_ERR_INPUT,
                   "output_diagnostics: %s needs a kernel; give the block `kernel` or "
                   "`energy_kernel`",
                   term->name);
  PetscCall(MuEnergyCreate(d->grid, &spec, &d->energy));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ l1 */

static PetscErrorCode create_l1(MuDiagnostic d) {
  const MuGridInfo *info;
  const PetscReal *log_pi;
  PetscReal *pi;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(d->grid, &info));
  PetscCall(MuGridCreateField(d->grid, &d->target));
  PetscCall(VecGetArrayRead(d->log_target, &log_pi));
  PetscCall(VecGetArray(d->target, &pi));
  MuArrayExp(info->local_size, log_pi, pi);
  PetscCall(VecRestoreArray(d->target, &pi));
  PetscCall(VecRestoreArrayRead(d->log_target, &log_pi));
  PetscCall(MuGridApplyMask(d->grid, d->target));
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate_l1(MuDiagnostic d, Vec rho, PetscReal *value) {
  return MuGridDistanceL1(d->grid, rho, d->target, value);
}

/* ------------------------------------------------------------------ w2 */

static PetscErrorCode create_w2(MuDiagnostic d) {
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(d->grid, &info));
  if (info->dim != 1 || info->periodic[0])
    return MuError(MU_ERR_INPUT,
                   "output_diagnostics: w2 is available on 1-D grids with no_flux walls only; this "
                   "grid is %s; use mmd or l1",
                   info->dim == 1 ? "periodic" : "2-D");
  PetscCall(create_l1(d));
  PetscCall(PetscMalloc2(info->cells[0], &d->rho, info->cells[0], &d->pi));
  PetscCall(MuGridGather(d->grid, d->target, PETSC_TRUE, d->pi));
  PetscFunctionReturn(0);
}

/* Walks along a piecewise linear distribution function: cell `cell`, in which it rises from `below`
   to `above`, both of total 1. */
typedef struct {
  const PetscReal *density;
  PetscInt n, cell;
  PetscReal total, below, above;
} Quantile;

/* To the next cell in which the function rises; past the last one at the end. */
static void advance(Quantile *q) {
  q->below = q->above;
  while (++q->cell < q->n) {
    q->above = q->below + q->density[q->cell] / q->total;
    if (q->above > q->below) return;
  }
  q->cell = q->n;
}

static void start(Quantile *q, PetscInt n, const PetscReal *density) {
  *q = (Quantile){.density = density, .n = n, .cell = -1};
  for (PetscInt i = 0; i < n; ++i) q->total += density[i];
  if (q->total > 0) advance(q);
}

/* The quantile at level u, in cells from the left wall. */
static PetscReal position(const Quantile *q, PetscReal u) {
  PetscReal share = (u - q->below) / (q->above - q->below);
  return q->cell + PetscMin(PetscMax(share, 0), 1);
}

/* int_0^1 (Q_f - Q_g)^2 du, in units of the cell width: between two levels where either has a kink
   the difference d is linear, with integral (d0^2 + d0 d1 + d1^2)/3. */
static PetscReal squared_distance(Quantile *f, Quantile *g) {
  PetscReal u = 0, sum = 0;
  while (f->cell < f->n && g->cell < g->n) {
    PetscReal next = PetscMin(f->above, g->above);
    PetscReal d0 = position(f, u) - position(g, u), d1 = position(f, next) - position(g, next);
    PetscBool move_f = (PetscBool)(f->above <= next), move_g = (PetscBool)(g->above <= next);
    sum += (next - u) * (d0 * d0 + d0 * d1 + d1 * d1) / 3;
    u = next;
    if (move_f) advance(f);
    if (move_g) advance(g);
  }
  return sum;
}

static PetscErrorCode evaluate_w2(MuDiagnostic d, Vec rho, PetscReal *value) {
  const MuGridInfo *info;
  Quantile f, g;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(d->grid, &info));
  PetscCall(MuGridGather(d->grid, rho, PETSC_TRUE, d->rho));
  start(&f, info->cells[0], d->rho);
  start(&g, info->cells[0], d->pi);
  if (!(f.total > 0) || !(g.total > 0))
    return MuError(MU_ERR_NUMERICS, "diagnostic w2: the mass of %s is %g; it must be positive",
                   f.total > 0 ? "the target" : "the density",
                   (f.total > 0 ? g.total : f.total) * info->volume);
  *value = info->spacing[0] * PetscSqrtReal(squared_distance(&f, &g));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ table */

static const DiagnosticRow table[] = {
    {"l1", "int |rho - pi|", create_l1, evaluate_l1},
    {"w2", "(int_0^1 |Q_rho - Q_pi|^2 du)^(1/2), Q the quantile functions, 1-D", create_w2,
     evaluate_w2},
};
static const PetscInt table_size = sizeof table / sizeof table[0];

/* What extensions have added. */
static const MuDiagnosticOps *registered[32];
enum { MOST = sizeof registered / sizeof *registered };

static const MuDiagnosticOps *find_registered(const char *name) {
  for (PetscInt k = 0; k < MOST && registered[k]; ++k)
    if (!strcmp(registered[k]->name, name)) return registered[k];
  return NULL;
}

PetscErrorCode MuDiagnosticRegister(const MuDiagnosticOps *ops) {
  const char *name;
  char nearest[64];
  PetscInt k = 0;

  PetscFunctionBegin;
  PetscCall(MuRegisterCheckName("diagnostic", ops->name, ops->formula));
  PetscCall(MuTableFind(MuDiagnosticGetTableRow, ops->name, &name, nearest));
  if (name)
    return MuError(MU_ERR_INPUT, "diagnostic: there is a %s already; take another name", name);
  while (k < MOST && registered[k]) ++k;
  if (k == MOST) return MuError(MU_ERR_INPUT, "diagnostic: at most %d names are allowed", MOST);
  if (!ops->evaluate)
    return MuError(MU_ERR_INPUT, "diagnostic: the descriptor of %s lacks evaluate", ops->name);
  registered[k] = ops;
  PetscFunctionReturn(0);
}

/* The energies that are distances, then the table, then what is registered. */
PetscErrorCode MuDiagnosticGetTableRow(PetscInt i, const char **name, const char **formula) {
  PetscInt k = 0;

  *name = *formula = NULL;
  if (i < 0) return 0;
  for (; MuTermRow(k); ++k)
    if (is_distance(MuTermRow(k)) && i-- == 0) return MuEnergyGetTableRow(k, name, formula);
  if (i < table_size) {
    *name = table[i].name;
    *formula = table[i].formula;
  } else if (i - table_size < MOST && registered[i - table_size]) {
    *name = registered[i - table_size]->name;
    *formula = registered[i - table_size]->formula;
  }
  return 0;
}

static PetscErrorCode unknown_diagnostic(const char *given) {
  char known[MU_SENTENCE / 2];

  PetscFunctionBegin;
  PetscCall(MuTableNames(MuDiagnosticGetTableRow, known));
  return MuError(MU_ERR_INPUT, "output_diagnostics: there is no diagnostic `%s`; known are %s",
                 given, known);
}

static PetscErrorCode create(MuDiagnostic d, const char *name, MuKernel kernel) {
  const MuTermOps *term = MuTermFind(name);

  PetscFunctionBegin;
  for (PetscInt i = 0; i < table_size; ++i)
    if (strcmp(table[i].name, name) == 0) d->ops = &table[i];
  d->extension = find_registered(name);
  if (d->ops)
    PetscCall(d->ops->create(d));
  else if (d->extension)
    PetscCall(create_l1(d));
  else if (term && is_distance(term))
    PetscCall(create_energy(d, term, kernel));
  else
    PetscCall(unknown_diagnostic(name));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDiagnosticCreate(MuGrid grid, const char *name, Vec log_target, MuKernel kernel,
                                  MuDiagnostic *diagnostic) {
  MuDiagnostic d;

  PetscFunctionBegin;
  *diagnostic = NULL;
  if (!log_target)
    return MuError(MU_ERR_INPUT, "output_diagnostics: %s needs a target; give the block `target`",
                   name);
  PetscCall(PetscNew(&d));
  PetscCall(MuGridReference(grid));
  d->grid = grid;
  PetscCall(PetscObjectReference((PetscObject)log_target));
  d->log_target = log_target;
  PetscErrorCode failed = create(d, name, kernel);
  if (failed) {
    PetscCall(MuDiagnosticDestroy(&d));
    return failed;
  }
  *diagnostic = d;
  PetscFunctionReturn(0);
}

PetscErrorCode MuDiagnosticDestroy(MuDiagnostic *diagnostic) {
  MuDiagnostic d = *diagnostic;

  PetscFunctionBegin;
  *diagnostic = NULL;
  if (!d) PetscFunctionReturn(0);
  PetscCall(MuEnergyDestroy(&d->energy));
  PetscCall(VecDestroy(&d->target));
  PetscCall(VecDestroy(&d->log_target));
  PetscCall(PetscFree2(d->rho, d->pi));
  PetscCall(MuGridDestroy(&d->grid));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

PetscErrorCode MuDiagnosticEvaluate(MuDiagnostic diagnostic, Vec rho, PetscReal *value) {
  PetscFunctionBegin;
  if (diagnostic->ops)
    PetscCall(diagnostic->ops->evaluate(diagnostic, rho, value));
  else if (diagnostic->extension)
    PetscCall(diagnostic->extension->evaluate(diagnostic->grid, diagnostic->target, rho, value));
  else
    PetscCall(MuEnergyEvaluate(diagnostic->energy, rho, value, NULL, NULL, NULL));
  PetscFunctionReturn(0);
}
