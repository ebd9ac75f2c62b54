/* For who adds an operator, an energy, a kernel or a diagnostic without touching the library: the
   ops structs, and how they are registered.

   An extension is a shared object that is made of one or more files, compiled with
   `pkg-config --cflags mudot` and linked with nothing of mudot:

     #include <mudot/extend.h>
     static const MuTermOps mine = {.name = "mine", ...};
     static PetscErrorCode start(void) { return MuEnergyRegister(&mine); }
     MU_EXTENSION(start)

   `mudot run case.yaml -load ./mine.so` makes its names usable wherever a name of the table is. */
#ifndef MUDOT_EXTEND_H
#define MUDOT_EXTEND_H

#include "mudot.h"

/* The layout of the structs below; an extension that was compiled for another one is refused. */
#define MU_EXTENSION_VERSION 2

/* What an extension exports: its version, and a function that registers what it has. */
#define MU_EXTENSION(function)                                                                     \
  PETSC_EXTERN const int mudot_extension_version;                                                  \
  const int mudot_extension_version = MU_EXTENSION_VERSION;                                        \
  PETSC_EXTERN PetscErrorCode mudot_extension_start(void);                                         \
  PetscErrorCode mudot_extension_start(void) {                                                     \
    return function();                                                                             \
  }

/* Loads an extension, which stays loaded until the program ends. Not collective, but every rank
   must call it. MU_ERR_FILE: the file cannot be loaded; MU_ERR_INPUT: it is no extension, one for
   another version, or a name of its is taken. */
PetscErrorCode MuExtensionLoad(const char *file);

/* The longest name. */
#define MU_NAME_LENGTH 40
/* What the functions that register ask of a name and a formula. `kind` begins the sentence. Not
   collective. MU_ERR_INPUT. */
PetscErrorCode MuRegisterCheckName(const char *kind, const char *name, const char *formula);

/* ------------------------------------------------------------------ operators */

typedef struct MuPartOps MuPartOps;

typedef struct {
  const MuPartOps *ops;
  PetscReal weight;
  PetscReal value[MU_MAX_PARAMETERS]; /* in the order of ops->parameters */
  MuKernel kernel;                    /* where the part needs one; borrowed from the geometry */
  MuConvolution cells, faces[2];      /* with it: of a reaction, of a transport; else NULL */
  const MuSummand *summand;           /* while create() runs: the function */
  PetscReal symbol_smallest, symbol_largest; /* of cells */
  void *ctx;                                 /* of the part's own file; NULL if it needs none */
} MuPart;

/* What a part tends to as `parameters` go to 0: "bandwidth", "ridge" or "bandwidth ridge". */
typedef struct {
  const char *parameters; /* NULL ends the list */
  const MuPartOps *to;
  PetscReal order; /* see MuLimit */
  MuNamedValue set[MU_MAX_PARAMETERS];
  PetscReal (*factor)(const PetscReal value[]); /* OPTIONAL, default 1: on the weight */
} MuLimitRow;

/* Operations of a part. "Adds" means out += weight * result. Vec arguments never alias. `value` are
   the part's numbers in the order of `parameters`. What is REQUIRED is checked at the creation of a
   geometry. */
struct MuPartOps {
  const char *name, *formula;    /* REQUIRED: as in the case file; K(mu) xi in one line */
  MuPartKind kind;               /* REQUIRED: TRANSPORT or REACTION */
  const MuParameter *parameters; /* OPTIONAL, default: none */
  PetscBool needs_kernel;        /* default no */
  /* OPTIONAL (default: none), see MuSummandInfo: a function of a point, part->summand->function
     while create() runs */
  const char *function_key, *function_doc;
  const MuLimitRow *limits; /* OPTIONAL, default: none */

