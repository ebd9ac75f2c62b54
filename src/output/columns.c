/* The columns of ledgers, of flows and of clouds. */
#include "mudot/columns.h"

/* The name, where there is one per term or diagnostic the beginning of it, and what it is. */
static const struct {
  const char *name, *doc;
} roles[MU_COLUMN_ROLES] = {
    [MU_COLUMN_TIME] = {"t", "time"},
    [MU_COLUMN_STEP] = {"dt", "the step that ended at t"},
    [MU_COLUMN_ENERGY] = {"energy", "energy F"},
    [MU_COLUMN_ENERGY_TERM] = {"energy_", "term of the energy, with its weight"},
    [MU_COLUMN_DISSIPATION_PRIMAL] = {"dissipation_primal",
                                      "primal dissipation potential R(mu, v) of the step"},
    [MU_COLUMN_DISSIPATION_DUAL] = {"dissipation_dual",
                                    "dual dissipation potential R*(mu, -DF) of the step"},
    [MU_COLUMN_DISSIPATED] = {"dissipated", "integral of R + R* up to t"},
    [MU_COLUMN_BALANCE_DEFECT] = {"balance_defect", "energy + dissipated - initial energy"},
    [MU_COLUMN_MASS] = {"mass", "mass"},
    [MU_COLUMN_MIN_DENSITY] = {"min_density", "smallest density of a cell"},
    [MU_COLUMN_RESIDUAL] = {"residual", "|v + K DF| of the step in the metric of K"},
    [MU_COLUMN_DISTANCE_BOUND] = {"distance_bound",
                                  "bound of the distance to the exact flow on this grid"},
    [MU_COLUMN_DIAGNOSTIC] = {"", "diagnostic"},
    [MU_COLUMN_MMD2] = {"mmd2", "squared MMD to the target, of the cloud scaled to mass 1"},
    [MU_COLUMN_WEIGHT_MIN] = {"weight_min", "smallest weight of a particle"},
    [MU_COLUMN_WEIGHT_MAX] = {"weight_max", "largest weight of a particle"},
    [MU_COLUMN_EFFECTIVE_SIZE] = {"ess", "effective sample size (sum w)^2/sum w^2"},
    [MU_COLUMN_DISPLACEMENT] = {"displacement", "mean distance that a particle moved in the step"},
    [MU_COLUMN_SIMPLEX_RESIDUAL] =
        {"simplex_residual",
         "to what the optimality conditions of the weight step hold, relative to the energy"},
    [MU_COLUMN_SIMPLEX_ITERATIONS] = {"simplex_iterations", "iterations of the weight step"},
};

struct _p_MuColumns {
  PetscInt count, room;
  MuColumn *column;
};

static PetscErrorCode append(MuColumns c, MuColumnRole role, const char *beginning,
                             const char *what, const char *doc) {
  const size_t length = strlen(beginning) + strlen(what) + 1;

  PetscFunctionBegin;
  if (c->count == c->room) {
    c->room = 2 * c->room + 16;
    PetscCall(PetscRealloc(sizeof *c->column * (size_t)c->room, &c->column));
  }
  MuColumn *column = &c->column[c->count];
  column->role = role;
  PetscCall(PetscMalloc1(length, &column->name));
  PetscCall(PetscSNPrintf(column->name, length, "%s%s", beginning, what));
  PetscCall(PetscStrallocpy(doc, &column->doc));
  c->count++;
  PetscFunctionReturn(0);
}

PetscErrorCode MuColumnsCreate(MuColumns from, MuColumns *columns) {
  PetscFunctionBegin;
  PetscCall(PetscNew(columns));
  for (PetscInt k = 0; from && k < from->count; ++k) {
    const MuColumn *c = &from->column[k];
    PetscCall(append(*columns, c->role, "", c->name, c->doc));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuColumnsDestroy(MuColumns *columns) {
  MuColumns c = *columns;

  PetscFunctionBegin;
  *columns = NULL;
  if (!c) PetscFunctionReturn(0);
  for (PetscInt k = 0; k < c->count; ++k) {
    PetscCall(PetscFree(c->column[k].name));
    PetscCall(PetscFree(c->column[k].doc));
  }
  PetscCall(PetscFree(c->column));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

PetscErrorCode MuColumnsAdd(MuColumns columns, MuColumnRole role, const char *what,
                            const char *doc) {
  return append(columns, role, roles[role].name, what ? what : "", doc ? doc : roles[role].doc);
}

PetscErrorCode MuColumnsGet(MuColumns columns, PetscInt *count, const MuColumn **column) {
  *count = columns->count;
  if (column) *column = columns->column;
  return 0;
}

PetscInt MuColumnsFind(MuColumns columns, MuColumnRole role, PetscInt k) {
  for (PetscInt i = 0; i < columns->count; ++i)
    if (columns->column[i].role == role && k-- == 0) return i;
  return -1;
}

PetscReal *MuColumnsAt(MuColumns columns, PetscReal row[], MuColumnRole role) {
  const PetscInt at = MuColumnsFind(columns, role, 0);
  return at < 0 ? NULL : row + at;
}

PetscReal MuColumnsValue(MuColumns columns, const PetscReal row[], MuColumnRole role) {
  return row[MuColumnsFind(columns, role, 0)];
}
