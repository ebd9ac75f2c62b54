/* The table of keys: it serves validation, --help and the nearest key of a misspelt one. The
   numbers of operators, energies and kernels come from their own tables: key_find.c. */
#include "case/keys.h"

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
                                     "system_a",
                                     "system_b",
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
    {"grid", "labels", MU_KEY_TEXT, 2,
     .doc = "what the axes of figures say, with units, one text per axis"},

    {DENSITY, "type", MU_KEY_TEXT, 1,
     .doc = "what the density is made from (mudot list densities)"},
    {DENSITY, "mean", MU_KEY_REAL, 0, .doc = "gaussian: mean"},
    {DENSITY, "covariance", MU_KEY_REAL, 0, .doc = "gaussian: covariance, d x d, row-major"},
    {DENSITY, "weights", MU_KEY_REAL, 0, MU_NOT_NEGATIVE, .doc = "mixture: weights, normalised"},
    {DENSITY, "means", MU_KEY_REAL, 0, .doc = "mixture: means, one after the other"},
    {DENSITY, "covariances", MU_KEY_REAL, 0, .doc = "mixture: covariances, one after the other"},
    {DENSITY, "lower", MU_KEY_REAL, 0, .doc = "uniform: lower corner (default: the whole domain)"},
    {DENSITY, "upper", MU_KEY_REAL, 0, .doc = "uniform: upper corner (default: the whole domain)"},
    {DENSITY, "density", MU_KEY_TEXT, 1, .doc = "formula: the density in x, y, normalised"},
    {DENSITY, "log_density", MU_KEY_TEXT, 1, .doc = "formula: its logarithm, e.g. \"-V\""},
    {DENSITY, "file", MU_KEY_TEXT, 1, .doc = "file: HDF5, .npy or PGM file; samples: CSV or .npy"},
    {DENSITY, "dataset", MU_KEY_TEXT, 1, .doc = "dataset of an HDF5 file, or array of a .npz file"},
    {DENSITY, "directory", MU_KEY_TEXT, 1, .doc = "run: directory of the run, or its run.h5"},
    {DENSITY, "time", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "run: time of the density; between snapshots it is their mixture"},
    {DENSITY, "snapshot", MU_KEY_INT, 1, MU_NOT_NEGATIVE,
     .doc = "run: number of the snapshot instead, from 0 (default: the last)"},
    {DENSITY, "columns", MU_KEY_TEXT, 0, .doc = "samples: columns by name or number, one per axis"},
    {DENSITY, "bandwidth", MU_KEY_REAL, 2, MU_POSITIVE,
     .doc = "samples: bandwidth, one or one per axis"},
    {DENSITY, "smoothing", MU_KEY_CHOICE, 1, .allowed = "gaussian|none",
     .doc = "samples: kernel density estimate, or the binned empirical measure"},
    {DENSITY, "samples_file", MU_KEY_TEXT, 1, .same_as = "file"},
    {DENSITY, "samples_dataset", MU_KEY_TEXT, 1, .same_as = "dataset"},
    {DENSITY, "samples_columns", MU_KEY_TEXT, 0, .same_as = "columns"},
    {DENSITY, "samples_bandwidth", MU_KEY_REAL, 2, MU_POSITIVE, .same_as = "bandwidth"},
    {DENSITY, "samples_smoothing", MU_KEY_CHOICE, 1, .allowed = "gaussian|none",
     .same_as = "smoothing"},
    {DENSITY, "background", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "uniform background added before normalising"},
    {DENSITY, "mass", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "mass of the whole (default 1; run: what is stored)"},

    {"geometry", "spherical", MU_KEY_BOOL, 1, .doc = "project the reaction part to conserve mass"},
    {"geometry", "face_mean", MU_KEY_CHOICE, 1,
     .allowed = "auto|logarithmic|arithmetic|upwind|limited|stolarsky",
     .doc = "mean of the density over a face (default auto)"},

    {KERNEL, "type", MU_KEY_TEXT, 1, .doc = "kernel family (mudot list kernels)"},
    {KERNEL, "bandwidth", MU_KEY_REAL, 1, MU_POSITIVE, .allowed = "median|scott",
     .doc = "bandwidth h, the length scale; or median, of distances under the target, or scott"},
    {KERNEL, "normalization", MU_KEY_CHOICE, 1, .allowed = "mass|peak",
     .doc = "integral 1 (default) or k(0) = 1"},
    {KERNEL, "extension", MU_KEY_CHOICE, 1, .allowed = "zero|reflect|periodic|mask",
     .doc = "how the kernel meets a wall (default reflect)"},

    {"time", "end", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "final time"},
    {"time", "step", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "step size, the first one if adaptive"},
    {"time", "scheme", MU_KEY_TEXT, 1, .doc = "time integrator (mudot list schemes; default auto)"},
    {"time", "adapt", MU_KEY_BOOL, 1, .doc = "adaptive step size"},
    {"time", "tolerance", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "error of a step; without step the scheme chooses its own"},
    {"time", "verify", MU_KEY_BOOL, 1,
     .doc = "solve at a tenth of the tolerance as well and tell the difference"},
    {"time", "steady", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "end before `end` where energy and density change at this part of their first rates"},
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
    {"output", "ledger", MU_KEY_TEXT, 1,
     .doc = "rows of the ledger: every step (default), a number of steps, or output"},
    {"output", "convexity", MU_KEY_REAL, 1,
     .doc = "lambda, if F is lambda-convex along the geometry: the ledger bounds the distance"},
    {"output", "grid_indicator", MU_KEY_BOOL, 1,
     .doc = "what doubled cells make of the velocity at output times (default true)"},
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
    {"particles", "weight_step", MU_KEY_TEXT, 1,
     .doc = "ift: mmd (default), projected, entropic; wfr: multiplicative (default), birth_death"},
    {"particles", "noise", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "mmd_flow_noise: level of the first step"},
    {"particles", "noise_decay", MU_KEY_REAL, 1, MU_NOT_NEGATIVE,
     .doc = "mmd_flow_noise: step k has the level noise (k+1)^-noise_decay (default 0)"},
    {"particles", "noise_until", MU_KEY_INT, 1, MU_NOT_NEGATIVE,
     .doc = "mmd_flow_noise: from this step on there is no noise (default: to the end)"},
    {"particles", "target_samples", MU_KEY_CHOICE, 1, .allowed = "exact|fixed|fresh",
     .doc =
         "target of energy mmd: itself (default), samples, new samples each step; also of npmle, "
         "moreau, kale, drmmd"},
    {"particles", "target_count", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "number of these samples (default count)"},
    {"particles", "test_count", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "samples of the target that mmd2 is measured with (default 1000)"},
    {"particles", "ledger_every", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "steps from one row of the ledger to the next (default 1)"},
    {"particles", "step_tolerance", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "steps as long as their error allows, relative; time_step is the first"},
    {"particles", "tolerance", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "ift: of the optimality conditions of the weight step, relative to the energy (1e-10)"},
    {"study", "type", MU_KEY_CHOICE, 1,
     .allowed = "gamma|order|rate|balance|particles|contraction|equivalence|inequality|curve",
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
    {"study", "estimates", MU_KEY_BOOL, 1,
     .doc = "whether every run is made again on half the cells and with twice the step, so that "
            "errors are known; without, no claim holds or fails (default true)"},
    {"study", "ranks_per_run", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "ranks that solve each run together, the runs side by side (default: 1, or as many as "
            "let the runs of a machine fit into its memory)"},
    {"study", "limit", MU_KEY_TEXT, 1,
     .doc = "gamma: auto (from the geometry or energy) or the name of the limit"},
    {"study", "of", MU_KEY_TEXT, 1,
     .doc =
         "gamma, curve: error whose order is claimed (density_error_l1, total_error), the others "
         "need half of it; rate: diagnostic in place of F"},
    {"study", "expect_order", MU_KEY_REAL, 1, MU_POSITIVE, .doc = "order that is claimed"},
    {"study", "expect_rate", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "rate: c of F(t) <= exp(-c t) F(0), contraction: of d(t) <= exp(-c t) d(0), instead of "
            "the theorem's"},
    {"study", "distance", MU_KEY_CHOICE, 1, .allowed = "l1|hellinger|w2|mmd|hellinger_kantorovich",
     .doc = "contraction, equivalence: between the two solutions (default l1)"},
    {"study", "shape", MU_KEY_BOOL, 1,
     .doc = "equivalence: compare the densities over their masses, and the masses with their law"},
    {"study", "tolerance", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "by how much the order may be missed (0.25; particles: 0.1); rate: relative (0.02)"},
    {"study", "exact", MU_KEY_TEXT, 1,
     .doc = "order: exact solution to compare with (mudot list exact_solutions)"},
    {"study", "reference", MU_KEY_TEXT, 1,
     .doc = "order: directory of a stored run to compare with"},
    {"study", "theorem", MU_KEY_CHOICE, 1,
     .allowed =
         "auto|interaction_force|log_sobolev|spectral_gap|lojasiewicz|poincare|convexity|late",
     .doc = "rate: whose constant is checked (default auto)"},
    {"study", "window", MU_KEY_REAL, 2, MU_NOT_NEGATIVE,
     .doc = "rate: times between which the exponent is fitted"},
    {"study", "systems", MU_KEY_TEXT, 0,
     .doc = "balance: list of geometry:energy:scheme, parts joined by +"},
    {"study", "curve", MU_KEY_CHOICE, 1, .allowed = "geodesic|linear|translation|run",
     .doc = "curve: from the density of system_a to that of system_b, or as it says (geodesic)"},
    {"study", "pieces", MU_KEY_INT, 1, MU_POSITIVE, .doc = "curve: pieces it is cut into (64)"},
    {"study", "shift", MU_KEY_REAL, 1, .doc = "curve: how far a translation goes along x"},
    {"study", "directory", MU_KEY_TEXT, 1, .doc = "curve: the run whose snapshots are the curve"},
    {"study", "expect_constant", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "inequality: c of 2 R*(mu, -DF) >= c F that is claimed to be sharp"},
    {"study", "starts", MU_KEY_INT, 1, MU_POSITIVE,
     .doc = "inequality: starts of the search on its coarsest grid (24)"},
    {"study", "floor", MU_KEY_REAL, 1, MU_POSITIVE,
     .doc = "inequality: least density over the target's that the search allows (1e-6)"},
    {"study", "expect", MU_KEY_CHOICE, 1, .allowed = "holds|fails|undecided",
     .doc = "verdict that make studies counts as right (default holds)"},
    {"system_a|system_b", "BLOCK_KEY", MU_KEY_TEXT, 1,
     .doc = "BLOCK: {KEY: ...} of one of two systems, in place of the case's"},
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

PetscBool MuKeyInList(const char *list, const char *word) {
  char item[MU_KEY_LENGTH];
  for (PetscInt i = 0; list && MuKeyWord(list, i, item); ++i)
    if (strcmp(item, word) == 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscBool MuKeyIsBlock(const char *name) {
  for (const char *const *block = mu_key_blocks; *block; ++block)
    if (strcmp(*block, name) == 0) return PETSC_TRUE;
  return PETSC_FALSE;
}
