/* What the checks of operators and of energies share: the table, and small smooth data. */
#include "check/check.h"

#include "grid/arrays.h"

void MuCheckAdd(MuCheckTable *table, const char *what, const char *note, PetscReal measured,
                PetscReal allowed) {
  MuCheckRow *row = &table->row[table->rows++];
  *row = (MuCheckRow){.what = what, .measured = measured, .allowed = allowed};
  row->outcome = measured <= allowed ? MU_CHECK_PASSED : MU_CHECK_FAILED;
  snprintf(row->note, sizeof row->note, "%s", note);
}

void MuCheckSkip(MuCheckTable *table, const char *what, const char *why) {
  MuCheckRow *row = &table->row[table->rows++];
  *row = (MuCheckRow){.what = what, .outcome = MU_CHECK_SKIPPED};
  snprintf(row->note, sizeof row->note, "%s", why);
}

void MuCheckPrint(FILE *out, const MuCheckTable *table, PetscInt *failed) {
  static const char *const words[] = {"passed", "FAILED", "skipped"};
  PetscInt count[3] = {0};
  fprintf(out, "  %-26s %-8s %10s %10s   %s\n", "check", "", "measured", "allowed", "");
  for (PetscInt k = 0; k < table->rows; ++k) {
    const MuCheckRow *row = &table->row[k];
    count[row->outcome]++;
    fprintf(out, "  %-26s %-8s ", row->what, words[row->outcome]);
    if (row->outcome == MU_CHECK_SKIPPED)
      fprintf(out, "%10s %10s   %s\n", "", "", row->note);
    else
      fprintf(out, "%10.2e %10.2e   %s\n", row->measured, row->allowed, row->note);
  }
  fprintf(out, "%d passed, %d failed, %d skipped\n", (int)count[0], (int)count[1], (int)count[2]);
  *failed = count[1];
}

/* ------------------------------------------------------------------ data */

PetscErrorCode MuCheckGrid(MPI_Comm comm, PetscInt dim, PetscInt cells, MuGrid *grid) {
  const MuGridSpec spec = {
      .dim = dim, .lower = {-1, -1}, .upper = {1, 1}, .cells = {cells, cells - 1}};
  return MuGridCreate(comm, &spec, grid);
}

/* Sums of cosines that have no flux through the walls of [-1, 1]. */
static PetscReal wave(PetscInt number, const PetscReal x[2]) {
  static const PetscReal factor[][3] = {
      {0.5, 0.3, -0.2}, {-0.4, 0.25, 0.3}, {0.2, -0.5, 0.15}, {0.35, 0.1, 0.4}};
  const PetscReal *f = factor[number % 4];
  PetscReal u[2];
  for (int a = 0; a < 2; ++a) u[a] = PETSC_PI * (x[a] + 1) / 2;
  return f[0] * cos(u[0]) + f[1] * cos(2 * u[0] + 0) * cos(u[1]) + f[2] * cos(3 * u[0]);
}

static PetscErrorCode fill(MuGrid grid, PetscInt number, PetscBool positive, Vec *field) {
  const MuGridInfo *info;
  PetscReal *f, x[2];

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(grid, &info));
  PetscCall(MuGridCreateField(grid, field));
  PetscCall(VecGetArray(*field, &f));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscCall(MuGridCellCentre(grid, i, x));
    f[i] = positive ? exp(wave(number, x)) : wave(number, x);
  }
  PetscCall(VecRestoreArray(*field, &f));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckDensity(MuGrid grid, PetscInt number, Vec *rho) {
  PetscReal mass;

  PetscFunctionBegin;
  PetscCall(fill(grid, number, PETSC_TRUE, rho));
  PetscCall(MuGridIntegrate(grid, *rho, &mass));
  PetscCall(VecScale(*rho, 1 / mass));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCheckField(MuGrid grid, PetscInt number, Vec *xi) {
  return fill(grid, number, PETSC_FALSE, xi);
}

PetscErrorCode MuCheckLargest(Vec a, Vec b, PetscReal *largest) {
  const PetscReal *x, *y = NULL;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(a, &n));
  PetscCall(VecGetArrayRead(a, &x));
  if (b) PetscCall(VecGetArrayRead(b, &y));
  *largest = 0;
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal d = PetscAbsReal(b ? x[i] - y[i] : x[i]);
    if (!(d <= *largest)) *largest = isnan(d) ? INFINITY : d;
  }
  if (b) PetscCall(VecRestoreArrayRead(b, &y));
  PetscCall(VecRestoreArrayRead(a, &x));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, largest, 1, MPIU_REAL, MPI_MAX, PetscObjectComm((PetscObject)a)));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ lines */

