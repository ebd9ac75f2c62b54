/* Private to kernel/. */
#ifndef MUDOT_KERNEL_IMPL_H
#define MUDOT_KERNEL_IMPL_H

#include "kernel/radial.h"
#include "kernel/table.h"
#include "linear/conjugate_gradients.h"
#include "mudot/extend.h"

/* ------------------------------------------------------------------ kernel families */

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
  /* extension mask: D, 0 outside, and the mean and the least value of its square inside */
  Vec balance;
  PetscBool balanced;
  PetscReal mean_square, least_square;
  /* of the inverse, if it is not exact */
  Vec work[3]; /* residual, correction, right side */
  MuConjugateGradients cg;
  PetscReal ridge;
  PetscInt iterations;
};

/* What the inverse needs, if there is one. Collective. */
PetscErrorCode MuConvolutionPrepareInverse(MuConvolution convolution);
/* Finds D of the extension mask, for a convolution under zero; see MuConvolutionCreate().
   Collective. */
PetscErrorCode MuConvolutionBalance(MuConvolution convolution, MuKernel kernel);
/* out = f(S) in through the transforms. Collective. */
PetscErrorCode MuConvolutionFilter(MuConvolution convolution, const MuFilter *filter, Vec in,
                                   Vec out);

#endif
