/* mudot new: a commented case that runs as it is, for a geometry and an energy of the tables. */
#include "command/command.h"
#include "command/options.h"

#include "base/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
  const char *geometry, *energy, *output;
  PetscInt dim;
  PetscBool overwrite;
} given;

static const MuOption options[] = {
    {"geometry", MU_OPTION_TEXT, &given.geometry,
     .doc = "name of the geometry (mudot list geometries; default: its first row)"},
    {"energy", MU_OPTION_TEXT, &given.energy,
     .doc = "name of the energy (mudot list energies; default: one that fits)"},
    {"dim", MU_OPTION_COUNT, &given.dim, .least = 1, .doc = "1 (default) or 2 axes"},
    {"output", MU_OPTION_TEXT, &given.output, .doc = "file .yaml; default: standard output"},
    {"overwrite", MU_OPTION_SWITCH, &given.overwrite, .doc = "replace the file"},
};
#define OPTIONS ((PetscInt)(sizeof options / sizeof *options))

typedef struct {
  MuSummandInfo geometry, energy;
} Chosen;

/* What a row needs, NULL: the first one; MU_ERR_INPUT names the nearest. */
static PetscErrorCode find(const char *kind, MuTableRow rows, MuSummandTable table,
                           const char *word, MuSummandInfo *info) {
  const char *name, *row, *formula;
  char nearest[64];

  PetscFunctionBegin;
  if (word)
    PetscCall(MuTableFind(rows, word, &name, nearest));
  else
    PetscCall(rows(0, &name, &formula));
  if (!name) return MuError(MU_ERR_INPUT, "%s: there is no \"%s\"%s", kind, word, nearest);
  for (PetscInt i = 0;; ++i) {
    PetscCall(rows(i, &row, &formula));
    if (!row) break;
    if (!strcmp(row, name)) PetscCall(table(i, info));
  }
  PetscFunctionReturn(0);
}

/* The energy that a geometry asks for: mmd where it applies the inverse of its kernel under a
   divergence, since that drives most others out of the densities; else NULL, the first row. */
static const char *energy_for(const char *geometry) {
  const MuGeometrySpec spec = {.parts = 1,
                               .part = {{.name = geometry, .weight = 1, .value = {1, 1, 1, 1}}}};
  const PetscReal value[MU_MAX_PARAMETERS] = {1, 1, 1, 1};
  const char *name = NULL, *formula;
  MuPartTraits traits;
  PetscReal p;

  if (MuGeometryGetTraits(&spec, 0, &traits)) return NULL;
  if (!traits.needs_inverse || traits.kind != MU_PART_TRANSPORT) return NULL;
  for (PetscInt i = 0; !MuEnergyGetTableRow(i, &name, &formula) && name; ++i)
    if (MuEnergyGetForm(name, value, &p) == MU_FORM_MMD) break;
  return name;
}

/* The default; otherwise 2 where the range allows it, and of what may come as near to 0 as one
   likes (a ridge) a small number. */
static PetscReal value_of(const MuParameter *p) {
  if (!p->required) return p->initial;
  if (p->above_low && p->low == 0 && p->high == PETSC_MAX_REAL) return 0.05;
  return MuParameterAllows(p, 2) ? 2 : 0.5 * (p->low + p->high);
}

/* "geometry: {ridge_stein: 1, ridge: 0.05}", then a comment for each number. */
static void print_block(FILE *out, const char *block, const MuSummandInfo *info) {
  char range[128];
  fprintf(out, "# %s = %s\n", strcmp(block, "energy") ? "K(mu) xi" : "F(mu)", info->formula);
  for (const MuParameter *p = info->parameters; p && p->name; ++p) {
    MuParameterRange(p, sizeof range, range);
    fprintf(out, "# %s: %s: %s\n", p->key ? p->key : p->name, p->doc, range);
  }
  fprintf(out, "%s:%*s{%s: 1", block, (int)(9 - strlen(block)), "", info->name);
  for (const MuParameter *p = info->parameters; p && p->name; ++p)
    fprintf(out, ", %s: %g", p->key ? p->key : p->name, value_of(p));
  if (info->function_key)
    fprintf(out, ", %s: \"%s\"", info->function_key, given.dim == 1 ? "x^2/2" : "(x^2 + y^2)/2");
  fprintf(out, "}\n");
}

static void print_densities(FILE *out) {
  const PetscBool line = (PetscBool)(given.dim == 1);
  fprintf(out,
          "# Where the flow goes, and where it begins; other types: mudot list densities. A target "
          "may also be\n# {type: formula, log_density: \"-V(x)\"} or {type: samples, file: "
          "points.csv}.\n");
  fprintf(out,
          "target:   {type: mixture, weights: [0.5, 0.5], means: [%s],\n           covariances: "
          "[%s], background: 0.01}\n",
          line ? "-1.5, 1.5" : "-1.5, 0, 1.5, 0",
          line ? "0.64, 0.64" : "0.64, 0, 0, 0.64, 0.64, 0, 0, 0.64");
  fprintf(out, "initial:  {type: gaussian, mean: [%s], covariance: [%s], background: 0.1}\n",
          line ? "0.5" : "0.5, 0.5", line ? "1" : "1, 0, 0, 1");
}

