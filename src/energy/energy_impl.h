/* Private to energy/: what a term of the energy is, and what all terms share.

   Arrays are those of this rank's cells, [n] row-major. In cells outside the mask rho = pi = 0;
   what a term writes there is ignored. */
#ifndef MUDOT_ENERGY_IMPL_H
#define MUDOT_ENERGY_IMPL_H

#include "grid/means.h"
#include "mudot.h"

#include <math.h>

/* A density with its logarithm, taken at the smallest normal number where rho is below it. */
typedef struct {
  Vec field;
  const PetscReal *rho;
  PetscReal *log_rho;
} MuState;

/* Two densities a, b and what their difference quotients have in common: m = (a + b)/2,
   z = |a - b|/(a + b) and share = min/m = 1 - z, each to rounding (0 and 1 where both vanish),
   high = log(max/m), low = log(min/m), -infinity where min = 0 < m. Symmetric in a and b, bit for
   bit. */
typedef struct {
  const MuState *a, *b;
  MuState mid; /* the midpoint; its field belongs to the energy */
  PetscReal *z, *share, *high, *low;
} MuPair;

#define MU_TERM_WORK 3

/* What the terms of one energy share; made once, before the terms. */
typedef struct {
  MuGrid grid;
  const MuGridInfo *info;
  PetscInt n;
  Vec target;                    /* pi as a field, NULL without a target */
  const PetscReal *pi, *log_pi;  /* NULL without a target; 0 and -infinity outside the mask */
  PetscReal *work[MU_TERM_WORK]; /* scratch of one call of one op */
} MuShared;

/* How a term's DF enters linearly implicit transport; see MuEnergyLogarithmicPart() and
   MuEnergyTransportParts(). */
typedef enum {
  MU_TERM_LOGARITHMIC = 1, /* log rho + potential */
  MU_TERM_POTENTIAL,       /* a potential */
  MU_TERM_RELATIVE,        /* a function of rho/pi */
  MU_TERM_LOCAL,           /* a function of rho */
  MU_TERM_FROZEN           /* nonlocal */
} MuTermKind;

#define MU_NEEDS_TARGET 1
#define MU_NEEDS_KERNEL 2
#define MU_NEEDS_PAIR                                                                              \
  4 /* the gradient op reads z, share, high, low of the pair, and log_rho of mid */

typedef struct _n_MuTerm MuTerm;
typedef struct MuTermOps MuTermOps;

/* `value` are the term's numbers in the order of `parameters`. What is REQUIRED is checked at the
   creation of an energy. */
struct MuTermOps {
  const char *name, *formula;              /* REQUIRED: as in the case file; F in one line */
  PetscInt needs;                          /* MU_NEEDS_... */
  const MuParameter *parameters;           /* OPTIONAL (default: none) */
  const char *function_key, *function_doc; /* OPTIONAL (default: none), see MuSummandInfo */
  MuTermKind kind;                         /* REQUIRED */
  PetscBool any_sign;                      /* the weight may be negative */
  /* OPTIONAL (default: none): what it tends to as the kernel's bandwidth goes to 0, and the order
     of the error, 0 if it is not known */
  const MuTermOps *limit;
  PetscReal limit_order;

  /* Traits, see MuTermTraits; the functions are OPTIONAL (default: NaN; stolarsky: 0). */
  PetscReal (*power)(const PetscReal value[]);
  PetscReal (*density_power)(const PetscReal value[]);
  PetscReal (*stolarsky)(const PetscReal value[]);
  PetscBool kernel_square, flat_square;
  PetscBool convex; /* whatever the values */

  /* OPTIONAL (default: nothing): fills term->data; collective, fails on every rank or on none. */
  PetscErrorCode (*create)(MuTerm *term);
  /* OPTIONAL (default: nothing; REQUIRED with create): frees term->data, which may be NULL. */
  PetscErrorCode (*destroy)(MuTerm *term);
  /* REQUIRED: the cells' shares of F, F = sum f_i |C|, and DF. Either may be NULL. Collective. */
  PetscErrorCode (*evaluate)(MuTerm *term, const MuState *state, PetscReal *f, PetscReal *df);
  /* REQUIRED: g with sum g_i (b_i - a_i) = sum f_i(b) - f_i(a). Collective. */
  PetscErrorCode (*gradient)(MuTerm *term, const MuPair *pair, PetscReal *g);
  /* OPTIONAL (default: none): the second derivative of f_i. Not collective. */
  PetscErrorCode (*curvature)(MuTerm *term, const MuState *state, PetscReal *c);
  /* REQUIRED for LOGARITHMIC and POTENTIAL: the part of DF that does not depend on rho. */
  PetscErrorCode (*potential)(MuTerm *term, PetscReal *v);
  /* OPTIONAL (default: by kind, DF as a whole): DF = local + frozen, for a term of kind LOCAL. */
  PetscErrorCode (*split)(MuTerm *term, const MuState *state, PetscReal *local, PetscReal *frozen);
};

struct _n_MuTerm {
  const MuTermOps *ops;
  PetscReal weight;
  PetscReal value[MU_MAX_PARAMETERS]; /* in the order of ops->parameters */
  MuKernel kernel;                    /* with MU_NEEDS_KERNEL; borrowed from the energy */
  MuConvolution convolution;          /* with it, else NULL */
  const MuSummand *summand;           /* while create() runs: the function */
  MuShared *shared;
  void *data;
};

/* The table (table.c): the descriptor of a name, NULL if there is none; row i, NULL past the end; a
   new row behind the others (borrowed for ever). Not collective. */
const MuTermOps *MuTermFind(const char *name);
const MuTermOps *MuTermRow(PetscInt i);
PetscErrorCode MuTermAdd(const MuTermOps *ops);
extern const MuTermOps MuTermKL, MuTermInclusiveKL, MuTermHellinger, MuTermChi2, MuTermPower,
    MuTermMmd, MuTermL2, MuTermPotential, MuTermEntropy, MuTermInternal, MuTermInteraction,
    MuTermBlobEntropy;

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

/* w = (R - 1)/q, q = p - 1, with (b^p - a^p)/(b - a) = p m^q R: the part of a difference quotient
   that vanishes with b - a; its limits at p = 0 and 1 included. For p <= 0 a zero among a, b counts
   as the smallest normal number. w and work: [n], different. */
void MuPairQuotient(const MuPair *pair, PetscInt n, PetscReal p, PetscReal *w, PetscReal *work);

#endif
