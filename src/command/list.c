/* mudot list [geometries|energies|kernels|schemes|diagnostics|methods|commands]: the tables of what exists,
   straight from the layers that hold them. */
#include "command/command.h"

#include <string.h>

static const struct {
  const char *kind;
  MuTableRow row; /* NULL: the commands */
} kinds[] = {
    {"geometries", MuGeometryGetTableRow},    {"energies", MuEnergyGetTableRow},
    {"kernels", MuKernelGetTableRow},         {"schemes", MuSchemeGetTableRow},
    {"diagnostics", MuDiagnosticGetTableRow}, {"methods", MuMethodGetTableRow},
    {"commands", NULL},
};
#define KINDS ((PetscInt)(sizeof kinds / sizeof *kinds))

static PetscErrorCode kind_row(PetscInt i, const char **name, const char **formula) {
  *name = i < KINDS ? kinds[i].kind : NULL;
  *formula = "";
  return 0;
}

static PetscErrorCode print_table(MuTableRow row) {
  const char *name, *formula;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(row(i, &name, &formula));
    if (!name) break;
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %-30s %s\n", name, formula));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_kind(int argc, char **argv) {
  const char *name;
  char nearest[64];

  PetscFunctionBegin;
  if (argc > 1)
    return MuError(MU_ERR_INPUT, "list: %d arguments are given; at most one is allowed", argc);
  if (argc == 0) PetscFunctionReturn(0);
  PetscCall(MuTableFind(kind_row, argv[0], &name, nearest));
  if (!name)
    return MuError(MU_ERR_INPUT, "list: there is no table \"%s\"; the nearest is %s", argv[0],
                   nearest);
  PetscFunctionReturn(0);
}

static PetscErrorCode list(MuTableRow commands, int argc, char **argv) {
  PetscFunctionBegin;
  while (argc > 0 && MuOptionIsPetsc(argv[argc - 1])) --argc;
  PetscCall(check_kind(argc, argv));
  for (PetscInt k = 0; k < KINDS; ++k) {
    if (argc == 1 && strcmp(argv[0], kinds[k].kind) != 0) continue;
    if (argc == 0) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s\n", kinds[k].kind));
    PetscCall(print_table(kinds[k].row ? kinds[k].row : commands));
  }
  PetscFunctionReturn(0);
}

const MuCommand mu_command_list = {
    .name = "list",
    .usage = "[geometries|energies|kernels|schemes|diagnostics|methods|commands]",
    .summary = "print what exists, one line each",
    .run = list,
};
