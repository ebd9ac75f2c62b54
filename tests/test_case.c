/* Cases: values of every type, overrides, domain files, the case written back, and one sentence for
 * every mistake. */
#include "support.h"

#include "case/case_private.h"
#include "case/print.h"
#include "problem/keys.h"
#include "problem/problem.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ files of the tests */

static char folder[64]; /* the same on every rank */
static PetscMPIInt rank;

static void make_folder(void) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  strcpy(folder, "/tmp/mudot-case-XXXXXX");
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) ck_assert_int_eq(system(command), 0);
}

/* The path of a file in the folder, in one of four buffers. */
static const char *path_of(const char *name) {
  static char paths[4][160];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static const char *write_file(const char *name, const char *text) {
  const char *path = path_of(name);
  if (rank == 0) {
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  return path;
}

#define MOST 16
/* Reads text as a case with the arguments (NULL ends them). */
static PetscErrorCode read_text(const char *text, const char *const *arguments, MuCase *c) {
  char *argv[MOST];
  int argc = 0;
  for (; arguments && arguments[argc]; ++argc) argv[argc] = (char *)arguments[argc];
  return MuCaseCreate(MPI_COMM_WORLD, write_file("case.yaml", text), argc, argv, c);
}

static const char example[] =
    "grid:     {lower: [-6], upper: [6], cells: [512], boundary: no_flux}\n"
    "target:   {type: mixture, weights: [0.5, 0.5], means: [-1.5, 1.5],\n"
    "           covariances: [0.64, .64e0]}\n"
    "initial:\n"
    "  type: formula\n"
    "  density: \"min(x, 1), max(y,2) # 'not' a comment\"\n"
    "energy:   {kl: 1, power_exponent: -0.5}\n"
    "geometry: {wasserstein: 1, mmd: 0.5, spherical: yes}\n"
    "kernel:   {type: matern, smoothness: 1.5, bandwidth: 0.3, extension: reflect}\n"
    "time:     {end: 2, step: 0.01, scheme: auto}\n"
    "output:   {directory: out/ift, every: 0.1, diagnostics: [kl, mmd], overwrite: off}\n";

/* ------------------------------------------------------------------ tables of the tests */

static const char *const energies[] = {"kl", "chi2", "potential", NULL};
static PetscErrorCode energy_row(PetscInt i, const char **name, const char **formula) {
  *name = energies[i];
  *formula = "";
  return 0;
}

static PetscErrorCode diagnostic_row(PetscInt i, const char **name, const char **formula) {
  static const char *const names[] = {"kl", "mmd", "w2", NULL};
  *name = names[i];
  *formula = "";
  return 0;
}

/* ------------------------------------------------------------------ values */

START_TEST(values_are_what_the_file_says) {
  PetscReal numbers[4], number;
  PetscInt count, cells[2];
  const char *text, *names[4];
  char *words[4];
  PetscBool given, yes = PETSC_FALSE;
  MuCase c;
  OK(read_text(example, NULL, &c));
  count = 4;
  OK(MuCaseGetRealArray(c, "target_covariances", &count, numbers, NULL));
  ck_assert_int_eq(count, 2);
  ck_assert_double_eq(numbers[1], 0.64);
  count = 2;
  OK(MuCaseGetIntArray(c, "grid_cells", &count, cells, &given));
  ck_assert(given && count == 1 && cells[0] == 512);
  OK(MuCaseGetInt(c, "grid_cells", cells, NULL));
  ck_assert_int_eq(cells[0], 512);
  OK(MuCaseGetReal(c, "energy_power_exponent", &number, NULL));
  ck_assert_double_eq(number, -0.5);
  OK(MuCaseGetString(c, "initial_density", &text, NULL));
  ck_assert_str_eq(text, "min(x, 1), max(y,2) # 'not' a comment");
  OK(MuCaseGetBool(c, "geometry_spherical", &yes, NULL));
  ck_assert(yes);
  OK(MuCaseGetBool(c, "output_overwrite", &yes, NULL));
  ck_assert(!yes);
  OK(MuCaseGetString(c, "target_type", &text, NULL));
  ck_assert_str_eq(text, "mixture");
  count = 4;
  OK(MuCaseGetStringArray(c, "output_diagnostics", &count, words, NULL));
  ck_assert_int_eq(count, 2);
  ck_assert_str_eq(words[1], "mmd");
  for (PetscInt i = 0; i < count; ++i) OK(PetscFree(words[i]));
  count = 4;
  OK(MuCaseGetNames(c, "output_diagnostics", diagnostic_row, &count, names, NULL));
  ck_assert_int_eq(count, 2);
  ck_assert_str_eq(names[0], "kl");
  OK(MuCaseCountItems(c, "target_means", &count));
  ck_assert_int_eq(count, 2);
  OK(MuCaseCountItems(c, "output_times", &count));
  ck_assert_int_eq(count, 0);
  OK(MuCaseDestroy(&c));
}
END_TEST

/* A key that is not there leaves the value alone; one that is needed is an error that names it. */
START_TEST(absent_keys) {
  PetscReal number = 7;
  PetscBool given = PETSC_TRUE;
  MuCase c;
  OK(read_text(example, NULL, &c));
  OK(MuCaseGetReal(c, "geometry_ridge", &number, &given));
  ck_assert(!given);
  ck_assert_double_eq(number, 7);
  ck_assert_int_eq(MuCaseGetReal(c, "geometry_ridge", &number, NULL), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "geometry_ridge: is missing"));
  OK(MuCaseRequire(c));
  OK(MuCaseDestroy(&c));
  OK(read_text("grid: {lower: [0], upper: [1]}\n", NULL, &c));
  ck_assert_int_eq(MuCaseRequire(c), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "grid_cells: is missing"));
  OK(MuCaseDestroy(&c));
}
END_TEST

