/* Speed of one linear transport step against PETSc's conjugate gradients with BoomerAMG on the
   symmetrised matrix (relative residual 1e-10), set-up excluded: V a double well on a box of 6, dt
   = 0.01, a density for which rho/sqrt(pi) stays moderate, so that the reference converges to what
   it claims. Usage: bench_transport [-bench_csv FILE] [-cells N] */
#include "bench.h"
#include "flow/transport.h"

#include <math.h>
#include <petscksp.h>

typedef struct {
  MuGrid grid;
  Vec potential, scale, rho, out; /* scale = sqrt(pi) up to a factor */
} Problem;

typedef struct {
  KSP ksp;
  Vec rhs, solution;
} Reference;

typedef struct {
  MuTransport transport;
  Vec rho, out;
} Step;

static PetscReal wells(const PetscReal x[2]) {
  const PetscReal well = x[0] * x[0] - 1;
  return 4 * (well * well + x[1] * x[1] / 2 + 0.3 * x[0] * x[1]);
}

static PetscErrorCode problem_create(PetscInt cells, Problem *p) {
  const MuGridSpec spec = {.dim = 2, .lower = {-3, -3}, .upper = {3, 3}, .cells = {cells, cells}};
  const MuGridInfo *info;
  PetscReal *v, *scale, *rho, x[2], mass;

  PetscFunctionBegin;
  PetscCall(MuGridCreate(PETSC_COMM_WORLD, &spec, &p->grid));
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(MuGridCreateField(p->grid, &p->potential));
  PetscCall(VecDuplicate(p->potential, &p->scale));
  PetscCall(VecDuplicate(p->potential, &p->rho));
  PetscCall(VecDuplicate(p->potential, &p->out));
  PetscCall(VecGetArray(p->potential, &v));
  PetscCall(VecGetArray(p->scale, &scale));
  PetscCall(VecGetArray(p->rho, &rho));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    PetscCall(MuGridCellCentre(p->grid, i, x));
    v[i] = wells(x);
    scale[i] = exp(-v[i] / 2);
    rho[i] = exp(-((x[0] - 0.5) * (x[0] - 0.5) + (x[1] - 0.5) * (x[1] - 0.5)) / 0.04);
  }
  PetscCall(VecRestoreArray(p->rho, &rho));
  PetscCall(VecRestoreArray(p->scale, &scale));
  PetscCall(VecRestoreArray(p->potential, &v));
  PetscCall(MuGridIntegrate(p->grid, p->rho, &mass));
  PetscCall(VecScale(p->rho, 1 / mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode problem_destroy(Problem *p) {
  PetscFunctionBegin;
  PetscCall(VecDestroy(&p->potential));
  PetscCall(VecDestroy(&p->scale));
  PetscCall(VecDestroy(&p->rho));
  PetscCall(VecDestroy(&p->out));
  PetscCall(MuGridDestroy(&p->grid));
  PetscFunctionReturn(0);
}

/* D^-1 A D on one rank, D = sqrt(pi). */
static PetscErrorCode symmetrised_matrix(Problem *p, PetscReal dt, Mat *matrix) {
  const MuGridInfo *info;
  MuTransport t;
  Vec va, vb;
  const PetscReal *a, *b;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(p->grid, &info));
  PetscCall(MuTransportCreate(p->grid, MU_TRANSPORT_DIMENSION_SPLIT, &t));
  PetscCall(MuTransportFillScharfetterGummel(t, 1, p->potential));
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, info->local_size, info->local_size, 5, NULL, matrix));
  for (PetscInt i = 0; i < info->local_size; ++i)
    PetscCall(MatSetValue(*matrix, i, i, 1, ADD_VALUES));
  for (PetscInt axis = 0; axis < 2; ++axis) {
    PetscCall(MuTransportGetCoefficients(t, axis, &va, &vb));
    PetscCall(VecGetArrayRead(va, &a));
    PetscCall(VecGetArrayRead(vb, &b));
    for (PetscInt i = 0; i < info->local_size; ++i) {
      const PetscInt index[2] = {i - (axis == 0 ? 1 : info->row_length), i};
      const PetscReal off = -dt * sqrt(a[i] * b[i]);
      const PetscReal block[4] = {dt * a[i], off, off, dt * b[i]};
      if (info->open[axis][i])
        PetscCall(MatSetValues(*matrix, 2, index, 2, index, block, ADD_VALUES));
    }
    PetscCall(VecRestoreArrayRead(vb, &b));
    PetscCall(VecRestoreArrayRead(va, &a));
  }
  PetscCall(MatAssemblyBegin(*matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MuTransportDestroy(&t));
  PetscFunctionReturn(0);
}

