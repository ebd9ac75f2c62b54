/* Kernels: the table of families, normalization, support. */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

static const MuKernelOps *const families[] = {&MuKernelGaussian, &MuKernelMatern,   &MuKernelBessel,
                                              &MuKernelImq,      &MuKernelWendland, &MuKernelRiesz};
enum { FAMILIES = sizeof families / sizeof families[0] };

PetscErrorCode MuKernelGetTableRow(PetscInt index, const char **name, const char **formula) {
  const PetscBool there = (PetscBool)(index >= 0 && index < FAMILIES);
  *name = there ? families[index]->name : NULL;
  *formula = there ? families[index]->formula : NULL;
  return 0;
}

void MuKernelSpecDefault(MuKernelSpec *spec) {
  const MuKernelSpec start = {
      .type = "gaussian", .bandwidth = 0, .smoothness = 1.5, .order = 1, .exponent = 1};
  *spec = start;
}

static const MuKernelOps *find_family(const char *name) {
  for (PetscInt i = 0; i < FAMILIES; ++i)
    if (strcmp(families[i]->name, name) == 0) return families[i];
  return NULL;
}

static void resolve_defaults(MuKernelSpec *spec) {
  if (spec->extension == MU_EXTENSION_DEFAULT) spec->extension = MU_EXTENSION_REFLECT;
  if (spec->normalization == MU_NORMALIZATION_DEFAULT && strcmp(spec->type, "riesz") != 0)
    spec->normalization =
        strcmp(spec->type, "imq") == 0 ? MU_NORMALIZATION_PEAK : MU_NORMALIZATION_MASS;
}

PetscBool MuKernelSpecEqual(const MuKernelSpec *a, const MuKernelSpec *b) {
  MuKernelSpec x = *a, y = *b;
  resolve_defaults(&x);
  resolve_defaults(&y);
  if (strcmp(x.type, y.type) != 0 || x.bandwidth != y.bandwidth ||
      x.normalization != y.normalization || x.extension != y.extension)
    return PETSC_FALSE;
  if (strcmp(x.type, "matern") == 0) return (PetscBool)(x.smoothness == y.smoothness);
  if (strcmp(x.type, "bessel") == 0) return (PetscBool)(x.order == y.order);
  if (strcmp(x.type, "riesz") == 0) return (PetscBool)(x.exponent == y.exponent);
  return PETSC_TRUE;
}

static PetscErrorCode check_spec(const MuKernelSpec *spec, PetscInt dim) {
  PetscFunctionBegin;
  if (dim != 1 && dim != 2)
    return MuError(MU_ERR_INPUT, "kernel: the dimension is %d; allowed are 1 and 2", (int)dim);
  if (!find_family(spec->type)) {
    char names[256] = "";
    for (PetscInt i = 0; i < FAMILIES; ++i) {
      size_t used = strlen(names);
      snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", families[i]->name);
    }
    return MuError(MU_ERR_INPUT, "kernel_type: '%.31s' is not a kernel; allowed are %s", spec->type,
                   names);
  }
  if (!(spec->bandwidth > 0) || PetscIsInfOrNanReal(spec->bandwidth))
    return MuError(MU_ERR_INPUT,
                   "kernel_bandwidth: %g is not allowed; it must be positive and finite",
                   spec->bandwidth);
  PetscFunctionReturn(0);
}

