/* The table of keys: it serves validation, --help and the nearest key of a misspelt one. */
#include "case/keys.h"
#include "case/print.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define DENSITY "target|initial"
#define KERNEL  "kernel|energy_kernel|geometry_kernel|diagnostics_kernel"

const char *const mu_key_blocks[] = {"grid",
                                     "target",
                                     "initial",
                                     "energy",
                                     "geometry",
                                     "kernel",
                                     "energy_kernel",
                                     "geometry_kernel",
                                     "diagnostics_kernel",
                                     "time",
                                     "output",
                                     "particles",
                                     "study",
                                     NULL};

const MuKeyRow mu_keys[] = {
    {"grid", "lower", MU_KEY_REAL, 2, .doc = "lower corner of the box, one number per axis"},
    {"grid", "upper", MU_KEY_REAL, 2, .doc = "upper corner of the box, one number per axis"},
    {"grid", "cells", MU_KEY_INT, 2, MU_POSITIVE, .doc = "number of cells, one per axis"},
    {"grid", "boundary", MU_KEY_CHOICE, 2, .allowed = "no_flux|periodic",
     .doc = "boundary condition, one or one per axis (default no_flux)"},
    {"grid", "mask", MU_KEY_TEXT, 1, .doc = "PGM image of the domain, light = inside"},
    {"grid", "mask_formula", MU_KEY_TEXT, 1, .doc = "formula in x, y; > 0 = inside"},
    {"grid", "file", MU_KEY_TEXT, 1,
     .doc = "domain file whose grid block is read below these keys"},

    {DENSITY, "type", MU_KEY_CHOICE, 1, .allowed = "gaussian|mixture|uniform|formula|file|samples",
     .doc = "what the density is made from"},
    {DENSITY, "mean", MU_KEY_REAL, 0, .doc = "gaussian: mean"},
    {DENSITY, "covariance", MU_KEY_REAL, 0, .doc = "gaussian: covariance, d x d, row-major"},
    {DENSITY, "weights", MU_KEY_REAL, 0, MU_NOT_NEGATIVE, .doc = "mixture: weights, normalised"},
    {DENSITY, "means", MU_KEY_REAL, 0, .doc = "mixture: means, one after the other"},
    {DENSITY, "covariances", MU_KEY_REAL, 0, .doc = "mixture: covariances, one after the other"},
    {DENSITY, "lower", MU_KEY_REAL, 0, .doc = "uniform: lower corner (default: the whole domain)"},
    {DENSITY, "upper", MU_KEY_REAL, 0, .doc = "uniform: upper corner (default: the whole domain)"},
    {DENSITY, "density", MU_KEY_TEXT, 1, .doc = "formula: the density in x, y, normalised"},
    {DENSITY, "log_density", MU_KEY_TEXT, 1, .doc = "formula: its logarithm, e.g. \"-V\""},
    {DENSITY, "file", MU_KEY_TEXT, 1, .doc = "file: HDF5 file or PGM image; samples: CSV file"},
    {DENSITY, "dataset", MU_KEY_TEXT, 1, .doc = "file: dataset of an HDF5 file"},
    {DENSITY, "columns", MU_KEY_TEXT, 0, .doc = "samples: columns by name or number, one per axis"},
    {DENSITY, "bandwidth", MU_KEY_REAL, 2, MU_POSITIVE,
     .doc = "samples: bandwidth, one or one per axis"},
    {DENSITY, "smoothing", MU_KEY_CHOICE, 1, .allowed = "gaussian|none",
     .doc = "samples: kernel density estimate, or the binned empirical measure"},
    {DENSITY, "samples_file", MU_KEY_TEXT, 1, .same_as = "file"},
    {DENSITY, "samples_columns", MU_KEY_TEXT, 0, .same_as = "columns"},
    {DENSITY, "samples_bandwidth", MU_KEY_REAL, 2, MU_POSITIVE, .same_as = "bandwidth"},
    {DENSITY, "samples_smoothing", MU_KEY_CHOICE, 1, .allowed = "gaussian|none",
     .same_as = "smoothing"},
    {DENSITY, "background", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "uniform background added before normalising"},

    {"energy", "*", MU_KEY_REAL, 1, .doc = "weight of the energy NAME (mudot list energies)"},
    {"energy", "power_exponent", MU_KEY_REAL, 1, .doc = "exponent p of power"},
    {"energy", "internal_exponent", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "exponent m of internal"},
    {"energy", "potential_formula", MU_KEY_TEXT, 1, .doc = "V(x, y) of potential"},
    {"energy", "interaction_formula", MU_KEY_TEXT, 1, .doc = "W(x, y) of interaction, even"},

    {"geometry", "*", MU_KEY_REAL, 1, .doc = "weight of the geometry NAME (mudot list geometries)"},
    {"geometry", "spherical", MU_KEY_BOOL, 1, .doc = "project the reaction part to conserve mass"},
    {"geometry", "ridge", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "lambda of ridge_fisher_rao, ridge_stein, mmd"},
    {"geometry", "mobility_exponent", MU_KEY_REAL, 1,
     .doc = "exponent m of power_mobility, wasserstein_mobility"},
    {"geometry", "face_mean", MU_KEY_CHOICE, 1,
     .allowed = "auto|logarithmic|arithmetic|upwind|stolarsky",
     .doc = "mean of the density over a face (default auto)"},

    {KERNEL, "type", MU_KEY_TEXT, 1, .doc = "kernel family (mudot list kernels)"},
    {KERNEL, "bandwidth", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "bandwidth h, the length scale"},
    {KERNEL, "normalization", MU_KEY_CHOICE, 1, .allowed = "mass|peak",
     .doc = "integral 1 (default) or k(0) = 1"},
    {KERNEL, "extension", MU_KEY_CHOICE, 1, .allowed = "zero|reflect|periodic",
     .doc = "how the kernel meets a wall (default reflect)"},
    {KERNEL, "smoothness", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "matern: 0.5, 1.5 or 2.5"},
    {KERNEL, "order", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "bessel: order s"},
    {KERNEL, "exponent", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "riesz: exponent r, below 2"},

    {"time", "end", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "final time"},
    {"time", "step", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "step size, the first one if adaptive"},
    {"time", "scheme", MU_KEY_TEXT, 1, .doc = "time integrator (mudot list schemes; default auto)"},
    {"time", "adapt", MU_KEY_BOOL, 1, .doc = "adaptive step size"},
    {"time", "tolerance", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "error per step if adaptive"},
    {"time", "transport_solver", MU_KEY_CHOICE, 1, .allowed = "auto|coupled|dimension_split|direct",
     .doc = "linear solver of implicit transport steps (default auto)"},
    {"time", "wall_limit", MU_KEY_INTERVAL, 1,
     .doc = "stop in time for a checkpoint before this wall-clock time, e.g. 11h30min"},

    {"output", "directory", MU_KEY_TEXT, 1,
     .doc = "where run.h5, ledger.csv and run.xdmf go, or particles.h5"},
    {"output", "every", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "time between snapshots"},
    {"output", "times", MU_KEY_REAL, 0, MU_NOT_NEGATIVE, .doc = "times of snapshots, instead"},
    {"output", "diagnostics", MU_KEY_TEXT, 0,
     .doc = "extra ledger columns, names (mudot list diagnostics)"},
    {"output", "overwrite", MU_KEY_BOOL, 1,
     .doc = "replace the results in directory; on the command line only"},
    {"output", "checkpoint", MU_KEY_INTERVAL, 1, .allowed = "steps",
     .doc = "how often the state is kept for -restart: 10min (default), \"500 steps\", false"},
    {"particles", "method", MU_KEY_TEXT, 1, .doc = "particle method (mudot list methods)"},
    {"particles", "count", MU_KEY_INT, 1, MU_POSITIVE, .doc = "number of particles (default 1000)"},
    {"particles", "seed", MU_KEY_INT, 1, MU_NOT_NEGATIVE,
     .doc = "of all random numbers (default 1)"},
    {"particles", "dimension", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "d, where neither a grid nor a mean tells it"},
    {"particles", "weight_step", MU_KEY_CHOICE, 1,
     .allowed = "mmd|entropic|multiplicative|birth_death",
     .doc = "ift: mmd (default), entropic; wfr: multiplicative (default), birth_death"},
    {"particles", "noise", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "mmd_flow_noise: level of the first step"},
    {"particles", "noise_decay", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "mmd_flow_noise: step k has the level noise (k+1)^-noise_decay (default 0)"},
    {"particles", "target_samples", MU_KEY_CHOICE, 1, .allowed = "exact|fixed|fresh",
     .doc = "target of energy mmd: itself (default), samples, new samples each step"},
    {"particles", "target_count", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "number of these samples (default count)"},
    {"particles", "test_count", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "samples of the target that mmd2 is measured with (default 1000)"},
    {"particles", "ledger_every", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "steps from one row of the ledger to the next (default 1)"},
    {"particles", "tolerance", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "ift: of the optimality conditions of the weight step (default 1e-10)"},
    {"study", "type", MU_KEY_CHOICE, 1, .allowed = "gamma|order|rate|balance|particles",
     .doc = "what is studied"},
    {"study", "case", MU_KEY_TEXT, 1,
     .doc = "case file; the other blocks of the study file override it (default: the study file)"},
    {"study", "vary", MU_KEY_TEXT, 2, .doc = "key that is varied, or two along a curve"},
    {"study", "seeds", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "particles: seeds of each number of particles, from particles_seed on (10)"},
    {"study", "values", MU_KEY_REAL, 0, .doc = "its values, monotone"},
    {"study", "joint_factor", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "two keys: second = factor * first^power (default 1)"},
    {"study", "joint_power", MU_KEY_REAL, 1, .doc = "two keys: the power (default 1)"},
    {"study", "limit", MU_KEY_TEXT, 1,
     .doc = "gamma: auto (from the geometry or energy) or the name of the limit"},
    {"study", "expect_order", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "order that is claimed"},
    {"study", "expect_rate", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "rate: c of F(t) <= exp(-c t) F(0), instead of the theorem's"},
    {"study", "tolerance", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "by how much the order may be missed (0.25; particles: 0.1); rate: of log F (1e-3)"},
    {"study", "exact", MU_KEY_TEXT, 1,
     .doc = "order: exact solution to compare with (mudot list exact_solutions)"},
    {"study", "reference", MU_KEY_TEXT, 1,
     .doc = "order: directory of a stored run to compare with"},
    {"study", "theorem", MU_KEY_CHOICE, 1,
     .allowed = "auto|interaction_force|log_sobolev|spectral_gap|lojasiewicz",
     .doc = "rate: whose constant is checked (default auto)"},
    {"study", "window", MU_KEY_REAL, 2, MU_NOT_NEGATIVE,
     .doc = "rate: times between which the exponent is fitted"},
    {"study", "systems", MU_KEY_TEXT, 0,
     .doc = "balance: list of geometry:energy:scheme, parts joined by +"},
    {"study", "expect", MU_KEY_CHOICE, 1, .allowed = "holds|fails|undecided",
     .doc = "verdict that make studies counts as right (default holds)"},
};
const PetscInt mu_key_count = sizeof mu_keys / sizeof *mu_keys;