START_TEST(weights_come_in_the_order_given) {
  MuCaseSummand parts[MU_MAX_TERMS];
  PetscInt count = MU_MAX_TERMS;
  static const char *const arguments[] = {"-geometry_fisher_rao", "0.25", "-geometry_mmd", "0",
                                          NULL};
  MuCase c;
  OK(read_text(example, arguments, &c));
  OK(MuCaseGetSummands(c, "geometry", &count, parts));
  ck_assert_int_eq(count, 2); /* mmd has weight 0 */
  ck_assert_str_eq(parts[0].name, "wasserstein");
  ck_assert_str_eq(parts[1].name, "fisher_rao");
  ck_assert_double_eq(parts[0].weight, 1);
  ck_assert_double_eq(parts[1].weight, 0.25);
  count = 1;
  ck_assert_int_eq(MuCaseGetSummands(c, "geometry", &count, parts), MU_ERR_INPUT);
  OK(MuCaseDestroy(&c));
}
END_TEST

/* Geometries whose name begins like the block geometry_kernel, and keys of that block. */
START_TEST(kernel_geometries_are_not_keys_of_a_kernel) {
  const char *effective;
  MuCaseSummand parts[MU_MAX_TERMS];
  PetscInt count = MU_MAX_TERMS;
  MuKernelSpec kernel;
  PetscBool given;
  MuCase c;
  OK(read_text("geometry: {kernel_fisher_rao: 2}\ngeometry_kernel: {bandwidth: 3}\n", NULL, &c));
  OK(MuCaseGetSummands(c, "geometry", &count, parts));
  ck_assert(count == 1 && !strcmp(parts[0].name, "kernel_fisher_rao") && parts[0].weight == 2);
  ck_assert(parts[0].takes_kernel && !parts[0].own_kernel);
  OK(MuCaseGetKernelSpec(c, "geometry_kernel", &kernel, &given));
  ck_assert_double_eq(kernel.bandwidth, 3);
  OK(MuCaseGetEffective(c, &effective));
  ck_assert_str_eq(effective,
                   "geometry:\n  kernel_fisher_rao: 2\ngeometry_kernel:\n  bandwidth: 3\n");
  OK(MuCaseDestroy(&c));
  OK(read_text("geometry: {kernel_fisher_rao: {weight: 2, kernel: {bandwidth: 1}}}\n", NULL, &c));
  OK(MuCaseGetKernelSpec(c, "geometry_kernel", &kernel, &given));
  ck_assert(!given);
  OK(MuCaseGetKernelSpec(c, "geometry_kernel_fisher_rao_kernel", &kernel, &given));
  ck_assert(given && kernel.bandwidth == 1);
  OK(MuCaseDestroy(&c));
}
END_TEST

/* ------------------------------------------------------------------ mappings of summands */

static const char defaults[] = "kernel: {type: matern, smoothness: 1.5, bandwidth: 0.3}\n";

/* The same parts in every spelling: one effective text, the same numbers and kernels. */
START_TEST(mappings_lists_and_flat_keys_are_the_same) {
  static const char *const texts[] = {
      ("geometry:\n"
       "  wasserstein: 1\n"
       "  stein: [{weight: 1, kernel: {type: gaussian, bandwidth: 0.2}}, {weight: 0.5}]\n"
       "  ridge_stein: {weight: 2, ridge: 0.01}\n"
       "  ridge: 0.5\n"),
      ("geometry:\n"
       "  wasserstein: {weight: 1}\n"
       "  stein:\n"
       "    - kernel: {type: gaussian, bandwidth: 0.2}\n"
       "      weight: 1\n"
       "    - weight: 0.5\n"
       "  ridge_stein: {ridge: 0.01, weight: 2}\n"
       "  ridge: 0.5\n"),
      ("geometry_wasserstein: 1\n"
       "geometry_stein: 1\n"
       "geometry_stein_kernel_type: gaussian\n"
       "geometry_stein_kernel_bandwidth: 0.2\n"
       "geometry_ridge_stein_weight: 2\n"
       "geometry_ridge_stein_ridge: 0.01\n"
       "geometry: {stein_2_weight: 0.5, ridge: 0.5}\n"),
      ("geometry_wasserstein: 1\n"
       "geometry: {stein_1_weight: 1, stein_1: {kernel: {type: gaussian, bandwidth: 0.2}},\n"
       "           stein_2: 0.5, ridge_stein: {weight: 2, ridge: 0.01}}\n"
       "geometry_ridge: 0.5\n")};
  MuCaseSummand parts[MU_MAX_TERMS];
  char text[1024], *first = NULL;
  const char *effective;
  MuKernelSpec kernel;
  PetscBool given;
  MuCase c;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    PetscInt count = MU_MAX_TERMS;
    snprintf(text, sizeof text, "%s%s", texts[i], defaults);
    OK(read_text(text, NULL, &c));
    OK(MuCaseGetEffective(c, &effective));
    if (i == 0) OK(PetscStrallocpy(effective, &first));
    ck_assert_str_eq(effective, first);
    OK(MuCaseGetSummands(c, "geometry", &count, parts));
    ck_assert_int_eq(count, 4);
    ck_assert_str_eq(parts[1].key, "geometry_stein");
    ck_assert_str_eq(parts[2].key, "geometry_stein_2");
    ck_assert_int_eq(parts[2].item, 2);
    ck_assert(parts[1].own_kernel && !parts[2].own_kernel && parts[2].takes_kernel);
    ck_assert(parts[3].weight == 2 && parts[3].value[0] == 0.01 && isnan(parts[0].value[0]));
    OK(MuCaseGetSummandKernelSpec(c, "geometry", &parts[1], &kernel, &given));
    ck_assert(given && kernel.bandwidth == 0.2 && !strcmp(kernel.type, "gaussian"));
    OK(MuCaseGetSummandKernelSpec(c, "geometry", &parts[2], &kernel, &given));
    ck_assert(given && kernel.bandwidth == 0.3 && !strcmp(kernel.type, "matern"));
    ck_assert_double_eq(kernel.parameter[0], 1.5);
    OK(MuCaseDestroy(&c));
  }
  ck_assert_msg(strstr(first, "  stein: [{weight: 1, kernel: {type: gaussian, bandwidth: 0.2}}, "
                              "{weight: 0.5}]\n  ridge_stein: {weight: 2, ridge: 0.01}\n") != NULL,
                "%s", first);
  OK(PetscFree(first));
}
END_TEST