void MuCheckOrder(MuCheckTable *table, const char *what, const PetscReal error[2],
                  const MuLimit *limit) {
  const PetscReal order = log(error[0] / error[1]) / log(2.0);
  char note[96];
  if (limit->order > 0)
    snprintf(note, sizeof note, "order %.2f, declared %g, to %s", order, limit->order, limit->name);
  else
    snprintf(note, sizeof note, "relative error, to %s", limit->name);
  MuCheckAdd(table, what, note, limit->order > 0 ? PetscMax(0, limit->order - order) : error[1],
             limit->order > 0 ? 0.25 : 0.2);
}

PetscErrorCode MuCheckRanks(MPI_Comm comm, const char *name, MuCheckMeasure measure,
                            const char *note, PetscReal allowed, MuCheckTable *table) {
  PetscReal one[2], all[2];
  PetscMPIInt ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  if (ranks == 1) {
    MuCheckSkip(table, "serial against parallel", "one rank; mpiexec -n 2 mudot check ... does it");
    PetscFunctionReturn(0);
  }
  PetscCall(measure(PETSC_COMM_SELF, name, one));
  PetscCall(measure(comm, name, all));
  MuCheckAdd(table, "serial against parallel", note,
             PetscMax(PetscAbsReal(all[0] / one[0] - 1), PetscAbsReal(all[1] / one[1] - 1)),
             allowed);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ summands */

/* A number that is allowed: the default, or in the middle of the range. */
static PetscReal allowed_value(const MuParameter *p) {
  const PetscReal low = PetscMax(p->low, -1), high = PetscMin(p->high, PetscMax(low, 0) + 2);
  return p->required ? 0.5 * (low + high) + 0.25 : p->initial;
}

/* The default family, or the first one whose convolution inverts a differential operator, which is
   the tame one for operators that invert it. */
static PetscErrorCode create_kernel(PetscInt dim, PetscReal bandwidth, PetscBool tame,
                                    MuKernel *kernel) {
  MuKernelSpec spec;
  const char *name, *formula;
  PetscReal order = 0;

  PetscFunctionBegin;
  MuKernelSpecDefault(&spec);
  spec.bandwidth = bandwidth;
  PetscCall(MuKernelCreate(&spec, dim, kernel));
  for (PetscInt i = 0; tame && !(order > 0); ++i) {
    PetscCall(MuKernelDestroy(kernel));
    PetscCall(MuKernelGetTableRow(i, &name, &formula));
    if (!name) return MuError(MU_ERR_INPUT, "check: no kernel of the table has a tame inverse");
    PetscCall(PetscStrncpy(spec.type, name, sizeof spec.type));
    PetscCall(MuKernelCreate(&spec, dim, kernel));
    PetscCall(MuKernelGetInverseOrder(*kernel, &order));
  }
  PetscFunctionReturn(0);
}

/* An even smooth function for terms that take one. */
static PetscErrorCode even_function(void *ctx, const PetscReal x[2], PetscReal *value) {
  (void)ctx;
  *value = 0.5 * (x[0] * x[0] + x[1] * x[1]);
  return 0;
}

PetscErrorCode MuCheckSummand(MuSummandTable infos, MuTableRow rows, const char *kind,
                              const char *name, PetscInt dim, PetscReal bandwidth, PetscBool tame,
                              MuSummand *summand, MuSummandInfo *info) {
  const char *found;
  char nearest[64];

  PetscFunctionBegin;
  PetscCall(MuTableFind(rows, name, &found, nearest));
  if (!found) return MuError(MU_ERR_INPUT, "check: there is no %s %s%s", kind, name, nearest);
  PetscCall(MuSummandFind(infos, name, info));
  *summand = (MuSummand){.name = info->name, .weight = 1};
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) summand->value[k] = NAN;
  for (PetscInt k = 0; info->parameters && info->parameters[k].name; ++k)
    summand->value[k] = allowed_value(&info->parameters[k]);
  if (info->needs_kernel) PetscCall(create_kernel(dim, bandwidth, tame, &summand->kernel));
  if (info->function_key) summand->function = even_function;
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the flow */

/* A step in which about a thousandth of the mass is moved. */
static PetscErrorCode choose_step(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec rho,
                                  PetscReal *dt) {
  PetscReal mass, moved;
  Vec xi, image;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(grid, &xi));
  PetscCall(MuGridCreateField(grid, &image));
  PetscCall(MuEnergyEvaluate(energy, rho, NULL, NULL, xi, NULL));
  PetscCall(MuGeometrySetState(geometry, rho));
  PetscErrorCode code = MuGeometryApply(geometry, MU_PART_ALL, xi, NULL, image);
  PetscCall(MuGridIntegrate(grid, rho, &mass));
  PetscCall(MuGridDistanceL1(grid, image, NULL, &moved));
  *dt = 1e-3 * mass / moved;
  PetscCall(VecDestroy(&xi));
  PetscCall(VecDestroy(&image));
  PetscFunctionReturn(code);
}