PetscBool MuKeyWord(const char *list, PetscInt i, char word[MU_KEY_LENGTH]) {
  for (; i > 0; --i) {
    list = strchr(list, '|');
    if (!list) return PETSC_FALSE;
    list++;
  }
  const char *end = strchr(list, '|');
  size_t length = end ? (size_t)(end - list) : strlen(list);
  if (length > MU_KEY_LENGTH - 1) length = MU_KEY_LENGTH - 1;
  memcpy(word, list, length);
  word[length] = 0;
  return PETSC_TRUE;
}

/* Calls visit with the full name of every key, in table order. */
static void every_key(void (*visit)(void *ctx, const MuKeyRow *row, const char *block,
                                    const char *full),
                      void *ctx) {
  char block[MU_KEY_LENGTH], full[2 * MU_KEY_LENGTH];
  for (PetscInt r = 0; r < mu_key_count; ++r)
    for (PetscInt b = 0; MuKeyWord(mu_keys[r].blocks, b, block); ++b) {
      char *end = stpcpy(full, block); /* every look-up comes by here: no printf */
      *end = '_';
      stpcpy(end + 1, mu_keys[r].name);
      visit(ctx, &mu_keys[r], block, full);
    }
}

typedef struct {
  const char *name;
  const MuKeyRow *row;
  char *canonical;
} Search;