/* The keys of a block serve every summand that has none of its own; the command line wins. */
START_TEST(keys_of_the_block_are_defaults) {
  static const char text[] =
      "energy:\n"
      "  power: [{weight: 1}, {weight: 2, exponent: 3}]\n"
      "  power_exponent: 2\n"
      "  potential: [{weight: 1, formula: x^2}, {weight: 1, formula: x^4}]\n"
      "geometry: {ridge_stein: {weight: 1, ridge: 0.1}, ridge_mobility: 1, ridge: 0.2}\n";
  static const char *const arguments[] = {"-geometry_ridge_stein_ridge",
                                          "0.05",
                                          "-energy_power_2_weight",
                                          "5",
                                          "-geometry_ridge_stein_weight",
                                          "3",
                                          NULL};
  MuCaseSummand s[MU_MAX_TERMS];
  PetscInt count = MU_MAX_TERMS;
  MuCase c;
  OK(read_text(text, arguments, &c));
  OK(MuCaseGetSummands(c, "energy", &count, s));
  ck_assert_int_eq(count, 4);
  ck_assert(s[0].value[0] == 2 && s[1].value[0] == 3 && s[1].weight == 5);
  ck_assert_str_eq(s[2].formula, "x^2");
  ck_assert_str_eq(s[3].formula, "x^4");
  ck_assert_str_eq(s[3].formula_key, "energy_potential_2_formula");
  count = MU_MAX_TERMS;
  OK(MuCaseGetSummands(c, "geometry", &count, s));
  ck_assert_int_eq(count, 2);
  ck_assert(s[0].weight == 3 && s[0].value[0] == 0.05 && s[1].value[0] == 0.2);
  OK(MuCaseDestroy(&c));
}
END_TEST

/* Anchors and merged mappings: the keys of a mapping win over those that it merges. */
START_TEST(anchors_and_merges) {
  static const char text[] =
      "kernel: &wide {type: gaussian, bandwidth: 1}\n"
      "geometry:\n"
      "  kernel_fisher_rao: &part {weight: 1, kernel: {<<: *wide, bandwidth: 0.5}}\n"
      "  stein: [*part, {<<: [*part], weight: 2}]\n";
  MuCaseSummand s[MU_MAX_TERMS];
  PetscInt count = MU_MAX_TERMS;
  MuKernelSpec kernel;
  PetscBool given;
  MuCase c;
  OK(read_text(text, NULL, &c));
  OK(MuCaseGetSummands(c, "geometry", &count, s));
  ck_assert_int_eq(count, 3);
  ck_assert(s[0].weight == 1 && s[1].weight == 1 && s[2].weight == 2);
  for (PetscInt k = 0; k < count; ++k) {
    OK(MuCaseGetSummandKernelSpec(c, "geometry", &s[k], &kernel, &given));
    ck_assert_double_eq(kernel.bandwidth, 0.5);
  }
  OK(MuCaseDestroy(&c));
}
END_TEST

/* Sentences that come when the summands are asked for. */
START_TEST(mistakes_in_summands) {
  static const char *const wrong[][2] = {
      {"geometry: {stein: {kernel: {bandwidth: 1}}}\n",
       "geometry_stein_weight: is missing; geometry_stein_kernel_bandwidth is given, and stein "
       "needs a weight (/"},
      {"geometry: {wasserstein: 1, ridge_stein_ridge: 1}\n",
       "geometry_ridge_stein_weight: is missing"},
      {"energy: {kl: 1, power: {exponent: 2}}\n", "energy_power_weight: is missing"},
      {"geometry: {stein_2: 1}\n", "geometry_stein_2: is given without geometry_stein; items"},
      {"geometry: {stein: 1, stein_3: {weight: 1}}\n",
       "geometry_stein_3: is given without geometry_stein_2; items are numbered one by one"},
      {"geometry: {spherical: true}\n", "geometry: is missing; at least one"},
      {"geometry: {stein: {weight: 0, kernel: {bandwidth: 1}}}\n", "geometry: is missing"}};
  MuCaseSummand s[MU_MAX_TERMS];
  MuCase c;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    const char *block = !strncmp(wrong[i][0], "energy", 6) ? "energy" : "geometry";
    PetscInt count = MU_MAX_TERMS;
    OK(read_text(wrong[i][0], NULL, &c));
    ck_assert_msg(MuCaseGetSummands(c, block, &count, s) == MU_ERR_INPUT, "%s", wrong[i][0]);
    ck_assert_msg(strstr(MuErrorMessage(), wrong[i][1]) != NULL, "%s: %s", wrong[i][0],
                  MuErrorMessage());
    OK(MuCaseDestroy(&c));
  }
}
END_TEST

/* ------------------------------------------------------------------ command line */

START_TEST(the_command_line_wins) {
  static const char *const arguments[] = {"-kernel_bandwidth",
                                          "0.1",
                                          "-output_overwrite",
                                          "-initial_density",
                                          "-x^2, y",
                                          "-ksp_type",
                                          "cg",
                                          "--grid_cells",
                                          "[64]",
                                          "-ksp_view",
                                          "-geometry_spherical",
                                          "false",
                                          NULL};
  PetscReal number;
  PetscInt cells;
  PetscBool yes;
  const char *text, *line;
  MuCase c;
  OK(read_text(example, arguments, &c));
  OK(MuCaseGetReal(c, "kernel_bandwidth", &number, NULL));
  ck_assert_double_eq(number, 0.1);
  OK(MuCaseGetBool(c, "output_overwrite", &yes, NULL));
  ck_assert(yes);
  OK(MuCaseGetBool(c, "geometry_spherical", &yes, NULL));
  ck_assert(!yes);
  OK(MuCaseGetString(c, "initial_density", &text, NULL));
  ck_assert_str_eq(text, "-x^2, y");
  OK(MuCaseGetInt(c, "grid_cells", &cells, NULL));
  ck_assert_int_eq(cells, 64);
  OK(MuCaseGetCommandLine(c, &line));
  ck_assert_ptr_nonnull(strstr(line, "-initial_density '-x^2, y' -ksp_type cg"));
  OK(MuCaseDestroy(&c));
}
END_TEST