  /* Traits, see MuPartTraits. */
  /* REQUIRED for local parts, absent otherwise: M(mu), mu >= 0. It is all that a local part needs:
     where neither add_flux() nor apply() is there, every operation below follows from it. */
  PetscReal (*mobility_at)(PetscReal mu, const PetscReal value[]);
  /* Instead of it, default no: K is local with diagonal() (a reaction, K xi = d xi) or mobility()
     (a transport) that depend on the place and not on mu. */
  PetscBool multiplies;
  /* OPTIONAL, default M(mu)/mu: the same without dividing. mu > 0. */
  PetscReal (*speed_at)(PetscReal mu, const PetscReal value[]);
  /* OPTIONAL for local parts, default: M is no power. m of M(mu) = mu^m, or NaN. */
  PetscReal (*power)(const PetscReal value[]);
  /* OPTIONAL, default: K inverts no kernel. lambda of K = (Kc + lambda)^(-1), a reaction. */
  PetscReal (*inverse_ridge)(const PetscReal value[]);
  /* OPTIONAL, default: K is no ridge regression. lambda of mu (T + lambda)^(-1) T. */
  PetscReal (*regression_ridge)(const PetscReal value[]);
  PetscBool smooths_flux;     /* default no: K xi = -div(mu k*(mu grad xi)) */
  PetscBool vanishes;         /* of nonlocal parts, default no; local ones: whether M(0) = 0 */
  PetscBool keeps_equal_mass; /* default no */
  PetscBool well_posed;       /* default no: whether K zeta = v can be solved in a sum with it */

  /* OPTIONAL, default: no context. The part's convolutions exist already. */
  PetscErrorCode (*create)(MuGeometry geometry, MuPart *part);
  PetscErrorCode (*destroy)(MuPart *part); /* REQUIRED if create is there */
  /* OPTIONAL, default nothing: prepares for the state geometry->rho, face means taken. */
  PetscErrorCode (*set_state)(MuGeometry geometry, MuPart *part);

  /* REQUIRED for nonlocal transport: adds the negative flux M(grad xi) along an axis; `gradient`
     vanishes on closed faces, and so does what is added. */
  PetscErrorCode (*add_flux)(MuGeometry geometry, MuPart *part, PetscInt axis, Vec gradient,
                             Vec flux);
  /* REQUIRED for local transport with add_flux(): adds the face mobility. */
  PetscErrorCode (*mobility)(MuGeometry geometry, MuPart *part, PetscInt axis, Vec mobility);

  /* REQUIRED for nonlocal reaction: adds K xi; preimage may be NULL. */
  PetscErrorCode (*apply)(MuGeometry geometry, MuPart *part, Vec xi, Vec preimage, Vec out);
  /* OPTIONAL, default apply() to the constant 1: adds K 1. */
  PetscErrorCode (*apply_one)(MuGeometry geometry, MuPart *part, Vec out);
  /* OPTIONAL, default: there is no relative form. Adds (K xi)/mu. */
  PetscErrorCode (*relative)(MuGeometry geometry, MuPart *part, Vec xi, Vec out);
  /* REQUIRED with apply(): adds d with K ~ diag(d), K = diag(d) for local ones. */
  PetscErrorCode (*diagonal)(MuGeometry geometry, MuPart *part, Vec diagonal);
  /* OPTIONAL, default: always. MU_ERR_INPUT if K cannot be applied without a preimage. */
  PetscErrorCode (*check_invertible)(MuGeometry geometry, MuPart *part);
  /* OPTIONAL for reactions, default: K has no such form. factor = f > 0 with K xi = weight f Kc (f
     xi): the primal potential then is 1/2 <v/f, Kc^(-1) v/f>/weight. Together with
     check_invertible: K xi = weight f (Kc + value[0])^(-1) (f xi), and it is 1/2 <v/f, (Kc +
     value[0]) v/f>/weight. */
  PetscErrorCode (*factor)(MuGeometry geometry, MuPart *part, Vec factor);
};

/* Adds a row to the table of geometries; `ops` is borrowed for ever. Not collective. MU_ERR_INPUT:
   the name is taken or no word of letters, digits and _, or the table is full. */
PetscErrorCode MuGeometryRegister(const MuPartOps *ops);

/* What a part may ask of its geometry: the grid, and the state mu = rho (borrowed, read only). */
PetscErrorCode MuGeometryGetGrid(MuGeometry geometry, MuGrid *grid);
PetscErrorCode MuGeometryGetState(MuGeometry geometry, Vec *rho);
/* out += weight * a * b, entry by entry. */
PetscErrorCode MuGeometryAddProduct(MuGeometry geometry, PetscReal weight, Vec a, Vec b, Vec out);
/* The face mean as a local array, valid until the next call; with UPWIND chosen by the sign of
   `gradient`. Not to be freed. */
