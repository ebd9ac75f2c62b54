/* Kernels and convolutions with them. */
#ifndef MUDOT_KERNEL_H
#define MUDOT_KERNEL_H

#include "mudot/grid.h"

/* Rows of the table of what there is, see MuTableRow. */
PetscErrorCode MuKernelGetTableRow(PetscInt i, const char **name, const char **formula);
/* The same with the numbers of a family, see MuSummandTable. */
PetscErrorCode MuKernelGetInfo(PetscInt i, MuSummandInfo *info);

typedef struct _p_MuKernel *MuKernel;

typedef enum {
  MU_EXTENSION_DEFAULT,
  MU_EXTENSION_ZERO,
  MU_EXTENSION_REFLECT,
  MU_EXTENSION_PERIODIC,
  MU_EXTENSION_MASK
} MuExtension;
typedef enum {
  MU_NORMALIZATION_DEFAULT,
  MU_NORMALIZATION_MASS,
  MU_NORMALIZATION_PEAK
} MuNormalization;

/* k_h(z) = k(z/h)/h^d (mass: integral 1) or k(z/h)/k(0) (peak). */
typedef struct {
  char type[32];                 /* a name of the kernel table */
  PetscReal bandwidth;           /* h > 0 */
  MuNormalization normalization; /* default: mass; imq: peak; riesz: -|z/h|^r, unscaled */
  MuExtension
      extension; /* how walls are met; default: reflect. A periodic axis is always periodic. */
  PetscReal
      parameter[MU_MAX_PARAMETERS]; /* in the order of MuKernelGetParameters(); NaN: default */
} MuKernelSpec;

/* The numbers that the kernels of a type have beside the bandwidth; NULL: there is no such type. */
const MuParameter *MuKernelGetParameters(const char *type);
/* Fills a specification with defaults: gaussian, bandwidth 0 (must be set), no parameter given. */
void MuKernelSpecDefault(MuKernelSpec *spec);
/* Whether both describe the same kernel, with the defaults resolved. */
PetscBool MuKernelSpecEqual(const MuKernelSpec *a, const MuKernelSpec *b);

/* The kernel -|z|, extension zero, of the energy distance. */
void MuKernelSpecDistance(MuKernelSpec *spec);
/* "matern, h = 0.3, smoothness 1.5, of mass 1" */
void MuKernelSpecDescribe(const MuKernelSpec *spec, size_t size, char *text);

/* Creates a kernel in R^dim. Not collective. MU_ERR_INPUT names the wrong key. Switches GSL's own
   error handler off, which would end the program. */
PetscErrorCode MuKernelCreate(const MuKernelSpec *spec, PetscInt dim, MuKernel *kernel);
PetscErrorCode MuKernelDestroy(MuKernel *kernel);
PetscErrorCode MuKernelReference(MuKernel kernel);
/* Whether two kernels are the same function; false if either is NULL. Not collective. */
PetscBool MuKernelsAgree(MuKernel a, MuKernel b);
/* The specification with its defaults resolved; owned by the kernel. */
PetscErrorCode MuKernelGetSpec(MuKernel kernel, const MuKernelSpec **spec);
/* k_h at distance r >= 0 (infinite where it has an integrable singularity). */
PetscErrorCode MuKernelEvaluate(MuKernel kernel, PetscReal r, PetscReal *value);
/* The Fourier transform at |omega|: integral of k_h(z) exp(-i omega z) dz; infinite at 0 where the
 * integral diverges. */
PetscErrorCode MuKernelSymbol(MuKernel kernel, PetscReal omega, PetscReal *value);
/* Distance beyond which k_h is below 3e-18 of its size; PETSC_INFINITY for algebraic tails. */
PetscErrorCode MuKernelSupport(MuKernel kernel, PetscReal *radius);
/* What is known of every kernel of a family; all FALSE by default. */
typedef struct {
  PetscBool conditional;       /* positive definite on measures of mass zero only; not normalized */
  PetscBool infinite_mass;     /* the integral diverges: the normalization is `peak`, if any */
  PetscBool homogeneous;       /* k(z/h) = h^-e k(z): the bandwidth is no length */
  PetscBool negative_distance; /* -|z| with bandwidth 1 and the parameters' defaults */
} MuKernelTraits;
PetscErrorCode MuKernelGetTraits(MuKernel kernel, const MuKernelTraits **traits);
/* 2s where the convolution with the kernel of mass 1 on R^d is the inverse of the differential
   operator (1 - h^2 Laplacian)^s; else 0. */
PetscErrorCode MuKernelGetInverseOrder(MuKernel kernel, PetscReal *order);
/* Whether the kernel is positive definite only on measures of mass zero (riesz). */
PetscErrorCode MuKernelIsConditional(MuKernel kernel, PetscBool *conditional);

