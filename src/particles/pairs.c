/* Sums over pairs of points. The targets are cut into one run per rank; every rank gets all sums.
 */
#include "particles/radial.h"

#include <math.h>

struct _p_MuPairs {
  MPI_Comm comm;
  PetscMPIInt rank, size;
  MuRadial radial;
  PetscMPIInt *counts, *starts; /* [size] of the gathered runs */
};

PetscErrorCode MuPairsCreate(MPI_Comm comm, MuRadial radial, MuPairs *pairs) {
  MuPairs p;

  PetscFunctionBegin;
  PetscCall(PetscNew(&p));
  p->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &p->rank));
  PetscCallMPI(MPI_Comm_size(comm, &p->size));
  PetscCall(MuRadialReference(radial));
  p->radial = radial;
  PetscCall(PetscMalloc2(p->size, &p->counts, p->size, &p->starts));
  *pairs = p;
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsDestroy(MuPairs *pairs) {
  MuPairs p = *pairs;

  PetscFunctionBegin;
  *pairs = NULL;
  if (!p) PetscFunctionReturn(0);
  PetscCall(MuRadialDestroy(&p->radial));
  PetscCall(PetscFree2(p->counts, p->starts));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}

static PetscInt first_of(PetscInt m, PetscMPIInt rank, PetscMPIInt size) {
  return (PetscInt)((long long)m * rank / size);
}

/* values [m][width]: every rank has its run of rows; afterwards all have all. */
static PetscErrorCode gather_rows(MuPairs p, PetscInt m, PetscInt width, PetscReal *values) {
  PetscFunctionBegin;
  if (p->size == 1) PetscFunctionReturn(0);
  for (PetscMPIInt r = 0; r < p->size; ++r) {
    p->starts[r] = (PetscMPIInt)(width * first_of(m, r, p->size));
    p->counts[r] = (PetscMPIInt)(width * first_of(m, r + 1, p->size)) - p->starts[r];
  }
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values, p->counts, p->starts,
                              MPIU_REAL, p->comm));
  PetscFunctionReturn(0);
}

static void add_target(MuPairs p, PetscInt n, const PetscReal *x, PetscInt columns,
                       const PetscReal *w, const PetscReal *y, PetscReal *sums,
                       PetscReal *gradient) {
  const PetscInt dim = p->radial->dim;
  for (PetscInt c = 0; sums && c < columns; ++c) sums[c] = 0;
  for (PetscInt a = 0; gradient && a < dim; ++a) gradient[a] = 0;
  for (PetscInt j = 0; j < n; ++j) {
    PetscReal r2 = 0, value, slope;
    for (PetscInt a = 0; a < dim; ++a) r2 += PetscSqr(y[a] - x[j * dim + a]);
    (void)MuRadialEvaluate(p->radial, r2, &value, &slope);
    for (PetscInt c = 0; sums && c < columns; ++c) sums[c] += w[j * columns + c] * value;
    for (PetscInt a = 0; gradient && a < dim; ++a)
      gradient[a] += w[j * columns] * slope * (y[a] - x[j * dim + a]);
  }
}

PetscErrorCode MuPairsApplyColumns(MuPairs p, PetscInt n, const PetscReal *x, PetscInt columns,
                                   const PetscReal *w, PetscInt m, const PetscReal *y,
                                   PetscReal *sums, PetscReal *gradient) {
  const PetscInt dim = p->radial->dim;

  PetscFunctionBegin;
  for (PetscInt i = first_of(m, p->rank, p->size); i < first_of(m, p->rank + 1, p->size); ++i)
    add_target(p, n, x, columns, w, y + i * dim, sums ? sums + i * columns : NULL,
               gradient ? gradient + i * dim : NULL);
  if (sums) PetscCall(gather_rows(p, m, columns, sums));
  if (gradient) PetscCall(gather_rows(p, m, dim, gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode MuPairsApply(MuPairs pairs, PetscInt n, const PetscReal *x, const PetscReal *w,
                            PetscInt m, const PetscReal *y, PetscReal *sum, PetscReal *gradient) {
  PetscFunctionBegin;
  PetscCall(MuPairsApplyColumns(pairs, n, x, 1, w, m, y, sum, gradient));
  PetscFunctionReturn(0);
}