/* The factor that makes the integral, or the value at 0, equal to one. */
static PetscErrorCode normalize(MuKernel kernel) {
  const MuKernelSpec *spec = &kernel->spec;
  const char *name = kernel->ops->name;
  PetscReal size;

  PetscFunctionBegin;
  kernel->amplitude = 1;
  if (kernel->shape.conditional) {
    if (spec->normalization != MU_NORMALIZATION_DEFAULT)
      return MuError(MU_ERR_INPUT,
                     "kernel_normalization: mass or peak has no meaning for %s; leave it out",
                     name);
    PetscFunctionReturn(0);
  }
  if (spec->normalization == MU_NORMALIZATION_PEAK) {
    size = kernel->ops->value(kernel, 0);
    if (isinf(size))
      return MuError(MU_ERR_INPUT,
                     "kernel_normalization: peak is not possible for %s of order %g in %d-D, which "
                     "is infinite at 0; use mass or an order above %g",
                     name, spec->order, (int)kernel->dim, kernel->dim / 2.0);
  } else {
    size = kernel->ops->symbol(kernel, 0) * pow(spec->bandwidth, kernel->dim);
    if (isinf(size))
      return MuError(MU_ERR_INPUT,
                     "kernel_normalization: mass is not possible for %s, whose integral diverges; "
                     "use peak",
                     name);
  }
  kernel->amplitude = 1 / size;
  PetscFunctionReturn(0);
}

/* Bisection for k(r) = 3e-18 k(0), or k(1) where the profile is singular; profiles decrease. */
static void find_support(MuKernel kernel) {
  PetscReal peak = kernel->ops->value(kernel, 0), low = 0, high = 1;
  if (kernel->shape.support != 0) return;
  if (isinf(peak)) peak = kernel->ops->value(kernel, 1);
  while (kernel->ops->value(kernel, high) > 3e-18 * peak) {
    low = high;
    high *= 2;
  }
  for (PetscInt k = 0; k < 40; ++k) {
    PetscReal middle = 0.5 * (low + high);
    if (kernel->ops->value(kernel, middle) > 3e-18 * peak)
      low = middle;
    else
      high = middle;
  }
  kernel->shape.support = high;
}

PetscErrorCode MuKernelCreate(const MuKernelSpec *spec, PetscInt dim, MuKernel *kernel) {
  MuKernel k;
  PetscErrorCode failed = 0;

  PetscFunctionBegin;
  *kernel = NULL;
  PetscCall(check_spec(spec, dim));
  gsl_set_error_handler_off(); /* GSL's default ends the program */
  PetscCall(PetscNew(&k));
  k->references = 1;
  k->ops = find_family(spec->type);
  k->spec = *spec;
  k->dim = dim;
  resolve_defaults(&k->spec);
  if (k->ops->setup) failed = k->ops->setup(k);
  if (!failed) failed = normalize(k);
  if (failed) {
    PetscCall(MuKernelDestroy(&k));
    return failed;
  }
  find_support(k);
  *kernel = k;
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelReference(MuKernel kernel) {
  kernel->references++;
  return 0;
}

PetscErrorCode MuKernelDestroy(MuKernel *kernel) {
  MuKernel k = *kernel;

  PetscFunctionBegin;
  *kernel = NULL;
  if (!k || --k->references > 0) PetscFunctionReturn(0);
  if (k->ops->destroy)
    PetscCall(k->ops->destroy(k));
  else
    PetscCall(PetscFree(k->ctx));
  PetscCall(PetscFree(k));
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelGetSpec(MuKernel kernel, const MuKernelSpec **spec) {
  *spec = &kernel->spec;
  return 0;
}

PetscErrorCode MuKernelEvaluate(MuKernel kernel, PetscReal r, PetscReal *value) {
  *value = kernel->amplitude * kernel->ops->value(kernel, r / kernel->spec.bandwidth);
  return 0;
}

PetscErrorCode MuKernelSymbol(MuKernel kernel, PetscReal omega, PetscReal *value) {
  const PetscReal h = kernel->spec.bandwidth, volume = kernel->dim == 2 ? h * h : h;
  *value = kernel->amplitude * volume * kernel->ops->symbol(kernel, h * omega);
  return 0;
}

PetscErrorCode MuKernelSupport(MuKernel kernel, PetscReal *radius) {
  *radius = isinf(kernel->shape.support) ? PETSC_INFINITY
                                         : kernel->shape.support * kernel->spec.bandwidth;
  return 0;
}

PetscErrorCode MuKernelIsConditional(MuKernel kernel, PetscBool *conditional) {
  *conditional = kernel->shape.conditional;
  return 0;
}