/* Without a file argument the one plain word is the file, wherever it stands. */
START_TEST(the_file_is_found_among_the_arguments) {
  const char *path = write_file("a.yaml", example);
  char *argv[] = {"-output_overwrite", (char *)path, "-time_end", "3"};
  PetscReal end;
  MuCase c;
  OK(MuCaseCreate(MPI_COMM_WORLD, NULL, 4, argv, &c));
  OK(MuCaseGetReal(c, "time_end", &end, NULL));
  ck_assert_double_eq(end, 3);
  OK(MuCaseDestroy(&c));
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, NULL, 1, argv, &c), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "no case file"));
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, path, 4, argv, &c), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "given already"));
  ck_assert_ptr_null(c);
}
END_TEST

/* ------------------------------------------------------------------ written back */

START_TEST(effective_yaml_gives_the_same_case) {
  static const char *const arguments[] = {"-kernel_bandwidth",
                                          "0.1",
                                          "-initial_density",
                                          "\"quoted\" \\ #: {x}, -y",
                                          "-target_samples_file",
                                          "true",
                                          "-output_diagnostics",
                                          "kl, w2",
                                          NULL};
  const char *first, *second, *text;
  char *copy;
  MuCase c;
  OK(read_text(example, arguments, &c));
  OK(MuCaseGetEffective(c, &first));
  OK(PetscStrallocpy(first, &copy));
  OK(MuCaseDestroy(&c));
  OK(read_text(copy, NULL, &c));
  OK(MuCaseGetEffective(c, &second));
  ck_assert_str_eq(second, copy);
  OK(MuCaseGetString(c, "initial_density", &text, NULL));
  ck_assert_str_eq(text, arguments[3]);
  OK(MuCaseGetString(c, "target_file", &text, NULL));
  ck_assert_str_eq(text, "true");
  OK(PetscFree(copy));
  OK(MuCaseDestroy(&c));
}
END_TEST

/* The same case nested, flat, and with the second spelling of the keys of samples. */
START_TEST(nested_and_flat_are_the_same) {
  static const char *const texts[] = {
      "target: {type: samples, samples: {file: a.csv, columns: [x, y], bandwidth: [1, 2]}}\n",
      "target: {type: samples, file: a.csv, columns: [x, y], bandwidth: [1, 2]}\n",
      ("target_type: samples\ntarget_file: a.csv\ntarget_columns: \"x,y\"\n"
       "target:\n  samples_bandwidth:\n    - 1\n    - 2\n")};
  const char *effective;
  char *first = NULL;
  MuCase c;
  for (size_t i = 0; i < 3; ++i) {
    OK(read_text(texts[i], NULL, &c));
    OK(MuCaseGetEffective(c, &effective));
    if (i == 0) OK(PetscStrallocpy(effective, &first));
    /* columns: ["x", "y"] and ["x","y"] alike, blanks aside */
    ck_assert_str_eq(effective, first);
    OK(MuCaseDestroy(&c));
  }
  OK(PetscFree(first));
}
END_TEST

/* ------------------------------------------------------------------ specifications, domain files
 */

START_TEST(grid_and_kernel_specifications) {
  MuGridSpec grid;
  MuKernelSpec kernel;
  PetscBool given;
  MuCase c;
  OK(read_text("grid: {lower: [-1, 0], upper: [1, 3], cells: [8, 6], boundary: [periodic, "
               "no_flux]}\nkernel: {type: matern, bandwidth: 0.5, extension: zero}\n"
               "energy_kernel: {bandwidth: 0.25, normalization: peak}\n",
               NULL, &c));
  OK(MuCaseGetGridSpec(c, &grid));
  ck_assert(grid.dim == 2 && grid.cells[0] == 8 && grid.cells[1] == 6 && !grid.mask);
  ck_assert(grid.periodic[0] && !grid.periodic[1]);
  ck_assert_double_eq(grid.lower[0], -1);
  ck_assert_double_eq(grid.upper[1], 3);
  OK(MuCaseGetKernelSpec(c, "energy_kernel", &kernel, &given));
  ck_assert(given);
  ck_assert_str_eq(kernel.type, "matern");
  ck_assert_double_eq(kernel.bandwidth, 0.25);
  ck_assert_int_eq(kernel.extension, MU_EXTENSION_ZERO);
  ck_assert_int_eq(kernel.normalization, MU_NORMALIZATION_PEAK);
  OK(MuCaseGetKernelSpec(c, "geometry_kernel", &kernel, &given));
  ck_assert_double_eq(kernel.bandwidth, 0.5);
  ck_assert_int_eq(kernel.normalization, MU_NORMALIZATION_DEFAULT);
  OK(MuCaseDestroy(&c));
  OK(read_text("grid: {lower: [0, 0], upper: [1, 1], cells: [4, 4], boundary: periodic}\n", NULL,
               &c));
  OK(MuCaseGetGridSpec(c, &grid));
  ck_assert(grid.periodic[0] && grid.periodic[1]);
  OK(MuCaseGetKernelSpec(c, "kernel", &kernel, &given));
  ck_assert(!given);
  OK(MuCaseDestroy(&c));
}
END_TEST

START_TEST(grid_specifications_that_do_not_fit) {
  static const char *const wrong[][2] = {
      {"grid: {lower: [0, 0], upper: [1], cells: [4, 4]}\n", "grid_upper: has 1 items; 2"},
      {"grid: {lower: [0], upper: [1], cells: [4, 4]}\n", "grid_cells: has 2 items; 1"},
      {"grid: {lower: [0], upper: [1]}\n", "grid_cells: is missing"},
      {"grid: {lower: [0, 0], upper: [1, 1], cells: [99999, 99999]}\n", "too many"},
  };
  MuGridSpec grid;
  MuCase c;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    OK(read_text(wrong[i][0], NULL, &c));
    ck_assert_int_eq(MuCaseGetGridSpec(c, &grid), MU_ERR_INPUT);
    ck_assert_msg(strstr(MuErrorMessage(), wrong[i][1]) != NULL, "%s", MuErrorMessage());
    OK(MuCaseDestroy(&c));
  }
}
END_TEST