static void compare_key(void *ctx, const MuKeyRow *row, const char *block, const char *full) {
  Search *search = ctx;
  const size_t length = strlen(block) + 1; /* "block_" */
  if (row->name[0] == '*') {
    if (strncmp(search->name, full, length) != 0 || !search->name[length]) return;
    if (search->row) return; /* a key of its own goes before the weights */
  } else if (strcmp(search->name, full) != 0)
    return;
  search->row = row;
  char synonym[2 * MU_KEY_LENGTH];
  if (row->same_as) snprintf(synonym, sizeof synonym, "%s_%s", block, row->same_as);
  (void)PetscStrncpy(search->canonical, row->same_as ? synonym : search->name, MU_KEY_LENGTH);
}

const MuKeyRow *MuKeyFind(const char *name, char canonical[MU_KEY_LENGTH]) {
  Search search = {.name = name, .canonical = canonical};
  if (strlen(name) < MU_KEY_LENGTH) every_key(compare_key, &search);
  return search.row;
}

/* geometry_kernel_fisher_rao is a weight of geometry although geometry_kernel is a block. */
void MuKeySplit(const char *name, const char **block, const char **rest) {
  char canonical[MU_KEY_LENGTH];
  const MuKeyRow *row = MuKeyFind(name, canonical);
  size_t longest = 0;
  *block = "";
  *rest = name;
  for (const char *const *b = mu_key_blocks; *b; ++b) {
    size_t length = strlen(*b);
    if (length <= longest || strncmp(name, *b, length) != 0 || name[length] != '_') continue;
    if (row && row->name[0] == '*' && strcmp(row->blocks, *b) != 0) continue;
    longest = length;
    *block = *b;
    *rest = name + length + 1;
  }
}