static void print_case(FILE *out, const Chosen *c) {
  const PetscBool line = (PetscBool)(given.dim == 1);
  fprintf(
      out,
      "# A gradient flow d mu/dt = -K(mu) DF(mu): mudot run FILE. Every key may be given on the "
      "command line too,\n# -time_step 0.005; mudot run --help has them all.\n");
  fprintf(out, "# The box and its cells, one number per axis; mask_formula: \"1 - x^2\" would cut "
               "out a domain.\n");
  fprintf(out, "grid:     {lower: [%s], upper: [%s], cells: [%s], boundary: no_flux}\n",
          line ? "-5" : "-4, -4", line ? "5" : "4, 4", line ? "128" : "32, 32");
  print_densities(out);
  print_block(out, "energy", &c->energy);
  print_block(out, "geometry", &c->geometry);
  if (c->energy.needs_kernel || c->geometry.needs_kernel)
    fprintf(out, "# k and its length scale; energy_kernel and geometry_kernel would part them.\n"
                 "kernel:   {type: matern, smoothness: 1.5, bandwidth: 0.5, extension: reflect}\n");
  fprintf(out, "# The scheme follows from the geometry and the energy; a shorter step is more "
               "accurate.\n");
  fprintf(out, "time:     {end: 1, step: 0.01}\n");
  fprintf(out,
          "# Snapshots every so often; diagnostics (mudot list diagnostics) are more columns of "
          "the ledger.\n");
  fprintf(out, "output:   {directory: out/new, every: 0.1, diagnostics: [l1]}\n");
}

static PetscErrorCode write_case(const Chosen *c) {
  FILE *out;

  PetscFunctionBegin;
  if (!given.output) {
    print_case(stdout, c);
    if (fflush(stdout)) return MuCannotWrite("standard output");
    PetscFunctionReturn(0);
  }
  if (!given.overwrite && access(given.output, F_OK) == 0)
    return MuError(MU_ERR_INPUT, "output: %s is there already; give another name or -overwrite",
                   given.output);
  out = MuFileCreate(given.output);
  if (!out) return MuCannotWrite(given.output);
  print_case(out, c);
  const int wrong = ferror(out);
  if (fclose(out) || wrong) return MuCannotWrite(given.output);
  PetscFunctionReturn(0);
}

static PetscErrorCode make_case(int argc, char **argv, MuOptions *o) {
  Chosen c = {.geometry = {.name = NULL}};

  PetscFunctionBegin;
  PetscCall(MuOptionsParse(o, argc, argv));
  if (o->files)
    return MuError(MU_ERR_INPUT, "new: \"%s\" is not an option; the file is -output FILE",
                   o->file[0]);
  if (given.dim > 2) return MuError(MU_ERR_INPUT, "dim: %d is not allowed; 1 or 2", (int)given.dim);
  PetscCall(
      find("geometry", MuGeometryGetTableRow, MuGeometryGetInfo, given.geometry, &c.geometry));
  const char *energy = given.energy ? given.energy : energy_for(c.geometry.name);
  PetscCall(find("energy", MuEnergyGetTableRow, MuEnergyGetInfo, energy, &c.energy));
  if (MuCommandPrints()) PetscCall(write_case(&c));
  PetscFunctionReturn(0);
}

static PetscErrorCode new (MuTableRow commands, int argc, char **argv) {
  MuOptions o = {.command = "new", .options = options, .count = OPTIONS};

  PetscFunctionBegin;
  (void)commands;
  given.geometry = given.energy = given.output = NULL;
  given.overwrite = PETSC_FALSE;
  given.dim = 1;
  PetscCall(PetscMalloc1(argc + 1, &o.file));
  PetscErrorCode code = make_case(argc, argv, &o);
  PetscCall(PetscFree(o.file));
  PetscFunctionReturn(code);
}

static PetscErrorCode help(FILE *out) {
  PetscFunctionBegin;
  MuOptionsPrint(out, options, OPTIONS);
  fprintf(out, "\n    mudot new -geometry stein -energy kl -dim 2 -output mine.yaml\n"
               "    mudot run mine.yaml\n");
  PetscFunctionReturn(0);
}

const MuCommand mu_command_new = {
    .name = "new",
    .usage = "[-option value ...]",
    .summary = "write a commented case that runs as it is",
    .run = new,
    .chapter = "cases",
    .help = help,
};