/* The domain file lies under the case: the case's keys win, the mask is found beside the domain
 * file. */
START_TEST(domain_files) {
  const char *effective, *text;
  char expected[256], resolved[PETSC_MAX_PATH_LEN];
  MuGridSpec grid;
  MuCase c;
  if (rank == 0) {
    mkdir(path_of("meshes"), 0777);
    mkdir(path_of("scripts"), 0777);
  }
  write_file("meshes/rooms.yaml",
             "grid:\n  lower: [0, 0]\n  upper: [4, 2]\n  cells: [40, 20]\n  mask: rooms.pgm\n");
  write_file("meshes/rooms.pgm", "P2 1 1 1 1\n");
  const char *path =
      write_file("scripts/a.yaml", "grid: {file: meshes/rooms.yaml, cells: [80, 40]}\n");
  OK(MuCaseCreate(MPI_COMM_WORLD, path, 0, NULL, &c));
  OK(MuCaseGetGridSpec(c, &grid));
  ck_assert_int_eq(grid.cells[0], 80);
  ck_assert_double_eq(grid.upper[0], 4);
  OK(MuCaseGetPath(c, "grid_mask", resolved, NULL));
  snprintf(expected, sizeof expected, "%s/scripts/../meshes/rooms.pgm", folder);
  ck_assert_str_eq(resolved, expected);
  OK(MuCaseGetEffective(c, &effective));
  ck_assert_ptr_null(strstr(effective, "rooms.yaml"));
  OK(MuCaseGetString(c, "grid_mask", &text, NULL));
  ck_assert_str_eq(text, expected);
  OK(MuCaseDestroy(&c));

  write_file("meshes/rooms.yaml", "grid: {lower: [0]}\nenergy: {kl: 1}\n");
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, path, 0, NULL, &c), MU_ERR_INPUT);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "energy_kl"));
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "rooms.yaml, line 2"));
  path = write_file("scripts/a.yaml", "grid: {file: meshes/palace.yaml}\n");
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, path, 0, NULL, &c), MU_ERR_FILE);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "grid_file: meshes/palace.yaml"));
}
END_TEST

/* ------------------------------------------------------------------ mistakes */

START_TEST(mistakes_in_the_file) {
  static const char *const wrong[][2] = {
      {"kernel: {bandwith: 1}\n",
       "kernel_bandwith: there is no such key; the nearest is kernel_bandwidth"},
      {"bandwidth: 1\n", "the nearest is target_bandwidth"},
      {"kernel: {bandwidth: abc}\n", "kernel_bandwidth: \"abc\" is not a number"},
      {"kernel: {bandwidth: 1 2}\n", "\"1 2\" is not a number"},
      {"kernel: {bandwidth: .inf}\n", "\".inf\" is not a number"},
      {"kernel: {bandwidth: inf}\n", "\"inf\" is not a number"},
      {"kernel: {bandwidth: nan}\n", "\"nan\" is not a number"},
      {"kernel: {bandwidth: 0x10}\n", "\"0x10\" is not a number"},
      {"kernel: {bandwidth: 1e999}\n", "\"1e999\" is not a number"},
      {"kernel: {bandwidth: 0}\n", "kernel_bandwidth: \"0\" must be above 0"},
      {"kernel: {bandwidth: [1, 2]}\n", "kernel_bandwidth: \"1,2\" is a list"},
      {"kernel: {bandwidth: }\n", "kernel_bandwidth: has no value"},
      {"kernel: {bandwidth: []}\n", "kernel_bandwidth: the list is empty"},
      {"kernel: {bandwidth: {h: 1}}\n", "kernel_bandwidth_h: there is no such key"},
      {"kernel: gaussian\n", "kernel: a block of keys is expected"},
      {"kernel: [gaussian]\n", "kernel: a block of keys is expected"},
      {"grid: {cells: [4.5]}\n", "grid_cells: \"4.5\" is not an integer"},
      {"grid: {cells: [99999999999999999999]}\n", "is not an integer"},
      {"grid: {cells: [-3]}\n", "grid_cells: \"-3\" must be above 0"},
      {"grid: {lower: [1, 2, 3]}\n", "grid_lower: \"1,2,3\" has 3 items; at most 2"},
      {"grid: {lower: [[1], 2]}\n", "grid_lower: a list may hold only plain values"},
      {"grid: {lower: [1, '']}\n", "grid_lower: an item of a list"},
      {"output: {diagnostics: ['a,b']}\n", "output_diagnostics: an item of a list"},
      {"grid: {boundary: open}\n", "grid_boundary: \"open\" is not one of no_flux|periodic"},
      {"geometry: {spherical: maybe}\n", "geometry_spherical: \"maybe\" is neither true nor false"},
      {"geometry: {wassertein: 1}\n",
       "geometry_wassertein: there is no such key; the nearest is geometry_wasserstein"},
      {"geometry: {sphericl: true}\n", "the nearest is geometry_spherical"},
      {"geometry: {fisher_roa: 1}\n", "the nearest is geometry_fisher_rao"},
      {"geometry: {kernel_bandwith: 1}\n", "the nearest is geometry_kernel_bandwidth"},
      {"geometry: {ridge_stein: {weight: 1, rigde: 1}}\n",
       "geometry_ridge_stein_rigde: there is no such key; the nearest is "
       "geometry_ridge_stein_ridge (/"},
      {"geometry: {stein: [{weight: 1}, {wieght: 1}]}\n", "the nearest is geometry_stein_2_weight"},
      {"geometry: {stein: [{weight: 1}, {weight: 1, kernel: {bandwith: 1}}]}\n",
       "geometry_stein_2_kernel_bandwith: there is no such key; the nearest is "
       "geometry_stein_2_kernel_bandwidth"},
      {"geometry: {stein: {weight: 1, ridge: 1}}\n",
       "geometry_stein_ridge: there is no such key; the nearest is geometry_stein_"},
      {"geometry: {wasserstein: {weight: 1, kernel: {bandwidth: 1}}}\n",
       "the nearest is geometry_wasserstein_weight"},
      {"geometry: {elsewhere: 1}\n",
       "geometry_elsewhere: there is no such key; \"mudot list keys\" has all"},
      {"geometry: {ridge_stein: {weight: 1, ridge: 0}}\n",
       "geometry_ridge_stein_ridge: \"0\" is not allowed; ridge_stein takes a number above 0 (/"},
      {"geometry: {stein: {weight: 1, kernel: {bandwidth: 0}}}\n",
       "geometry_stein_kernel_bandwidth: \"0\" must be above 0"},
      {"geometry: {stein: {weight: 1, kernel: {type: [a, b]}}}\n",
       "geometry_stein_kernel_type: \"a,b\" is a list; one text"},
      {"geometry: {stein: [1, 2]}\n",
       "geometry_stein: \"1,2\" is a list; one weight is wanted, or a list of mappings"},
      {"geometry: {stein: [{weight: 1}, 2]}\n",
       "geometry_stein: a list may hold plain values or mappings, not both"},
      {"geometry: {stein: {weight: one}}\n", "geometry_stein: \"one\" is not a number"},
      {"geometry: {stein: 1, stein_weight: 1}\n", "geometry_stein: is given twice"},
      {"geometry: {stein: [{weight: 1}], stein: 1}\n", "geometry_stein: is given twice"},
      {"geometry: {stein: {weight: 1, kernel: {a: {b: 1}}}}\n", "nested too deep"},
      {"geometry: [{stein: 1}]\n", "geometry: a block of keys is expected here, not a list"},
      {"geometry: {stein: {<<: 1}}\n", "<<: a mapping is expected here"},
      {"geometry: {stein: &a {<<: *a}}\n", "<<: mappings are merged too often"},
      {"geometry: {stein: *a}\n", "case.yaml, line 1: not valid YAML"},
      {"initial: {density: [x, y]}\n", "initial_density: \"x,y\" is a list; one text"},
      {"time: {end: 1}\ntime_end: 2\n", "time_end: is given twice, first on line 1"},
      {"time: {end: 1, end: 2}\n", "time_end: is given twice"},
      {"target: {file: a, samples: {file: b}}\n", "target_file: is given twice"},
      {"grid: {lower: [1}\n", "case.yaml, line 1: not valid YAML"},
      {"time:\n  end: 1\n bad\n", "case.yaml, line 3: not valid YAML"},
      {"time: {end: 1}\n---\ntime: {step: 1}\n", "more than one YAML document"},
      {"- time\n", "a case is a mapping"},
      {"a: &a {b: *a}\n", "nested too deep"},
      {"x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x_x: 1\n",
       "there is no such key"},
      {"time: {end: 1}\n\"\\xff\": 1\n", "there is no such key"},
      {"time: {<<: {ends: 1}}\n", "time_ends: there is no such key; the nearest is time_end"},
      {"energy: {}\nenergy: \nkernel:\n  bandwidth: abc\n", "case.yaml, line 4"},
  };
  MuCase c;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    PetscErrorCode code = read_text(wrong[i][0], NULL, &c);
    ck_assert_msg(code == MU_ERR_INPUT, "%s: code %d", wrong[i][0], (int)code);
    ck_assert_msg(strstr(MuErrorMessage(), wrong[i][1]) != NULL, "%s: %s", wrong[i][0],
                  MuErrorMessage());
    ck_assert_ptr_null(strchr(MuErrorMessage(), '\n'));
    ck_assert_ptr_null(c);
  }
}
END_TEST

