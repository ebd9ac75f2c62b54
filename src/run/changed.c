/* Whether what a run starts from is what an earlier run with the same case started from. */
#include "run/changed.h"

/* Whether a field, NULL: none, is the one that is there: values differ by at most 1e-9 of
   themselves, and by what convolutions round of `unit` (logarithms: 1) or, if that is 0, of the
   largest. there [cells] on rank 0. */
static PetscErrorCode compare_field(const MuProblemParts *p, Vec field, PetscReal unit,
                                    PetscInt cells, const PetscReal *there, int *same) {
  const MuGridInfo *info;
  PetscReal *here = NULL;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  const PetscInt n = info->cells[0] * info->cells[1];
  *same = cells == (field ? n : 0);
  if (!field || !*same) PetscFunctionReturn(0);
  if (info->rank == 0) PetscCall(PetscMalloc1(n, &here));
  PetscCall(MuGridGather(p->grid, field, PETSC_FALSE, here));
  PetscReal slack = 1e-9 * unit;
  for (PetscInt i = 0; i < n && unit == 0 && info->rank == 0; ++i)
    slack = PetscMax(slack, 1e-12 * fabs(there[i]));
  for (PetscInt i = 0; i < n && info->rank == 0; ++i)
    if (here[i] != there[i] && !(fabs(here[i] - there[i]) <= slack + 1e-9 * fabs(there[i])))
      *same = 0;
  PetscCall(PetscFree(here));
  PetscCallMPI(MPI_Bcast(same, 1, MPI_INT, 0, info->comm));
  PetscFunctionReturn(0);
}

/* Files of before have no mask. */
static PetscErrorCode compare_mask(const MuProblemParts *p, const MuRunRemains *remains,
                                   int *same) {
  const MuGridInfo *info;
  PetscReal *inside;
  Vec mask;

  PetscFunctionBegin;
  *same = 1;
  if (!remains->mask_cells) PetscFunctionReturn(0);
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(MuGridCreateField(p->grid, &mask));
  PetscCall(VecGetArray(mask, &inside));
  for (PetscInt i = 0; i < info->local_size; ++i) inside[i] = info->mask[i];
  PetscCall(VecRestoreArray(mask, &inside));
  PetscCall(compare_field(p, mask, 1, remains->mask_cells, remains->mask, same));
  PetscCall(VecDestroy(&mask));
  PetscFunctionReturn(0);
}

/* The initial density is the first snapshot, or is known by its energy. */
static PetscErrorCode compare_initial(const MuProblemParts *p, MuFlow flow,
                                      const MuRunRemains *remains, PetscReal there, int *same) {
  PetscReal terms[MU_MAX_TERMS], here, size = 0;
  PetscInt count;

  PetscFunctionBegin;
  *same = 1;
  if (remains->initial_values) {
    PetscCall(compare_field(p, p->initial, 0, remains->initial_values, remains->initial, same));
    PetscFunctionReturn(0);
  }
  if (PetscIsNanReal(there)) PetscFunctionReturn(0);
  PetscCall(MuEnergyGetTerms(p->energy, &count, NULL, NULL));
  PetscCall(MuFlowGetEnergy(flow, &here, terms));
  for (PetscInt k = 0; k < count; ++k) size += fabs(terms[k]);
  *same = here == there || fabs(here - there) <= 1e-9 * size;
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunChanged(const MuProblemParts *p, MuFlow flow, const MuRunRemains *remains,
                            PetscReal energy, const char **changed) {
  int same;

  PetscFunctionBegin;
  *changed = NULL;
  PetscCall(compare_initial(p, flow, remains, energy, &same));
  if (!same) *changed = "initial";
  PetscCall(compare_field(p, p->log_target, 1, remains->cells, remains->target, &same));
  if (!same) *changed = "target";
  PetscCall(compare_mask(p, remains, &same));
  if (!same) *changed = "grid_mask";
  PetscFunctionReturn(0);
}