PetscErrorCode MuFaceMeansGet(MuGeometry geometry, PetscInt axis, Vec gradient,
                              const PetscReal **mean);
PetscErrorCode MuFaceMeansRestore(MuGeometry geometry, PetscInt axis, const PetscReal **mean);

/* ------------------------------------------------------------------ energies

   Arrays are those of this rank's cells, [n] row-major. In cells outside the mask rho = pi = 0;
   what a term writes there is ignored. */

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
/* The gradient op reads z, share, high, low of the pair, log_rho of its states and of mid; all ops
   may read log_rho of a state. */
#define MU_NEEDS_PAIR 4
/* The ops that have one state read its log_rho; the gradient op reads no logarithm. */
#define MU_NEEDS_LOG 8

typedef struct _n_MuTerm MuTerm;
typedef struct MuTermOps MuTermOps;

/* What a term tends to as `parameters` go to 0, or to infinity: "bandwidth" (of a kernel of unit
   mass), or the name of a number. */
typedef struct {
  const char *parameters; /* NULL ends the list */
  PetscBool rises;        /* default no: to infinity */
  const MuTermOps *to;
  PetscReal order;                               /* see MuLimit */
  PetscReal factor;                              /* on the weight; 0 stands for 1 */
  PetscBool (*applies)(const PetscReal value[]); /* OPTIONAL, default: always */
} MuTermLimit;

/* `value` are the term's numbers in the order of `parameters`. What is REQUIRED is checked at the
   creation of an energy. */
struct MuTermOps {
  const char *name, *formula;              /* REQUIRED: as in the case file; F in one line */
  PetscInt needs;                          /* MU_NEEDS_... */
  const MuParameter *parameters;           /* OPTIONAL (default: none) */
  const char *function_key, *function_doc; /* OPTIONAL (default: none), see MuSummandInfo */
  MuTermKind kind;                         /* REQUIRED */
  PetscBool any_sign;                      /* the weight may be negative */
  const MuTermLimit *limits;               /* OPTIONAL (default: none) */