START_TEST(mistakes_on_the_command_line) {
  static const char *const wrong[][4] = {
      {"-kernel_bandwith", "1", NULL, "the nearest is kernel_bandwidth (command line)"},
      {"-kernel_bandwidth", NULL, NULL, "kernel_bandwidth: has no value"},
      {"-kernel_bandwidth", "-time_end", "1", "kernel_bandwidth: has no value"},
      {"-kernel_bandwidth", "wide", NULL,
       "\"wide\" is not a number, nor one of median|scott (command line)"},
      {"-time_end", "1", "-time_end=2", "there is no such key; the nearest is time_end"},
      {"second.yaml", NULL, NULL, "one case file is allowed"},
  };
  MuCase c;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    const char *arguments[] = {wrong[i][0], wrong[i][1], wrong[i][2], NULL};
    ck_assert_int_eq(read_text(example, arguments, &c), MU_ERR_INPUT);
    ck_assert_msg(strstr(MuErrorMessage(), wrong[i][3]) != NULL, "%s", MuErrorMessage());
  }
}
END_TEST

START_TEST(files_that_cannot_be_read) {
  MuCase c;
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, path_of("absent.yaml"), 0, NULL, &c), MU_ERR_FILE);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "absent.yaml"));
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, folder, 0, NULL, &c), MU_ERR_FILE);
  ck_assert_int_eq(MuCaseCreate(MPI_COMM_WORLD, "/dev/zero", 0, NULL, &c), MU_ERR_FILE);
  OK(read_text("", NULL, &c));
  OK(MuCaseDestroy(&c));
}
END_TEST

/* Every key with one letter left out: the key itself is named, or another that is as near. */
static void leave_letters_out(void *ctx, const MuKey *key) {
  char typo[2 * MU_KEY_LENGTH];
  MuKey other;
  (void)ctx;
  if (key->part == MU_KEY_KERNEL) return; /* hundreds, and alike */
  for (size_t cut = 0; key->name[cut]; ++cut) {
    snprintf(typo, sizeof typo, "%.*s%s", (int)cut, key->name, key->name + cut + 1);
    if (MuKeyFind(mu_case_tables, typo, &other)) continue;
    MuNearest nearest = {.word = typo};
    MuNearestOfferKeys(&nearest, mu_case_tables);
    ck_assert_msg(nearest.distance == 1, "%s: %s", typo, nearest.best);
  }
}

START_TEST(every_typo_finds_its_key) {
  PetscMPIInt ranks;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks > 1) return; /* each of them would only do the same */
  MuKeyVisit(mu_case_tables, PETSC_TRUE, leave_letters_out, NULL);
}
END_TEST

