/* Private to energy/: what a term of the energy is, and what all terms share.

   Arrays are those of this rank's cells, [n] row-major. In cells outside the mask rho = pi = 0;
   what a term writes there is ignored. */
#ifndef MUDOT_ENERGY_IMPL_H
#define MUDOT_ENERGY_IMPL_H

#include "grid/means.h"
#include "mudot/extend.h"

/* The table (table.c): the descriptor of a name, NULL if there is none; row i, NULL past the end.
   Not collective. */
const MuTermOps *MuTermFind(const char *name);
const MuTermOps *MuTermRow(PetscInt i);
extern const MuTermOps MuTermKL, MuTermInclusiveKL, MuTermHellinger, MuTermChi2, MuTermPower,
    MuTermMmd, MuTermL2, MuTermPotential, MuTermEntropy, MuTermInternal, MuTermInteraction,
    MuTermBlobEntropy, MuTermBlobInternal, MuTermBlobChi2, MuTermNpmle, MuTermKsd, MuTermMoreau,
    MuTermKale, MuTermDrMmd;

struct _p_MuEnergy {
  PetscInt references;
  PetscInt needs; /* MU_NEEDS_... of all terms */
  PetscInt terms;
  MuTerm term[MU_MAX_TERMS];
  const char *name[MU_MAX_TERMS]; /* labels */
  char label[MU_MAX_TERMS][64];
  PetscReal weight[MU_MAX_TERMS];
  MuShared shared;
  MuEnergySpec spec; /* names of the table; kernels and log_target are referenced */
  Vec log_target;    /* as given; NULL if not */
  PetscReal *log_pi;
  MuState state[2]; /* states under evaluation; log_rho is owned */
  MuPair pair;
  Vec mid;                  /* the midpoint of a pair; NULL before it is needed */
  PetscReal *share, *slope; /* one term's f_i and DF */
  PetscReal *slope2;        /* the second part of MuTermOps.split */
};

/* Fills state k with rho, its logarithm if a term has one of these `needs`; and gives the array
   back. */
PetscErrorCode MuEnergyStateBegin(MuEnergy energy, PetscInt k, Vec rho, PetscInt needs);
PetscErrorCode MuEnergyStateEnd(MuEnergy energy, PetscInt k);
/* y += weight * x on the inside cells; y = weight * y there and 0 outside, for a first term, which
   writes where the sum is to be. */
void MuEnergyScaleInside(const MuShared *shared, PetscReal weight, PetscReal *y);
void MuEnergyAddInside(const MuShared *shared, PetscReal weight, const PetscReal *x, PetscReal *y);

/* log(rho/pi): from rho - pi where the two are close, which keeps the digits that the difference of
   their logarithms loses (and is 0 where they are equal), else from that difference; log_rho and
   log_pi carry on where the densities underflow. The near branch is |z| <= 1/7. */
static inline PetscBool MuIsNear(PetscReal rho, PetscReal pi) {
  return (PetscBool)((PetscAbsReal(rho - pi) <= 0.25 * pi) & (pi > 1e-290));
}
static inline PetscReal MuRelativeLog(PetscReal rho, PetscReal pi, PetscReal log_rho,
                                      PetscReal log_pi) {
  const PetscBool near = MuIsNear(rho, pi);
  const PetscReal z = near ? (rho - pi) / (rho + pi) : 0;
  return near ? 2 * z * (1 + z * z * MuAtanhTail(z * z)) : log_rho - log_pi;
}

/* y_i = e^(x_i) - 1, log(1 + x_i); vectorised where the C library can. x and y may be the same. */
void MuArrayExpm1(PetscInt n, const PetscReal *x, PetscReal *y);
void MuArrayLog1p(PetscInt n, const PetscReal *x, PetscReal *y);

/* e_i = (e^(q t_i) - 1)/q, t_i at q = 0: the derivative of the power energies at log s = t. */
void MuPowerLog(PetscInt n, PetscReal q, const PetscReal *t, PetscReal *e);

/* Fills z, share, high, low and mid.log_rho of a pair whose a, b and mid are set. work: [n]. */
void MuPairPrepare(MuPair *pair, PetscInt n, PetscReal *work);

/* The quotient of r log r, without a prepared pair: log_m = log max(m, smallest normal number), m =
   (a + b)/2, and w = (b log b - a log a)/(b - a) - log m - 1, which is 0 for a = b. At most
   MU_PAIR_CHUNK numbers, so that they stay in the cache; logarithms of a and b are taken only where
   they are far apart. */
#define MU_PAIR_CHUNK 256
void MuPairLogarithm(PetscInt n, const PetscReal *a, const PetscReal *b, PetscReal *log_m,
                     PetscReal *w);

/* w = (R - 1)/q, q = p - 1, with (b^p - a^p)/(b - a) = p m^q R: the part of a difference quotient
   that vanishes with b - a; its limits at p = 0 and 1 included. For p <= 0 a zero among a, b counts
   as the smallest normal number. w and work: [n], different. */
void MuPairQuotient(const MuPair *pair, PetscInt n, PetscReal p, PetscReal *w, PetscReal *work);

#endif
