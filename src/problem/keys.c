/* Cases with the keys that energies, geometries and kernels give them. */
#include "problem/keys.h"

#include "case/case_private.h"
#include "mudot/energy.h"
#include "mudot/geometry.h"

const MuKeyTable mu_case_tables[] = {
    {.blocks = "energy",
     .table = MuEnergyGetInfo,
     .weight_doc = "weight of the energy NAME (mudot list energies)",
     .own_doc = "of this NAME alone: kernel_KEY, or a number of it; a second NAME is NAME_2"},
    {.blocks = "geometry",
     .table = MuGeometryGetInfo,
     .weight_doc = "weight of the geometry NAME (mudot list geometries)",
     .own_doc = "of this NAME alone: kernel_KEY, or a number of it; a second NAME is NAME_2"},
    {.blocks = "kernel|energy_kernel|geometry_kernel|diagnostics_kernel", .table = MuKernelGetInfo},
    {.blocks = NULL}};

PetscErrorCode MuCaseCreate(MPI_Comm comm, const char *file, int argc, char **argv, MuCase *c) {
  const MuCaseSource source = {.tables = mu_case_tables, .file = file, .argc = argc, .argv = argv};
  return MuCaseRead(comm, &source, c);
}

PetscErrorCode MuCaseCreateFromText(MPI_Comm comm, const char *name, const char *text, int argc,
                                    char **argv, MuCase *c) {
  const MuCaseSource source = {
      .tables = mu_case_tables, .file = name, .text = text, .argc = argc, .argv = argv};
  return MuCaseRead(comm, &source, c);
}

PetscErrorCode MuCaseGetKey(PetscInt i, MuKeyInfo *info) {
  return MuKeyGet(mu_case_tables, i, info);
}

PetscErrorCode MuCasePrintBlocks(FILE *out, const char *only, const char *except) {
  return MuKeyPrintBlocks(mu_case_tables, out, only, except);
}