PetscBool MuKeyIsBlock(const char *name) {
  for (const char *const *block = mu_key_blocks; *block; ++block)
    if (strcmp(*block, name) == 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Edit distance with transposition of neighbours (optimal string alignment). */
static PetscInt edit_distance(const char *a, const char *b) {
  PetscInt row[3][MU_KEY_LENGTH + 1], *before = row[0], *last = row[1], *here = row[2];
  const PetscInt n = (PetscInt)strlen(a), m = (PetscInt)strlen(b);
  for (PetscInt j = 0; j <= m; ++j) last[j] = j;
  for (PetscInt i = 1; i <= n; ++i) {
    here[0] = i;
    for (PetscInt j = 1; j <= m; ++j) {
      here[j] = PetscMin(PetscMin(last[j], here[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here[j] = PetscMin(here[j], before[j - 2] + 1);
    }
    PetscInt *oldest = before;
    before = last;
    last = here;
    here = oldest;
  }
  return last[m];
}

/* A word that is the end of a key (its block was left out) is as near as one wrong letter. */
void MuNearestOffer(MuNearest *nearest, const char *candidate) {
  char word[MU_KEY_LENGTH];
  size_t length, whole = strlen(candidate);
  snprintf(word, sizeof word, "%s", nearest->word);
  length = strlen(word);
  PetscInt distance = edit_distance(word, candidate);
  if (whole > length && candidate[whole - length - 1] == '_' &&
      strcmp(candidate + whole - length, word) == 0)
    distance = 1;
  if (nearest->best[0] && distance >= nearest->distance) return;
  nearest->distance = distance;
  snprintf(nearest->best, sizeof nearest->best, "%s", candidate);
}

static void offer_key(void *ctx, const MuKeyRow *row, const char *block, const char *full) {
  (void)block;
  if (row->name[0] != '*' && !row->same_as) MuNearestOffer(ctx, full);
}

void MuNearestOfferKeys(MuNearest *nearest) {
  every_key(offer_key, nearest);
}

static const char *value_word(const MuKeyRow *row) {
  switch (row->type) {
  case MU_KEY_REAL:
    return row->most == 1 ? "NUMBER" : "NUMBERS";
  case MU_KEY_INT:
    return row->most == 1 ? "INTEGER" : "INTEGERS";
  case MU_KEY_BOOL:
    return "true|false";
  case MU_KEY_TEXT:
    return row->most == 1 ? "TEXT" : "WORDS";
  case MU_KEY_INTERVAL:
    return "INTERVAL";
  case MU_KEY_CHOICE:
    break;
  }
  return "WORD";
}

static PetscBool in_list(const char *list, const char *word) {
  char item[MU_KEY_LENGTH];
  for (PetscInt i = 0; list && MuKeyWord(list, i, item); ++i)
    if (strcmp(item, word) == 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Weights stand as block_NAME; second spellings are not told. */
PetscErrorCode MuCaseGetKey(PetscInt i, MuKeyInfo *key) {
  static char name[2 * MU_KEY_LENGTH];

  PetscFunctionBegin;
  *key = (MuKeyInfo){0};
  for (const char *const *block = mu_key_blocks; *block; ++block)
    for (PetscInt r = 0; r < mu_key_count; ++r) {
      const MuKeyRow *row = &mu_keys[r];
      if (row->same_as || !in_list(row->blocks, *block) || i-- != 0) continue;
      snprintf(name, sizeof name, "%s_%s", *block, row->name[0] == '*' ? "NAME" : row->name);
      *key = (MuKeyInfo){.name = name,
                         .block = *block,
                         .value = value_word(row),
                         .allowed = row->type == MU_KEY_CHOICE ? row->allowed : "",
                         .doc = row->doc};
      PetscFunctionReturn(0);
    }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ print */

#define PAGE_WIDTH 100

/* How much of the text goes on a line: up to a blank, or after the | of a list of words; at least
   one word. */
static size_t fitting(const char *text, size_t room) {
  size_t best = 0;
  for (size_t n = 1; n <= strlen(text) && (n <= room || best == 0); ++n)
    if (!text[n] || text[n] == ' ' ||
        (n > 1 && text[n - 1] == '|' && islower((unsigned char)text[n - 2]) &&
         islower((unsigned char)text[n])))
      best = n;
  return best;
}

PetscErrorCode MuPrintRow(FILE *out, const char *name, int width, const char *text) {
  const int indent = width + 3;

  PetscFunctionBegin;
  fprintf(out, "  %-*s", width, name);
  do {
    const size_t length = fitting(text, PAGE_WIDTH - (size_t)indent);
    fprintf(out, " %.*s\n", (int)length, text);
    text += length;
    text += strspn(text, " ");
    if (*text) fprintf(out, "%*s", indent - 1, "");
  } while (*text);
  PetscFunctionReturn(0);
}

static PetscErrorCode print_row(FILE *out, const MuKeyRow *row, const char *block) {
  char name[2 * MU_KEY_LENGTH], head[3 * MU_KEY_LENGTH], text[512];

  PetscFunctionBegin;
  snprintf(name, sizeof name, "-%s_%s", block, row->name[0] == '*' ? "NAME" : row->name);
  snprintf(head, sizeof head, "%-29s %-11s", name, value_word(row));
  snprintf(text, sizeof text, "%s%s%s", row->doc, row->type == MU_KEY_CHOICE ? ": " : "",
           row->type == MU_KEY_CHOICE ? row->allowed : "");
  PetscCall(MuPrintRow(out, head, 41, text));
  PetscFunctionReturn(0);
}

/* The first block that has a row prints it in full; the others name their keys only. */
static PetscErrorCode print_block(FILE *out, const char *block) {
  char word[MU_KEY_LENGTH], names[1024] = "";
  size_t used = 0;

  PetscFunctionBegin;
  fprintf(out, "\n%s\n", block);
  for (PetscInt r = 0; r < mu_key_count; ++r) {
    const MuKeyRow *row = &mu_keys[r];
    if (row->same_as || !in_list(row->blocks, block)) continue;
    MuKeyWord(row->blocks, 0, word);
    if (strcmp(word, block) == 0) {
      PetscCall(print_row(out, row, block));
      continue;
    }
    if (used == 0) fprintf(out, "  the keys of %s:\n", word);
    used += (size_t)snprintf(names + used, sizeof names - used, "%s-%s_%s", used ? " " : "", block,
                             row->name);
  }
  if (used) PetscCall(MuPrintRow(out, "", 1, names));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCasePrintBlocks(FILE *out, const char *only, const char *except) {
  PetscFunctionBegin;
  for (const char *const *block = mu_key_blocks; *block; ++block)
    if ((!only || in_list(only, *block)) && !in_list(except, *block))
      PetscCall(print_block(out, *block));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCasePrintKeys(FILE *out) {
  return MuCasePrintBlocks(out, NULL, NULL);
}
