/* Private to kernel/. */
#ifndef MUDOT_KERNEL_IMPL_H
#define MUDOT_KERNEL_IMPL_H

#include "kernel/radial.h"
#include "kernel/table.h"
#include "mudot.h"

/* ------------------------------------------------------------------ kernel families */

/* A family is described by its profile k(r), r = |z|/h, and the Fourier transform of k(|z|) in
   R^dim, both up to one factor that kernel.c takes from the normalization. */
typedef struct {
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
} MuKernelOps;

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

struct _p_MuKernel {
  PetscInt references;
  const MuKernelOps *ops;
  MuKernelSpec spec; /* defaults resolved */
  PetscInt dim;
  PetscReal amplitude; /* k_h(z) = amplitude k(|z|/h) */
  MuKernelShape shape;
  void *ctx; /* of the family */
};

/* Checks the specification, sets the kernel up, and leaves the amplitude 1. */
PetscErrorCode MuKernelCreateRaw(const MuKernelSpec *spec, PetscInt dim, MuKernel *kernel);
/* The amplitude, that makes the integral, or the value at 0, equal to one. MU_ERR_INPUT. */
PetscErrorCode MuKernelNormalize(MuKernel kernel);
/* The profile of a Matern kernel of smoothness 1/2, 3/2 or 5/2 whose t is that of the radial; FALSE
   for another smoothness. */
PetscBool MuRadialSetMatern(MuRadial radial, PetscReal smoothness);

extern const MuKernelOps MuKernelGaussian, MuKernelMatern, MuKernelBessel, MuKernelImq,
    MuKernelWendland, MuKernelRiesz;

/* ------------------------------------------------------------------ quadrature */

/* w[d], d = 0 .. count - 1: the average of the kernel's profile k(|z|/h) on the line over pairs of
   cells of width `spacing` at offset d. Accurate to about 1e-14 w[0] (riesz: 1e-14 |w[d]|). */
PetscErrorCode MuGalerkinLine(MuKernel kernel, PetscReal spacing, PetscInt count, PetscReal w[]);

/* The same in the plane, w [count[1]][count[0]]; the rows are shared out among the ranks of comm
   and all ranks get all of them. Collective. */
PetscErrorCode MuGalerkinPlane(MPI_Comm comm, MuKernel kernel, const PetscReal spacing[2],
                               const PetscInt count[2], PetscReal w[]);

/* The integral of k_h over the box of points with |z_a| <= half[a]. */
PetscErrorCode MuKernelBoxIntegral(MuKernel kernel, const PetscReal half[2], PetscReal *integral);

/* ------------------------------------------------------------------ filters in frequency space */

typedef enum {
  MU_TRANSFORM_FOURIER, /* real DFT of `length` >= count entries, zeros appended */
  MU_TRANSFORM_COSINE,  /* DCT-II, length = count */
  MU_TRANSFORM_SINE     /* DST-I, length = count */
} MuTransformKind;

/* How one axis of the grid is transformed: entries skip .. cells - 1 take part, entry 0 is a wall
   that carries zero if skip = 1. Mode j of FOURIER is cos and sin of 2 pi j i/length, of COSINE
   cos(pi j (i + 1/2)/cells), of SINE sin(pi (j + 1) i/cells). */
typedef struct {
  MuTransformKind kind;
  PetscInt cells, skip, length;
} MuAxis;

/* out = T^(-1) f(S) T in for a real symbol S that is even along each axis (or, unless `folded`,
   under (jx, jy) -> (-jx, -jy) only). */
typedef struct _MuSpectral *MuSpectral;

/* f(S) = S, or 1/(a max(S, floor) + b) with the second symbol if there is one. */
typedef struct {
  PetscBool rational;
  PetscReal a, b, floor;
} MuFilter;

static inline PetscReal MuFilterFactor(const MuFilter *f, PetscReal scale, PetscReal symbol) {
  return f->rational ? scale / (f->a * PetscMax(symbol, f->floor) + f->b) : scale * symbol;
}

