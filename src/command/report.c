/* mudot report OUT_DIRECTORY... [-output FILE] [-overwrite] */
#include "case/print.h"
#include "command/command.h"

/* The tables whose formulas the page writes out. */
static const char *const table_names[] = {"geometry", "energy", "kernel"};
static const MuTableRow table_rows[] = {MuGeometryGetTableRow, MuEnergyGetTableRow,
                                        MuKernelGetTableRow};

/* Directories and options; the spec borrows from argv and directory[argc]. */
static PetscErrorCode parse(int argc, char **argv, const char **directory, MuReportSpec *spec) {
  for (int i = 0; i < argc; ++i) {
    if (!strcmp(argv[i], "-overwrite")) {
      spec->overwrite = PETSC_TRUE;
    } else if (!strcmp(argv[i], "-output")) {
      if (i + 1 == argc || !argv[i + 1][0])
        return MuError(MU_ERR_INPUT, "-output: has no value; give the name of the page's file");
      spec->output = argv[++i];
    } else if (MuOptionIsPetsc(argv[i])) {
      i += MuOptionPetscLength(argc - i, argv + i) - 1;
    } else if (argv[i][0] == '-') {
      return MuError(MU_ERR_INPUT, "%s: there is no such option; report has -output and -overwrite",
                     argv[i]);
    } else {
      directory[spec->directories++] = argv[i];
    }
  }
  return 0;
}

static PetscErrorCode report(MuTableRow commands, int argc, char **argv) {
  MuReportSpec spec = {.tables = sizeof table_rows / sizeof *table_rows,
                       .table_names = table_names,
                       .table_rows = table_rows};
  char path[PETSC_MAX_PATH_LEN];
  PetscErrorCode code;

  PetscFunctionBegin;
  (void)commands;
  PetscCall(PetscMalloc1((size_t)argc + 1, &spec.directory));
  code = parse(argc, argv, spec.directory, &spec);
  if (!code) code = MuReportWrite(PETSC_COMM_WORLD, &spec, path);
  if (!code) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s\n", path));
  PetscCall(PetscFree(spec.directory));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  fprintf(out,
          "\nThe page needs nothing but itself: it opens from disk, without a network. It shows "
          "what each directory\nholds, of run.h5, study.h5 (or study.csv while the study goes on), "
          "particles.h5 and compare.csv; several\nruns side by side with one slider for the "
          "time.\n\n"
          "  -output FILE     the page; default DIRECTORY/report.html, with several directories "
          "report.html here\n"
          "  -overwrite       replaces FILE also if it is something else than an earlier report\n"
          "\nThe page stays below 20 MB: of long runs it shows every k-th snapshot and of fine "
          "grids block means,\nand says so.\n");
  return 0;
}

const MuCommand mu_command_report = {
    .name = "report",
    .usage = "OUT_DIRECTORY... [-output FILE] [-overwrite]",
    .summary = "write one page that shows the results",
    .run = report,
    .chapter = "reports",
    .help = help,
};