/* (F(dt) - F(0))/dt, and R* at the start. */
static PetscErrorCode fall(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec rho, PetscReal dt,
                           PetscReal *rate, PetscReal *dual) {
  MuLedger ledger = NULL;
  MuFlow flow;
  MuFlowSpec spec;
  PetscReal before = 0, after = 0;

  PetscFunctionBegin;
  MuFlowSpecDefault(&spec);
  spec.step = spec.end = dt;
  PetscCall(MuFlowCreate(grid, energy, geometry, rho, &spec, &flow));
  PetscErrorCode code = MuLedgerCreate(flow, &ledger);
  if (!code) code = MuLedgerDual(ledger, rho, dual);
  if (!code) code = MuFlowGetEnergy(flow, &before, NULL);
  if (!code) code = MuFlowAdvance(flow, dt);
  if (!code) code = MuFlowGetEnergy(flow, &after, NULL);
  *rate = (after - before) / dt;
  PetscCall(MuLedgerDestroy(&ledger));
  PetscCall(MuFlowDestroy(&flow));
  PetscFunctionReturn(code);
}

PetscErrorCode MuCheckFlow(MuGrid grid, MuEnergy energy, MuGeometry geometry, Vec rho,
                           MuCheckTable *table) {
  PetscReal dt = 0, rate[2] = {0, 0}, dual = NAN;

  PetscFunctionBegin;
  PetscErrorCode code = choose_step(grid, energy, geometry, rho, &dt);
  for (int k = 0; k < 2 && !code; ++k)
    code = fall(grid, energy, geometry, rho, dt / (k + 1), &rate[k], &dual);
  if (code && code != MU_ERR_INPUT && code != MU_ERR_NUMERICS) PetscFunctionReturn(code);
  const PetscReal best = 2 * rate[1] - rate[0];
  MuCheckAdd(table, "flow", code ? MuErrorMessage() : "dF/dt of a step against -2 R*",
             code ? NAN : PetscAbsReal(best + 2 * dual) / (2 * dual), 0.01);
  PetscFunctionReturn(0);
}
