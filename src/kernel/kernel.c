/* Kernels: the table of families, normalization, support. */
#include "kernel/kernel_impl.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

static const MuKernelOps *families[32] = {&MuKernelGaussian, &MuKernelMatern,   &MuKernelBessel,
                                          &MuKernelImq,      &MuKernelWendland, &MuKernelRiesz};
enum { MOST = sizeof families / sizeof families[0] };

PetscErrorCode MuKernelGetTableRow(PetscInt index, const char **name, const char **formula) {
  const PetscBool there = (PetscBool)(index >= 0 && index < MOST && families[index]);
  *name = there ? families[index]->name : NULL;
  *formula = there ? families[index]->formula : NULL;
  return 0;
}

void MuKernelSpecDefault(MuKernelSpec *spec) {
  memset(spec, 0, sizeof *spec);
  snprintf(spec->type, sizeof spec->type, "%s", families[0]->name);
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) spec->parameter[k] = NAN;
}

static const MuKernelOps *find_family(const char *name) {
  for (PetscInt i = 0; i < MOST && families[i]; ++i)
    if (strcmp(families[i]->name, name) == 0) return families[i];
  return NULL;
}

PetscErrorCode MuKernelRegister(const MuKernelOps *ops) {
  PetscInt k = 0;

  PetscFunctionBegin;
  PetscCall(MuRegisterCheckName("kernel", ops->name, ops->formula));
  while (k < MOST && families[k]) ++k;
  if (find_family(ops->name))
    return MuError(MU_ERR_INPUT, "kernel: there is a %s already; take another name", ops->name);
  if (k == MOST) return MuError(MU_ERR_INPUT, "kernel: at most %d names are allowed", MOST);
  if (!ops->value || !ops->symbol)
    return MuError(MU_ERR_INPUT, "kernel_type: the descriptor of %s lacks %s", ops->name,
                   ops->value ? "symbol" : "value");
  families[k] = ops;
  PetscFunctionReturn(0);
}

void MuKernelSpecDistance(MuKernelSpec *spec) {
  MuKernelSpecDefault(spec);
  for (PetscInt i = 0; i < MOST && families[i]; ++i)
    if (families[i]->traits.negative_distance)
      snprintf(spec->type, sizeof spec->type, "%s", families[i]->name);
  spec->bandwidth = 1;
  spec->extension = MU_EXTENSION_ZERO;
}

static const MuParameter no_parameters[] = {{.name = NULL}};

const MuParameter *MuKernelGetParameters(const char *type) {
  const MuKernelOps *ops = find_family(type);
  if (!ops) return NULL;
  return ops->parameters ? ops->parameters : no_parameters;
}

PetscErrorCode MuKernelGetInfo(PetscInt i, MuSummandInfo *info) {
  PetscFunctionBegin;
  *info = (MuSummandInfo){0};
  PetscCall(MuKernelGetTableRow(i, &info->name, &info->formula));
  if (info->name) info->parameters = families[i]->parameters;
  PetscFunctionReturn(0);
}

void MuKernelSpecDescribe(const MuKernelSpec *spec, size_t size, char *text) {
  const MuKernelOps *ops = find_family(spec->type);
  const MuParameter *p = ops ? ops->parameters : NULL;
  size_t used = (size_t)snprintf(text, size, "%s, h = %g", spec->type, spec->bandwidth);

  for (PetscInt k = 0; p && p[k].name && used < size; ++k)
    used += (size_t)snprintf(text + used, size - used, ", %s %g", p[k].name,
                             isnan(spec->parameter[k]) ? p[k].initial : spec->parameter[k]);
  if (ops && !ops->traits.infinite_mass && used < size)
    snprintf(text + used, size - used, "%s",
             spec->normalization == MU_NORMALIZATION_PEAK ? ", k(0) = 1" : ", of mass 1");
}