/* Without tables any key of a block is taken: the text of a run may come from another program. */
START_TEST(without_tables_every_key_is_taken) {
  static const char text[] = "geometry: {mine: {weight: 1, size: [1, 2]}}\ntime: {end: 1}\n";
  const MuCaseSource source = {.file = "a text", .text = text};
  const char *effective;
  MuCase c;
  OK(MuCaseRead(MPI_COMM_WORLD, &source, &c));
  OK(MuCaseGetEffective(c, &effective));
  ck_assert_str_eq(effective, "geometry:\n  mine_weight: [\"1\"]\n  mine_size: [\"1\", \"2\"]\n"
                              "time:\n  end: 1\n");
  OK(MuCaseDestroy(&c));
}
END_TEST

/* Names past the end of a table, and an energy table in MuTableFind(). */
START_TEST(tables_are_searched) {
  const char *name;
  char nearest[64];
  OK(MuTableFind(energy_row, "chi2", &name, nearest));
  ck_assert_ptr_eq(name, energies[1]);
  OK(MuTableFind(energy_row, "potental", &name, nearest));
  ck_assert_ptr_null(name);
  ck_assert_str_eq(nearest, "; the nearest is potential");
  static const struct {
    const char *word, *clause;
  } rows[] = {{"nope", ""},
              {"", ""},
              {"zz", ""},
              {"chi", "; the nearest is chi2"},
              {"chi22", "; the nearest is chi2"},
              {"potentil", "; the nearest is potential"},
              {"ptential_", "; the nearest is potential"},
              {"potterin", ""}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    OK(MuTableFind(energy_row, rows[i].word, &name, nearest));
    ck_assert_ptr_null(name);
    ck_assert_str_eq(nearest, rows[i].clause);
  }
}
END_TEST

/* Every row of the table in every block, without second spellings, and the keys of the tables. */
START_TEST(keys_are_told_once) {
  static const char *const of_tables[] = {"energy_NAME",
                                          "energy_NAME_KEY",
                                          "energy_power_exponent",
                                          "energy_internal_exponent",
                                          "energy_potential_formula",
                                          "energy_interaction_formula",
                                          "geometry_NAME",
                                          "geometry_NAME_KEY",
                                          "geometry_ridge",
                                          "geometry_mobility_exponent",
                                          "kernel_smoothness",
                                          "diagnostics_kernel_order"};
  PetscInt expected = 0, count = 0, found = 0, fixed = 0;
  char word[MU_KEY_LENGTH];
  MuKeyInfo info;
  MuKey key;

  for (PetscInt r = 0; r < mu_key_count; ++r)
    for (PetscInt b = 0; MuKeyWord(mu_keys[r].blocks, b, word); ++b)
      expected += !mu_keys[r].same_as;
  for (;; ++count) {
    OK(MuCaseGetKey(count, &info));
    if (!info.block) break;
    ck_assert_msg(MuKeyIsBlock(info.block) && info.doc[0], "%s", info.name);
    ck_assert_msg(!strncmp(info.name, info.block, strlen(info.block)), "%s", info.name);
    for (size_t k = 0; k < sizeof of_tables / sizeof *of_tables; ++k)
      found += !strcmp(info.name, of_tables[k]);
    if (!MuKeyFind(NULL, info.name, &key) || key.row.doc[0] == 0) continue;
    ++fixed;
    ck_assert_str_eq(info.allowed,
                     key.row.type != MU_KEY_INTERVAL && key.row.allowed ? key.row.allowed : "");
  }
  ck_assert_int_eq(fixed, expected);
  ck_assert_int_eq(found, sizeof of_tables / sizeof *of_tables);
}
END_TEST

/* Prints to memory and compares. */
static void row_is(const char *name, int width, const char *text, const char *expected) {
  char buffer[512] = "";
  FILE *out = fmemopen(buffer, sizeof buffer, "w");
  OK(MuPrintRow(out, name, width, text));
  fclose(out);
  ck_assert_str_eq(buffer, expected);
}

START_TEST(rows_are_wrapped) {
  row_is("name", 6, "short", "  name   short\n");
  row_is("name", 6, "", "  name   \n");
  row_is("a name longer", 4, "text", "  a name longer text\n");
  /* 20 columns are left for the text */
  row_is(
      "n", 77, "one two three four five six",
      "  n                                                                             one two "
      "three "
      "four\n"
      "                                                                                five six\n");
  row_is("n", 77, "words: alpha|beta|gamma|delta",
         "  n                                                                             words: "
         "alpha|beta|\n"
         "                                                                                "
         "gamma|delta\n");
  row_is("n", 77, "a_word_without_any_end_to_it x",
         "  n                                                                             "
         "a_word_without_any_end_to_it\n"
         "                                                                                x\n");
}
END_TEST