/* Where the samples of a field sit. */
typedef enum { MU_CELLS = -1, MU_FACES_X = 0, MU_FACES_Y = 1 } MuLocation;

typedef struct _p_MuConvolution *MuConvolution;

/* Kc f (x) = integral of k(x - y) f(y) dy over the box, with the kernel's extension. Plans and
   symbols are built here, none later. Under `mask` Kc is D Kc D with the Kc of `zero` and a
   positive D that makes its rows sum to the integral of the kernel on the inside cells (or open
   faces); in and out vanish elsewhere. Under `reflect` a face field reflects oddly along its own
   axis (DST-I) and evenly along the other; the wall faces of a face field are not read and are set
   to zero, under every extension.
   Under `reflect` and `periodic` the symbol of riesz at frequency 0 is taken as 0 (it acts on
   differences of equal mass), that of imq as the integral of the kernel over one period cell,
   [-L, L]^d under `reflect`: this adds a constant to the kernel.
   MU_ERR_INPUT: bessel of too low an order under `zero`; `zero` on a grid with one periodic axis
   with imq or riesz, whose sum over periods diverges, or with a kernel over 2^20 cells wide; `mask`
   with either of these two. MU_ERR_NUMERICS: there is no such D.
   Collective. */
PetscErrorCode MuConvolutionCreate(MuGrid grid, MuKernel kernel, MuLocation location,
                                   MuConvolution *convolution);

/* The same for any even function given by its value w(z) at cell offsets z (not a Galerkin
   average): zero extension on no-flux axes; on a periodic axis z is the shortest image. `weight` is
   called with z[0..1] (z[1] = 0 in 1-D); ctx is not kept. At half a period, where there are two
   shortest images, their mean is taken. Collective. */
PetscErrorCode MuConvolutionCreateFunction(MuGrid grid,
                                           PetscErrorCode (*weight)(void *ctx, const PetscReal z[2],
                                                                    PetscReal *w),
                                           void *ctx, MuConvolution *convolution);
PetscErrorCode MuConvolutionDestroy(MuConvolution *convolution);
PetscErrorCode MuConvolutionReference(MuConvolution convolution);

/* out = Kc in. in and out may be the same. Values outside the mask are read (they should be zero)
 * and written. Collective. */
PetscErrorCode MuConvolutionApply(MuConvolution convolution, Vec in, Vec out);

/* out = (P Kc P + ridge)^(-1) in on the inside cells (P the mask): diagonal under reflect and
   periodic without a mask, else preconditioned conjugate gradients to relative residual 1e-12, or
   to the rounding of one application where that is more. For face fields P keeps the open faces.
   in and out may be the same. MU_ERR_NUMERICS if the iteration does not converge, or at once if the
   condition number (of the symbol plus ridge) is above 1/rounding (1e14 with iterations).
   MU_ERR_INPUT for riesz under `zero` and for functions, which are not positive definite.
   Collective. */
PetscErrorCode MuConvolutionApplyInverse(MuConvolution convolution, PetscReal ridge, Vec in,
                                         Vec out);

/* out ~ (a Kc + b)^(-1) in, a, b >= 0: exact under reflect and periodic without a mask, a symmetric
   positive definite approximation (circulant on the padded box, zero outside the mask) otherwise;
   in must vanish outside the mask and may be the same as out. For preconditioners. MU_ERR_NUMERICS
   if b = 0 and the symbol has a zero. Collective. */
PetscErrorCode MuConvolutionApplyRational(MuConvolution convolution, PetscReal a, PetscReal b,
                                          Vec in, Vec out);

/* FFTW's plans as a text for a checkpoint (freed with PetscFree(); rank 0 plans for all ranks), and
   back before anything is planned, where they come before those that the user's cache keeps. A text
   of another version of FFTW is passed over. Not collective. */
PetscErrorCode MuTransformPlansGet(char **text);
PetscErrorCode MuTransformPlansSet(const char *text);

/* Smallest and largest value of the discrete symbol. Under `zero`: of the circulant on the padded
   box or, where cutting the kernel off at the padding has spoilt that, of the positive symbol of
   the infinite grid that stands for it in ApplyRational. Not collective. */
PetscErrorCode MuConvolutionGetSymbolRange(MuConvolution convolution, PetscReal *smallest,
                                           PetscReal *largest);
/* The diagonal entry of Kc, weight at offset 0 times |C|; under `reflect`, where it differs near
   walls, its mean, and under `mask` its least value. Not
   collective. */
PetscErrorCode MuConvolutionGetDiagonal(MuConvolution convolution, PetscReal *diagonal);
/* For MuConvolutionApplyInverse with iterations: the largest number of iterations so far. */
PetscErrorCode MuConvolutionGetIterations(MuConvolution convolution, PetscInt *iterations);

#endif