/* The symbol at modes (jx, jy); jx <= length/2 under FOURIER, and so is jy if folded. */
typedef PetscReal (*MuSymbolFunction)(void *ctx, PetscInt jx, PetscInt jy);

PetscErrorCode MuSpectralCreate(MuGrid grid, const MuAxis axes[2], PetscBool folded,
                                MuSpectral *spectral);
PetscErrorCode MuSpectralDestroy(MuSpectral *spectral);
/* Collective. */
PetscErrorCode MuSpectralSetSymbol(MuSpectral spectral, MuSymbolFunction symbol, void *ctx);
/* A second symbol for rational filters. Collective. */
PetscErrorCode MuSpectralSetPositive(MuSpectral spectral, MuSymbolFunction symbol, void *ctx);
/* Smallest, largest and mean value over all modes (both signs) of the symbol set last; mean may be
   NULL. */
PetscErrorCode MuSpectralGetRange(MuSpectral spectral, PetscReal *smallest, PetscReal *largest,
                                  PetscReal *mean);
/* in and out are local arrays of the grid and may be the same. Collective. */
PetscErrorCode MuSpectralApply(MuSpectral spectral, const MuFilter *filter, const PetscReal *in,
                               PetscReal *out);

/* An even length >= least without large prime factors that transforms fast. */
PetscInt MuSpectralLength(PetscInt least);

/* w [rows][columns] holds a real array that is even along each axis, entries 0 .. length/2 of each
   period; replaced by its DFT along both axes (length[1] = 1: one row). */
PetscErrorCode MuEvenSpectrum(const PetscInt length[2], PetscReal w[]);

/* The DFT of a real array [length[1]][length[0]] with w(-z) = w(z), real: spectrum
   [length[1]][length[0]/2 + 1]. w is destroyed. */
PetscErrorCode MuFullSpectrum(const PetscInt length[2], PetscReal w[], PetscReal spectrum[]);

/* ------------------------------------------------------------------ cosine transforms */

/* t [n/2 + 1] complex: exp(i pi k/(2n)). */
PetscErrorCode MuCosineTwiddles(PetscInt n, PetscReal t[]);
/* Where entry j goes in folded order, and whole rows there and back. */
PetscInt MuCosinePlace(PetscInt n, PetscInt j);
void MuCosineFold(PetscInt n, const PetscReal *x, PetscReal *v);
void MuCosineUnfold(PetscInt n, const PetscReal *v, PetscReal *x);
/* z [n/2 + 1] complex: the DFT of a folded row to pairs of modes (k, n - k), or back. */
void MuCosineTwist(PetscInt n, const PetscReal *t, PetscBool back, PetscReal *z);
/* v [n] complex: the DFT of a folded column of such pairs. symbol [n/2 + 1][4]: of the real part at
   modes k and n - k, of the imaginary part at modes k and n - k. Multiplied by scale f(symbol). */
void MuCosineFilter(PetscInt n, const PetscReal *t, const MuFilter *filter, PetscReal scale,
                    const PetscReal *symbol, PetscReal *v);

/* ------------------------------------------------------------------ convolutions */

struct _p_MuConvolution {
  PetscInt references;
  MuGrid grid;
  MuLocation location;
  MuSpectral spectral;
  PetscReal smallest, largest, diagonal;
  PetscBool invertible;        /* positive definite: not a function, not riesz under zero */
  PetscBool exact;             /* the symbol's reciprocal is the inverse */
  const unsigned char *inside; /* [local] 1 where the field lives: mask of cells or open faces */
  Vec work[4];                 /* residual, search direction, image, right side; if not exact */
  PetscInt iterations;
};

/* out = f(S) in through the transforms. Collective. */
PetscErrorCode MuConvolutionFilter(MuConvolution convolution, const MuFilter *filter, Vec in,
                                   Vec out);

#endif