START_TEST(switches_of_petsc_leave_the_case_alone) {
  static const struct {
    const char *argument[2];
    int length;
  } cases[] = {{{"-log_view", "case.yaml"}, 1}, {{"-log_view", ":view.txt"}, 2},
               {{"-log_view", "-info"}, 1},     {{"-info", ":sys"}, 2},
               {{"-options_left", "no"}, 2},    {{"-ksp_rtol", "1e-3"}, 2},
               {{"-ksp_rtol", "-1"}, 2},        {{"-ksp_monitor", "-ksp_view"}, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    ck_assert(MuOptionIsPetsc(cases[i].argument[0]));
    ck_assert_int_eq(MuOptionPetscLength(2, (char **)cases[i].argument), cases[i].length);
    ck_assert_int_eq(MuOptionPetscLength(1, (char **)cases[i].argument), 1);
  }
}
END_TEST

/* ------------------------------------------------------------------ intervals, other cases */

START_TEST(intervals) {
  static const struct {
    const char *text;
    PetscReal seconds; /* of a time; -1: refused */
    PetscReal or_else; /* of "steps": seconds, or -steps; -1e9: refused */
  } rows[] = {{"90s", 90, 90},         {"10min", 600, 600},     {"1h30min", 5400, 5400},
              {"2d", 172800, 172800},  {"0.5h", 1800, 1800},    {"1h 5s", 3605, 3605},
              {"250ms", 0.25, 0.25},   {"500", 500, -500},      {"500 steps", -1, -500},
              {"1 step", -1, -1},      {"true", -1, 600},       {"false", -1, 0},
              {"soon", -1, -1e9},      {"10 parsec", -1, -1e9}, {"-5s", -1, -1e9},
              {"1.5 steps", -1, -1e9}, {"0", -1, -1e9},         {"nan", -1, -1e9},
              {"10min 5", -1, -1e9},   {"0x10s", -1, -1e9},     {"infs", -1, -1e9}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
    PetscReal seconds;
    PetscInt steps;
    const char *fault = MuParseInterval(rows[k].text, PETSC_FALSE, &seconds, &steps);
    ck_assert_msg((fault != NULL) == (rows[k].seconds < 0), "%s: %s", rows[k].text, fault);
    if (!fault) ck_assert_msg(seconds == rows[k].seconds && !steps, "%s", rows[k].text);
    fault = MuParseInterval(rows[k].text, PETSC_TRUE, &seconds, &steps);
    ck_assert_msg((fault != NULL) == (rows[k].or_else == -1e9), "%s: %s", rows[k].text, fault);
    if (!fault)
      ck_assert_msg(rows[k].or_else < 0 ? steps == -rows[k].or_else && !seconds
                                        : seconds == rows[k].or_else && !steps,
                    "%s", rows[k].text);
  }
}
END_TEST

/* The key in which two cases differ, whichever of them has it. */
START_TEST(cases_are_compared_key_by_key) {
  static const char text[] = "grid: {lower: [-6], upper: [6], cells: [64]}\n"
                             "energy: {kl: 1, l2: 2}\n"
                             "geometry: {wasserstein: 1, stein: 1, ridge_stein_weight: 1,\n"
                             "           stein_2: {weight: 1, kernel: {bandwidth: 2}}}\n"
                             "time: {end: 1, step: 0.1}\n"
                             "output: {directory: out, every: 0.1}\n";
  static const struct {
    const char *arguments[3], *key, *here, *there;
  } rows[] = {
      {{NULL}, "", "", ""},
      {{"-time_step", "0.2"}, "time_step", "0.2", "0.1"},
      {{"-grid_cells", "65"}, "grid_cells", "[65]", "[64]"},
      {{"-geometry_mmd", "1"}, "geometry_mmd", "1", ""},
      {{"-geometry_stein_2_kernel_bandwidth", "1"}, "geometry_stein_2_kernel_bandwidth", "1", "2"},
      {{"-geometry_ridge_stein_ridge", "1"}, "geometry_ridge_stein_ridge", "1", ""},
      {{"-output_directory", "other"}, "", "", ""},
      {{"-study_vary", "time_step"}, "", "", ""},
      {{"-time_scheme", "auto"}, "time_scheme", "auto", ""}};
  static const char *const except[] = {"output_directory", "study_*", NULL};
  char key[64], here[64], there[64];
  const char *effective;
  MuCase first, c;
  OK(read_text(text, NULL, &first));
  OK(MuCaseGetEffective(first, &effective));
  for (size_t k = 0; k < sizeof rows / sizeof *rows; ++k) {
    OK(read_text(text, rows[k].arguments, &c));
    OK(MuCaseCompare(c, effective, except, key, here, there));
    ck_assert_str_eq(key, rows[k].key);
    ck_assert_str_eq(here, rows[k].here);
    ck_assert_str_eq(there, rows[k].there);
    const char *own;
    OK(MuCaseGetEffective(c, &own));
    OK(MuCaseCompare(first, own, except, key, here, there));
    ck_assert_str_eq(key, rows[k].key);
    ck_assert_str_eq(there, rows[k].here);
    OK(MuCaseDestroy(&c));
  }
  OK(read_text("grid: {lower: [-6], upper: [6], cells: [64]}\n"
               "energy: {l2: 2, kl: 1}\n"
               "geometry: {wasserstein: 1, stein: [{weight: 1}, {weight: 1, kernel: {bandwidth: "
               "2}}],\n"
               "           ridge_stein: 1}\n"
               "time: {end: 1, step: 0.1}\n"
               "output: {directory: out, every: 0.1}\n",
               NULL, &c));
  OK(MuCaseCompare(c, effective, except, key, here, there));
  ck_assert_str_eq(key, "energy");
  OK(MuCaseDestroy(&c));
  OK(MuCaseDestroy(&first));
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("case");
  TCase *t = tcase_create("case");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_test(t, values_are_what_the_file_says);
  tcase_add_test(t, absent_keys);
  tcase_add_test(t, weights_come_in_the_order_given);
  tcase_add_test(t, kernel_geometries_are_not_keys_of_a_kernel);
  tcase_add_test(t, mappings_lists_and_flat_keys_are_the_same);
  tcase_add_test(t, keys_of_the_block_are_defaults);
  tcase_add_test(t, anchors_and_merges);
  tcase_add_test(t, mistakes_in_summands);
  tcase_add_test(t, the_command_line_wins);
  tcase_add_test(t, the_file_is_found_among_the_arguments);
  tcase_add_test(t, effective_yaml_gives_the_same_case);
  tcase_add_test(t, nested_and_flat_are_the_same);
  tcase_add_test(t, grid_and_kernel_specifications);
  tcase_add_test(t, grid_specifications_that_do_not_fit);
  tcase_add_test(t, domain_files);
  tcase_add_test(t, mistakes_in_the_file);
  tcase_add_test(t, mistakes_on_the_command_line);
  tcase_add_test(t, files_that_cannot_be_read);
  tcase_add_test(t, every_typo_finds_its_key);
  tcase_add_test(t, without_tables_every_key_is_taken);
  tcase_add_test(t, tables_are_searched);
  tcase_add_test(t, keys_are_told_once);
  tcase_add_test(t, rows_are_wrapped);
  tcase_add_test(t, switches_of_petsc_leave_the_case_alone);
  tcase_add_test(t, intervals);
  tcase_add_test(t, cases_are_compared_key_by_key);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
