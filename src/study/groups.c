/* The groups of ranks on which a study solves its runs side by side. */
#include "base/files.h"
#include "problem/problem.h"
#include "study/study_impl.h"

/* ------------------------------------------------------------------ as memory asks */

PetscMPIInt MuStudyRanksByMemory(PetscReal bytes, PetscReal memory, PetscMPIInt size,
                                 PetscMPIInt neighbours) {
  for (PetscMPIInt n = 1; n < size; ++n)
    if (size % n == 0 && bytes * neighbours / n <= memory) return n;
  return size;
}

/* What a group holds at once, with the largest of its grids. */
static PetscErrorCode bytes_of_group(MuStudy s, PetscReal *bytes) {
  MuGridSpec spec;
  PetscReal most = 0;
  PetscBool exact;
  const char *name;
  MuCase c;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "study_exact", &name, &exact));
  PetscCall(MuCaseCreate(PETSC_COMM_SELF, s->case_path, 2 * (int)s->base.count, s->base.text, &c));
  PetscErrorCode code = MuCaseEstimateMemory(c, 1, bytes);
  if (!code) code = MuCaseGetGridSpec(c, &spec);
  PetscCall(MuCaseDestroy(&c));
  PetscCall(code);
  *bytes *= s->ops->held;
  if (!s->varied || strcmp(s->vary[0], "grid_cells") != 0) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < s->count; ++i) most = PetscMax(most, s->values[i]);
  if (!exact && s->ops->beyond > 0) most *= s->ops->beyond;
  *bytes *= PetscPowReal(most / (PetscReal)spec.cells[0], (PetscReal)spec.dim);
  PetscFunctionReturn(0);
}

static PetscErrorCode choose(MuStudy s, PetscInt *ranks) {
  PetscMPIInt neighbours;
  PetscReal bytes;
  MPI_Comm node;
  int chosen;

  PetscFunctionBegin;
  *ranks = 1;
  if (s->size == 1 || !(s->ops->held > 0)) PetscFunctionReturn(0);
  PetscCall(bytes_of_group(s, &bytes));
  PetscCallMPI(MPI_Comm_split_type(s->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &neighbours));
  PetscCallMPI(MPI_Comm_free(&node));
  chosen = MuStudyRanksByMemory(bytes, MuMachineMemory(), s->size, neighbours);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &chosen, 1, MPI_INT, MPI_MAX, s->comm));
  *ranks = chosen;
  if (chosen > 1)
    PetscCall(PetscPrintf(s->comm,
                          "study           %d ranks for each run, since %d runs at a time would "
                          "need more memory than there is\n",
                          chosen, s->size));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ as asked */

static PetscErrorCode check(MuStudy s, PetscInt ranks) {
  if (ranks == 1) return 0;
  if (!(s->ops->held > 0))
    return MuError(MU_ERR_INPUT,
                   "study_ranks_per_run: %d is not allowed; a run of a study of type %s takes one "
                   "rank",
                   (int)ranks, s->ops->name);
  if (ranks > s->size || s->size % ranks)
    return MuError(MU_ERR_INPUT,
                   "study_ranks_per_run: %d does not divide the number of ranks, which is %d; "
                   "start with mpiexec -n %d, or a multiple",
                   (int)ranks, s->size, (int)ranks);
  return 0;
}

PetscErrorCode MuStudyGroupsCreate(MuStudy s) {
  PetscInt ranks = 1;
  PetscBool given;

  PetscFunctionBegin;
  s->leads = PETSC_TRUE;
  s->group = PETSC_COMM_SELF;
  PetscCall(MuCaseGetInt(s->file, "study_ranks_per_run", &ranks, &given));
  if (!given) PetscCall(choose(s, &ranks));
  PetscCall(check(s, ranks));
  if (ranks == 1) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_split(s->comm, s->rank / (PetscMPIInt)ranks, s->rank, &s->group));
  s->leads = (PetscBool)(s->rank % ranks == 0);
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyGroupsDestroy(MuStudy s) {
  PetscFunctionBegin;
  if (s->group != MPI_COMM_NULL && s->group != PETSC_COMM_SELF)
    PetscCallMPI(MPI_Comm_free(&s->group));
  PetscFunctionReturn(0);
}
