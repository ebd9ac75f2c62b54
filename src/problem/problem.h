/* Private to problem/ and the floors above: the parts of a case, built one by one. All functions
   are collective; MU_ERR_INPUT, MU_ERR_FILE: one sentence with the key. */
#ifndef MUDOT_PROBLEM_PRIVATE_H
#define MUDOT_PROBLEM_PRIVATE_H

#include "measure/law.h"
#include "mudot/output.h"
#include "mudot/problem.h"

struct _p_MuProblem {
  MuProblemParts parts;
  MuFormula formula[MU_MAX_TERMS]; /* of the energy's terms, NULL where they have none */
  PetscBool quiet; /* another problem of the same case has said what there is to say */
};

/* The grid with its mask (domain.c). Refuses one that does not fit into memory. refinement: 1, or
   every cell is cut into so many along each axis, and those under the mask stay the same. */
PetscErrorCode MuCaseCreateGrid(MuCase c, PetscInt refinement, MuGrid *grid);
/* d from the grid, from particles_dimension, or from the lengths of means and covariances. */
PetscErrorCode MuCaseGetDimension(MuCase c, PetscBool has_grid, PetscInt *dim);
/* About how much memory an extrapolating run on that grid takes. Not collective. */
PetscErrorCode MuCaseEstimateMemory(MuCase c, PetscInt refinement, PetscReal *bytes);
/* MuProblemCreate() on that grid; everything that a case gives by functions is evaluated there. */
PetscErrorCode MuProblemCreateRefined(MuCase c, PetscInt refinement, MuProblem *problem);
/* Grid, densities, energy and geometry of a case on another grid, with these densities (log_target
   may be NULL), all referenced; no time and output. Errors as MuProblemCreate(). */
PetscErrorCode MuProblemCreateOn(MuCase c, MuGrid grid, Vec log_target, Vec initial,
                                 MuProblem *problem);

/* log of the density of a block, "target" or "initial", with its mass, as a new field
   (densities.c). */
PetscErrorCode MuCaseCreateLogDensity(MuCase c, const char *block, MuGrid grid, Vec *log_density);
/* MU_ERR_INPUT if a block has another mass than 1: "target_mass: 2 is not allowed; `who`
   probability measures". A stored run's own mass is none of the block's. */
PetscErrorCode MuCaseNeedProbability(MuCase c, const char *block, const char *who);
/* The law of a block in R^dim, as particles meet it, without its mass; grid NULL: none. */
PetscErrorCode MuCaseCreateLaw(MuCase c, const char *block, PetscInt dim, MuGrid grid, MuLaw *law);
/* The density of a block of type run: its keys directory, and time or snapshot. The caller frees
   stored->values (stored_density.c). */
PetscErrorCode MuCaseReadStored(MuCase c, const char *block, MuCellDensity *stored);
/* The points of a block of type samples on a grid, those beyond walls left out, [n][dim]; NULL: it
   is of another type. The caller frees them. */
PetscErrorCode MuCaseReadSamples(MuCase c, const char *block, const MuGridInfo *info, PetscInt *n,
                                 PetscReal **points);
/* Bandwidths that are words become numbers, noted in the case, if it has a target (bandwidth.c).
   Changes the effective text: before that is asked for. */
PetscErrorCode MuCaseChooseBandwidths(MuCase c);
/* Whether a block is one Gaussian without a background. */
PetscErrorCode MuCaseHasGaussian(MuCase c, const char *block, PetscBool *has);
/* 1/(largest variance) of a Gaussian target in R^dim, its constant in the logarithmic Sobolev
   inequality int rho log rho dpi <= 1/(2c) int |grad rho|^2/rho dpi, also in a convex part of the
   space; NaN for other targets. */
PetscErrorCode MuCaseGetLogSobolev(MuCase c, PetscInt dim, PetscReal *constant);
/* MU_ERR_INPUT if the density of a block, where it is given, has no limit on finer and finer grids
   of the case. */
PetscErrorCode MuCaseCheckLimit(MuCase c, const char *block);
/* parts->initial: rho_0 = exp of its logarithm; outside cells 0. Needs the grid. */
PetscErrorCode MuProblemCreateInitial(MuCase c, MuProblemParts *parts);

/* The kernel of a summand: its own, or that of its block ("energy", "geometry"). *given as in
   MuCaseGetKernelSpec() (specs.c). */
PetscErrorCode MuCaseGetSummandKernelSpec(MuCase c, const char *block, const MuCaseSummand *summand,
                                          MuKernelSpec *spec, PetscBool *given);
/* Returns `code` after a sentence of MU_ERR_INPUT about the kernel of `block`, as in
   MuCaseGetKernelSpec(), "kernel_KEY: ...", has been made to begin with the key that the case
   gives. */
PetscErrorCode MuCaseNameKernelKey(MuCase c, const char *block, const MuKernelSpec *spec,
                                   PetscErrorCode code);
/* The block of the kernel that the summands of "energy" or "geometry" have in common: that of the
   first which takes one. */
#define MU_KERNEL_BLOCK 96
PetscErrorCode MuCaseFindKernelBlock(MuCase c, const char *block, char name[MU_KERNEL_BLOCK]);
/* The kernel that the summands which take one have in common, else that of the block; *other: the
   first summand whose kernel is not that of those before it; -1: there is none. */
PetscErrorCode MuCaseFindCommonKernel(MuCase c, const char *block, PetscInt n,
                                      const MuCaseSummand summands[], MuKernelSpec *spec,
                                      PetscBool *given, PetscInt *other);

/* The error that a reference states in its dataset /error/NAME, at a time: between two snapshots
   the larger one. NaN where it states none. Not collective. MU_ERR_FILE. */
PetscErrorCode MuRunReaderError(MuRunReader reader, const char *name, PetscReal time,
                                PetscReal *error);

/* Kernels, energy and geometry (system.c), checked against each other and against the densities.
   Needs the grid, the target and the initial density. */
PetscErrorCode MuProblemCreateSystem(MuCase c, MuProblem problem);

/* time_transport_solver, AUTO where it is not given. */
PetscErrorCode MuCaseGetTransportSolver(MuCase c, MuTransportSolver *solver);
/* The time block; the default step is a hundredth of the end. */
PetscErrorCode MuCaseGetTime(MuCase c, MuFlowSpec *spec);
/* The output times up to `end`, ascending; the caller frees *times with PetscFree(). */
PetscErrorCode MuCaseGetSnapshots(MuCase c, PetscReal end, PetscInt *snapshots, PetscReal **times);

#endif
