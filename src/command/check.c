/* mudot check: the conformance suite on one operator or energy of the tables. */
#include "check/check.h"
#include "case/print.h"
#include "command/command.h"

/* The two words, with PETSc's options and -load passed over; false if there are not two. */
static PetscBool read_words(int argc, char **argv, const char *words[2]) {
  int count = 0;
  for (int k = 0; k < argc;) {
    if (MuOptionIsPetsc(argv[k])) {
      k += MuOptionPetscLength(argc - k, argv + k);
      continue;
    }
    if (count == 2) return PETSC_FALSE;
    words[count++] = argv[k++];
  }
  return (PetscBool)(count == 2);
}

static PetscErrorCode check(MuTableRow commands, int argc, char **argv) {
  const char *words[2];
  MuCheckTable table = {0};
  PetscMPIInt rank;
  PetscInt failed = 0;

  PetscFunctionBegin;
  (void)commands;
  if (!read_words(argc, argv, words) ||
      (strcmp(words[0], "geometry") != 0 && strcmp(words[0], "energy") != 0))
    return MuError(
        MU_ERR_INPUT,
        "check: needs a kind and a name, as in \"mudot check geometry stein\" or \"mudot "
        "check energy kl\"");
  PetscCall((!strcmp(words[0], "geometry") ? MuCheckGeometry : MuCheckEnergy)(PETSC_COMM_WORLD,
                                                                              words[1], &table));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0) {
    printf("%s %s\n", words[0], words[1]);
    MuCheckPrint(stdout, &table, &failed);
  }
  PetscCallMPI(MPI_Bcast(&failed, 1, MPIU_INT, 0, PETSC_COMM_WORLD));
  if (failed) mu_command_status = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode help(FILE *out) {
  fprintf(out,
          "\nBuilds the operator or energy on small grids with numbers in the middle of their "
          "ranges and a gaussian\nkernel, and measures what its descriptor promises. Exit status 1 "
          "if a line fails. The comparison with\nseveral ranks is made under mpiexec.\n");
  return 0;
}

const MuCommand mu_command_check = {
    .name = "check",
    .usage = "geometry|energy NAME",
    .summary = "measure what an operator or energy promises, as a table",
    .run = check,
    .chapter = "checks",
    .help = help,
};