  /* Traits, see MuTermTraits; the functions are OPTIONAL (default: NaN; stolarsky: 0). */
  PetscReal (*power)(const PetscReal value[]);
  PetscReal (*density_power)(const PetscReal value[]);
  PetscReal (*stolarsky)(const PetscReal value[]);
  PetscBool kernel_square, flat_square;
  MuEnergyForm form; /* RELATIVE, ENTROPY and MMD follow from the above, the others stand here */
  MuEnvelope (*envelope)(const PetscReal value[]); /* REQUIRED with MU_FORM_ENVELOPE */
  PetscBool convex;                                /* whatever the values */

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

/* Adds a row to the table of energies, as MuGeometryRegister(). */
PetscErrorCode MuEnergyRegister(const MuTermOps *ops);

/* ------------------------------------------------------------------ kernels */

/* Distance from r to the nearest complex singularity of the profile. */
typedef enum {
  MU_ANALYTIC_AWAY,   /* r: only the origin is singular (the default) */
  MU_ANALYTIC_STRIP,  /* sqrt(1 + r^2): singular at z = +-i */
  MU_ANALYTIC_ENTIRE, /* none */
} MuAnalyticity;

/* What the quadrature must know of a profile; all lengths in units of h. */
typedef struct {
  MuAnalyticity analyticity;
  PetscReal rate; /* largest logarithmic slope that a Gauss rule must resolve, 0 if algebraic */
  PetscReal edge; /* radius of a kink (support of wendland), 0 if there is none */
  PetscReal singularity; /* e <= 0 where k ~ r^e at the origin */
  PetscReal support;     /* 0: to be found by bisection; INFINITY: algebraic tail */
  PetscBool separable;   /* k(|z|) = k(|z_0|) k(|z_1|) up to a factor k(0) */
} MuKernelShape;

typedef struct MuKernelOps MuKernelOps;

struct _p_MuKernel {
  PetscInt references;
  const MuKernelOps *ops;
  MuKernelSpec spec; /* defaults resolved */
  PetscInt dim;
  PetscReal amplitude; /* k_h(z) = amplitude k(|z|/h) */
  MuKernelShape shape;
  void *ctx; /* of the family */
};

typedef struct _p_MuRadial *MuRadial;

/* A kernel between particles, in R^dim for any dim >= 1: profiles p(t), t = rate |z|, with fast
   arithmetic:
     gaussian exp(-t^2/2)   exponential e^-t   linear (1 + t) e^-t   quadratic (1 + t + t^2/3) e^-t
     imq (1 + t^2)^(-1/2)   wendland (1 - t)^4_+ (4 t + 1)   distance -t
   and GENERAL, any other, by the kernel's own functions. */
typedef enum {
  MU_PROFILE_GENERAL,
  MU_PROFILE_GAUSSIAN,
  MU_PROFILE_EXPONENTIAL,
  MU_PROFILE_LINEAR,
  MU_PROFILE_QUADRATIC,
  MU_PROFILE_IMQ,
  MU_PROFILE_WENDLAND,
  MU_PROFILE_DISTANCE
} MuProfile;

/* k(z) = amplitude p(t); grad k(z) = amplitude rate^2 (p'(t)/t) z. Where p'(t)/t is infinite at 0
   the slope there is taken as 0: the gradient of a pair of equal points. */
struct _p_MuRadial {
  PetscInt references;
  MuKernel kernel; /* in R^min(dim, 2): traits, and the specification with its defaults resolved */
  PetscInt dim;
  MuProfile profile;
  PetscReal amplitude, rate;
  PetscReal log_integral; /* of p(|z|) over R^dim; not needed if it diverges */
  PetscReal log_peak;     /* of p(0) */
  /* GENERAL: p(t) and p'(t)/t */
  PetscReal (*value)(MuRadial radial, PetscReal t);
  PetscReal (*slope)(MuRadial radial, PetscReal t);
  PetscErrorCode (*destroy)(MuRadial radial); /* NULL: a ctx from PetscNew() is freed */
  void *ctx;
};

/* A family is described by its profile k(r), r = |z|/h, and the Fourier transform of k(|z|) in
   R^dim, both up to one factor that kernel.c takes from the normalization. */
struct MuKernelOps {
  const char *name;
  const char *formula; /* one line for `mudot list` */
  /* OPTIONAL, default: none. Ends with name = NULL. */
  const MuParameter *parameters;
  /* REQUIRED. The profile at r >= 0; INFINITY where it is singular. */
  PetscReal (*value)(MuKernel kernel, PetscReal r);
  /* REQUIRED. The symbol at w = h |omega| >= 0; INFINITY where its integral diverges. */
  PetscReal (*symbol)(MuKernel kernel, PetscReal w);
  /* OPTIONAL, default: nothing. Checks what the ranges do not say, fills `shape` and `ctx`. */
  PetscErrorCode (*setup)(MuKernel kernel);
  /* OPTIONAL, default: a ctx from PetscNew() is freed. */
  PetscErrorCode (*destroy)(MuKernel kernel);
  /* OPTIONAL, default: particles cannot use the kernel. The same profile in R^dim, dim >= 1:
     multiplies `rate`, which is 1/h, sets `profile` and `log_integral`; for a GENERAL profile also
     `value`, `slope`, `log_peak`, `ctx`. */
  PetscErrorCode (*radial)(MuRadial radial);
  /* OPTIONAL, default: they exist. MU_ERR_INPUT if the averages of k over pairs of cells, which
     the extension `zero` needs, do not exist. */
  PetscErrorCode (*check_averages)(MuKernel kernel);
  /* OPTIONAL, default 0. 2s where the convolution with k of mass 1 is the inverse of
     (1 - h^2 Laplacian)^s. */
  PetscReal (*inverse_order)(MuKernel kernel);
  MuKernelTraits traits;
};

/* Adds a row to the table of kernels, as MuGeometryRegister(). */
PetscErrorCode MuKernelRegister(const MuKernelOps *ops);

/* ------------------------------------------------------------------ diagnostics */

/* A column of the ledger: a number of the density. */
typedef struct {
  const char *name, *formula; /* REQUIRED */
  /* REQUIRED: of rho with the target pi, both fields of the grid; the same on every rank.
     Collective. */
  PetscErrorCode (*evaluate)(MuGrid grid, Vec pi, Vec rho, PetscReal *value);
} MuDiagnosticOps;

/* Adds a row to the table of diagnostics, as MuGeometryRegister(). */
PetscErrorCode MuDiagnosticRegister(const MuDiagnosticOps *ops);

#endif
