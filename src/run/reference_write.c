/* The directory of a reference: that of a run, with errors. */
#include "run/reference_impl.h"

#include "base/files.h"

PetscErrorCode MuReferenceOpen(void *ctx, const MuRunRows *rows) {
  MuReference *r = ctx;
  MuRunWriterSpec spec = {.directory = r->directory, .columns = rows->columns};
  PetscBool given;

  PetscFunctionBegin;
  if (r->writer) PetscFunctionReturn(0);
  r->grid = rows->parts->grid;
  PetscCall(MuGridReference(r->grid));
  PetscCall(MuCaseGetCommandLine(r->c, &spec.command_line));
  PetscCall(MuCaseGetEffective(r->c, &spec.case_text));
  PetscCall(MuCaseGetBool(r->c, "output_overwrite", &spec.overwrite, &given));
  PetscCall(MuRunWriterCreate(r->grid, &spec, &r->writer));
  if (rows->parts->log_target) PetscCall(MuRunWriterSetTarget(r->writer, rows->parts->log_target));
  PetscCall(MuRunRowsDescribe(rows, r->writer));
  PetscFunctionReturn(0);
}

void MuReferenceCells(const MuReference *r, PetscInt factor, char text[48]) {
  const MuGridInfo *info;
  (void)MuGridGetInfo(r->grid, &info);
  if (info->dim == 2)
    snprintf(text, 48, "%d x %d", (int)(factor * info->cells[0]), (int)(factor * info->cells[1]));
  else
    snprintf(text, 48, "%d", (int)(factor * info->cells[0]));
}

/* ------------------------------------------------------------------ series */

static PetscErrorCode add(MuReference *r, const char *group, const char *name, const char *part,
                          const char *doc, const PetscReal *values) {
  char path[64], text[128];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s%s", group, name, part));
  PetscCall(PetscSNPrintf(text, sizeof text, "%s%s", doc, name));
  PetscCall(MuRunWriterAddNumbers(r->writer, path, text, values));
  PetscFunctionReturn(0);
}

/* NAME, NAME_space and NAME_time of /error. total: room for a number per snapshot. */
static PetscErrorCode add_error(MuReference *r, const char *name, const PetscReal *space,
                                const PetscReal *time, PetscReal *total) {
  PetscFunctionBegin;
  for (PetscInt t = 0; r->rank == 0 && t < r->refinement.times; ++t) total[t] = space[t] + time[t];
  PetscCall(add(r, "error", name, "", "error of the density or of its number: ", total));
  PetscCall(add(r, "error", name, "_space", "part due to the grid of ", space));
  PetscCall(add(r, "error", name, "_time", "part due to the time steps of ", time));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_errors(MuReference *r, const MuGridInfo *info, PetscReal *total) {
  const MuRefinement *e = &r->refinement;

  PetscFunctionBegin;
  for (int q = 0; q < MU_NORMS; ++q)
    if (q != MU_NORM_W1 || info->dim == 1)
      PetscCall(add_error(r, MuNormNames[q], e->norms[q].space, e->norms[q].time, total));
  PetscCall(add_error(r, "energy", e->energy, e->scalars[MU_SCALAR_ENERGY].time, total));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_moments(MuReference *r, const MuGridInfo *info, PetscReal *total) {
  static const PetscBool planar[MU_SCALARS] = {[MU_SCALAR_MEAN_Y] = PETSC_TRUE,
                                               [MU_SCALAR_VARIANCE_Y] = PETSC_TRUE,
                                               [MU_SCALAR_COVARIANCE] = PETSC_TRUE};
  const MuRefinement *e = &r->refinement;

  PetscFunctionBegin;
  for (int k = 0; k < MU_SCALARS; ++k) {
    if (planar[k] && info->dim == 1) continue;
    for (PetscInt t = 0; r->rank == 0 && t < e->times; ++t)
      total[t] = e->scalars[k].space[t] + e->scalars[k].time[t];
    PetscCall(add(r, "moments", MuScalarNames[k], "",
                  "extrapolated where that is better: ", e->scalar[k]));
    PetscCall(add(r, "moments", MuScalarNames[k], "_error", "error of ", total));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ attributes */

static PetscErrorCode set_text(MuReference *r, const char *name, const char *text) {
  PetscFunctionBegin;
  PetscCall(MuRunWriterSetAttribute(r->writer, "/error", name, text));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_number(MuReference *r, const char *name, PetscReal value) {
  char text[32];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, sizeof text, "%.17g", value));
  PetscCall(set_text(r, name, text));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_attributes(MuReference *r, PetscBool reached) {
  const MuLevel *finest = &r->level[r->levels - 1];
  char cells[48], method[512];

  PetscFunctionBegin;
  MuReferenceCells(r, finest->factor, cells);
  PetscCall(PetscSNPrintf(
      method, sizeof method,
      "%d nested grids, the finest of %s cells, means over the cells of the case; %d of %d "
      "snapshots extrapolated in space; %s in time to the tolerance %g; rows of the ledger are "
      "those of the finest grid",
      (int)r->grids, cells, (int)r->extrapolated, (int)finest->times,
      finest->leaps ? "steps of high order" : "adapted steps", finest->tolerance));
  PetscCall(set_text(r, "method", method));
  PetscCall(set_text(r, "norm", MuNormNames[r->spec.norm]));
  PetscCall(set_text(r, "reached", reached ? "true" : "false"));
  PetscCall(set_number(r, "accuracy", r->spec.accuracy));
  PetscCall(set_number(r, "worst", r->worst));
  PetscCall(set_number(r, "order", r->order));
  PetscCall(set_number(r, "tolerance", finest->tolerance));
  PetscCall(set_text(r, "finest_cells", cells));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the file */

static PetscErrorCode write_rows(MuReference *r, const MuLevel *finest) {
  PetscInt columns;

  PetscFunctionBegin;
  PetscCall(MuColumnsGet(finest->columns, &columns, NULL));
  for (PetscInt k = 0; r->rank == 0 && k < finest->rows; ++k)
    PetscCall(MuRunWriterAddLedgerRow(r->writer, finest->row + k * columns));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_snapshots(MuReference *r, const MuLevel *finest) {
  const MuRefinement *e = &r->refinement;
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuGridCreateField(r->grid, &rho));
  for (PetscInt t = 0; t < finest->times; ++t) {
    PetscCall(MuGridScatter(r->grid, r->rank ? NULL : e->density + t * e->count, rho));
    PetscCall(MuRunWriterAddSnapshot(r->writer, finest->time[t], rho));
  }
  PetscCall(VecDestroy(&rho));
  PetscFunctionReturn(0);
}

PetscErrorCode MuReferenceWrite(MuReference *r, PetscBool reached) {
  const MuLevel *finest = &r->level[r->levels - 1];
  const MuGridInfo *info;
  PetscReal *total;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->grid, &info));
  PetscCall(write_rows(r, finest));
  PetscCall(write_snapshots(r, finest));
  PetscCall(PetscMalloc1(finest->times, &total));
  PetscCall(add_errors(r, info, total));
  PetscCall(add_moments(r, info, total));
  PetscCall(PetscFree(total));
  PetscCall(set_attributes(r, reached));
  PetscCall(MuRunWriterFinish(r->writer, "done"));
  PetscFunctionReturn(0);
}
