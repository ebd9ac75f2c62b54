#include "bench.h"
#include <math.h>
static PetscReal V(PetscReal x, PetscReal y) { return 4 * ((x * x - 1) * (x * x - 1) + 0.5 * y * y + 0.3 * x * y); }
int main(int argc, char **argv) {
  PetscInt n = 1024;
  PetscReal dt = 0.01, cx = 0.5, cy = 0.5, var = 0.1, tol = 1e-10;
  if (MuInitialize(&argc, &argv, NULL)) return 1;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-dt", &dt, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-cx", &cx, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-cy", &cy, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-var", &var, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-tol", &tol, NULL));
  MuGridSpec spec = {.dim = 2, .lower = {-3, -3}, .upper = {3, 3}, .cells = {n, n}};
  MuGrid grid; const MuGridInfo *info;
  PetscCall(MuGridCreate(MPI_COMM_WORLD, &spec, &grid));
  PetscCall(MuGridGetInfo(grid, &info));
  Vec pot, rho, out;
  PetscCall(MuGridCreateField(grid, &pot)); PetscCall(VecDuplicate(pot, &rho)); PetscCall(VecDuplicate(pot, &out));
  PetscReal *p, *r, x[2], m;
  PetscCall(VecGetArray(pot, &p)); PetscCall(VecGetArray(rho, &r));
  for (PetscInt i = 0; i < info->local_size; ++i) {
    MuGridCellCentre(grid, i, x); p[i] = V(x[0], x[1]);
    r[i] = exp(-((x[0]-cx)*(x[0]-cx) + (x[1]-cy)*(x[1]-cy)) / (2 * var));
  }
  PetscCall(VecRestoreArray(pot, &p)); PetscCall(VecRestoreArray(rho, &r));
  PetscCall(MuGridIntegrate(grid, rho, &m)); PetscCall(VecScale(rho, 1 / m));
  for (int solver = MU_TRANSPORT_COUPLED; solver <= MU_TRANSPORT_DIRECT; ++solver) {
    MuTransport t; double t0 = MPI_Wtime(), t1; PetscInt it;
    PetscCall(MuTransportCreate(grid, solver, &t));
    PetscCall(MuTransportFillScharfetterGummel(t, 1, pot));
    PetscCall(MuTransportSetTolerance(t, tol));
    t1 = MPI_Wtime(); printf("create+fill %g\n", t1 - t0); t0 = t1;
    PetscCall(MuTransportSetUp(t, dt)); if (solver==1) {t0 = MPI_Wtime(); PetscCall(MuTransportSetUp(t, dt));}
    t1 = MPI_Wtime(); printf("setup %g\n", t1 - t0);
    PetscCall(VecCopy(rho, out));
    for (int k = 0; k < 4; ++k) {
      t0 = MPI_Wtime();
      PetscCall(MuTransportSolve(t, PETSC_FALSE, out, out));
      PetscCall(MuTransportGetIterations(t, &it));
      t1 = MPI_Wtime(); PetscCall(MuGridIntegrate(grid, out, &m));
      printf("solver %d step %g it %d mass-1 %g\n", solver, t1 - t0, (int)it, m - 1);
    }
    PetscCall(MuTransportDestroy(&t));
  }
  return MuFinalize();
}