static PetscErrorCode reference_create(Problem *p, PetscReal dt, Reference *r) {
  Mat matrix;
  PC pc;

  PetscFunctionBegin;
  PetscCall(symmetrised_matrix(p, dt, &matrix));
  PetscCall(VecDuplicate(p->rho, &r->rhs));
  PetscCall(VecDuplicate(p->rho, &r->solution));
  PetscCall(VecPointwiseDivide(r->rhs, p->rho, p->scale));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &r->ksp));
  PetscCall(KSPSetOperators(r->ksp, matrix, matrix));
  PetscCall(KSPSetType(r->ksp, KSPCG));
  PetscCall(KSPGetPC(r->ksp, &pc));
  PetscCall(PCSetType(pc, PCHYPRE));
  PetscCall(PCHYPRESetType(pc, "boomeramg"));
  PetscCall(KSPSetTolerances(r->ksp, 1e-10, 0, PETSC_DEFAULT, 1000));
  PetscCall(KSPSetUp(r->ksp));
  PetscCall(MatDestroy(&matrix));
  PetscFunctionReturn(0);
}

static PetscErrorCode reference_destroy(Reference *r) {
  PetscFunctionBegin;
  PetscCall(KSPDestroy(&r->ksp));
  PetscCall(VecDestroy(&r->rhs));
  PetscCall(VecDestroy(&r->solution));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_reference(void *ctx) {
  Reference *r = ctx;

  PetscFunctionBegin;
  PetscCall(KSPSolve(r->ksp, r->rhs, r->solution));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_step(void *ctx) {
  Step *s = ctx;

  PetscFunctionBegin;
  PetscCall(MuTransportSolve(s->transport, PETSC_FALSE, s->rho, s->out));
  PetscFunctionReturn(0);
}

static PetscErrorCode compare(Problem *p, Reference *r, PetscReal dt, MuTransportSolver solver,
                              const char *name, PetscReal bound) {
  Step step = {.rho = p->rho, .out = p->out};
  double ours, theirs;
  PetscInt iterations, reference_iterations;

  PetscFunctionBegin;
  PetscCall(MuTransportCreate(p->grid, solver, &step.transport));
  PetscCall(MuTransportFillScharfetterGummel(step.transport, 1, p->potential));
  PetscCall(MuTransportSetTolerance(step.transport, 1e-10));
  PetscCall(MuTransportSetUp(step.transport, dt));
  PetscCall(BenchPair(run_step, &step, run_reference, r, 5, &ours, &theirs));
  PetscCall(BenchReport(name, ours / theirs, bound, ours));
  PetscCall(MuTransportGetIterations(step.transport, &iterations));
  PetscCall(KSPGetIterationNumber(r->ksp, &reference_iterations));
  printf("    %d iterations; reference: %d iterations, %.3g s\n", (int)iterations,
         (int)reference_iterations, theirs);
  PetscCall(MuTransportDestroy(&step.transport));
  PetscFunctionReturn(0);
}

static PetscErrorCode run(PetscInt cells, PetscReal dt) {
  Problem p;
  Reference r;

  PetscFunctionBegin;
  PetscCall(problem_create(cells, &p));
  PetscCall(reference_create(&p, dt, &r));
  PetscCall(compare(&p, &r, dt, MU_TRANSPORT_DIMENSION_SPLIT,
                    "transport: split step / CG with BoomerAMG", 0.05));
  PetscCall(compare(&p, &r, dt, MU_TRANSPORT_COUPLED, "transport: coupled step / CG with BoomerAMG",
                    0.5));
  PetscCall(reference_destroy(&r));
  PetscCall(problem_destroy(&p));
  PetscCall(problem_create(cells / 2, &p));
  PetscCall(reference_create(&p, dt, &r));
  PetscCall(compare(&p, &r, dt, MU_TRANSPORT_DIRECT,
                    "transport: direct solve / CG with BoomerAMG at half the cells", 1));
  PetscCall(reference_destroy(&r));
  PetscCall(problem_destroy(&p));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  PetscInt cells = 1024;
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-cells", &cells, NULL));
  PetscCall(run(cells, 0.01));
  return MuFinalize() ? 1 : 0;
}