static void resolve_defaults(MuKernelSpec *spec) {
  const MuKernelOps *ops = find_family(spec->type);
  if (spec->extension == MU_EXTENSION_DEFAULT) spec->extension = MU_EXTENSION_REFLECT;
  if (spec->normalization == MU_NORMALIZATION_DEFAULT && ops && !ops->traits.conditional)
    spec->normalization = ops->traits.infinite_mass ? MU_NORMALIZATION_PEAK : MU_NORMALIZATION_MASS;
  for (PetscInt k = 0; ops && ops->parameters && ops->parameters[k].name; ++k)
    if (isnan(spec->parameter[k])) spec->parameter[k] = ops->parameters[k].initial;
}

PetscBool MuKernelSpecEqual(const MuKernelSpec *a, const MuKernelSpec *b) {
  const MuParameter *p;
  MuKernelSpec x = *a, y = *b;
  resolve_defaults(&x);
  resolve_defaults(&y);
  if (strcmp(x.type, y.type) != 0 || x.bandwidth != y.bandwidth ||
      x.normalization != y.normalization || x.extension != y.extension)
    return PETSC_FALSE;
  p = MuKernelGetParameters(x.type);
  for (PetscInt k = 0; p && p[k].name; ++k)
    if (x.parameter[k] != y.parameter[k]) return PETSC_FALSE;
  return PETSC_TRUE;
}

static PetscErrorCode check_spec(const MuKernelSpec *spec, PetscInt dim) {
  PetscFunctionBegin;
  if (dim != 1 && dim != 2)
    return MuError(MU_ERR_INPUT, "kernel: the dimension is %d; allowed are 1 and 2", (int)dim);
  if (!find_family(spec->type)) {
    char names[256] = "";
    for (PetscInt i = 0; i < MOST && families[i]; ++i) {
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

PetscErrorCode MuKernelNormalize(MuKernel kernel) {
  const MuKernelSpec *spec = &kernel->spec;
  const char *name = kernel->ops->name;
  PetscReal size;

  PetscFunctionBegin;
  kernel->amplitude = 1;
  if (kernel->ops->traits.conditional) {
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
                     "kernel_normalization: peak is not possible for %s in %d-D, which is infinite "
                     "at 0; use mass",
                     name, (int)kernel->dim);
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

PetscErrorCode MuKernelCreateRaw(const MuKernelSpec *spec, PetscInt dim, MuKernel *kernel) {
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
  k->amplitude = 1;
  resolve_defaults(&k->spec);
  failed = MuParametersCheck(k->ops->parameters, "kernel", k->ops->name, k->spec.parameter);
  if (!failed && k->ops->setup) failed = k->ops->setup(k);
  if (failed) {
    PetscCall(MuKernelDestroy(&k));
    return failed;
  }
  find_support(k);
  *kernel = k;
  PetscFunctionReturn(0);
}

PetscErrorCode MuKernelCreate(const MuKernelSpec *spec, PetscInt dim, MuKernel *kernel) {
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MuKernelCreateRaw(spec, dim, kernel));
  failed = MuKernelNormalize(*kernel);
  if (failed) PetscCall(MuKernelDestroy(kernel));
  PetscFunctionReturn(failed);
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

PetscErrorCode MuKernelGetTraits(MuKernel kernel, const MuKernelTraits **traits) {
  *traits = &kernel->ops->traits;
  return 0;
}

PetscErrorCode MuKernelGetInverseOrder(MuKernel kernel, PetscReal *order) {
  *order = kernel->ops->inverse_order ? kernel->ops->inverse_order(kernel) : 0;
  return 0;
}

PetscErrorCode MuKernelIsConditional(MuKernel kernel, PetscBool *conditional) {
  *conditional = kernel->ops->traits.conditional;
  return 0;
}

PetscBool MuKernelsAgree(MuKernel a, MuKernel b) {
  if (!a || !b) return PETSC_FALSE;
  return (PetscBool)(a == b || MuKernelSpecEqual(&a->spec, &b->spec));
}
