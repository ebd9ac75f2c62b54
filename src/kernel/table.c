/* Piecewise Chebyshev series on panels that grow with the argument: 16 per octave, so that a
   function that is analytic away from 0 needs few terms on each. The panel of an argument is read
   from its exponent and the four leading bits of its fraction. */
#include "kernel/table.h"

#include <math.h>
#include <string.h>

enum { PANELS = 16, TERMS = 16 };

struct _MuTable {
  PetscReal low, high;
  PetscInt first; /* exponent of low */
  PetscReal *coefficients;
};

/* Coefficients from the values at the Chebyshev points of the first kind. */
static void fit_panel(PetscReal (*f)(void *, PetscReal), void *ctx, PetscReal low, PetscReal width,
                      PetscReal c[TERMS]) {
  PetscReal values[TERMS];
  for (PetscInt i = 0; i < TERMS; ++i)
    values[i] = f(ctx, low + 0.5 * width * (1 + cos(PETSC_PI * (i + 0.5) / TERMS)));
  for (PetscInt k = 0; k < TERMS; ++k) {
    c[k] = 0;
    for (PetscInt i = 0; i < TERMS; ++i)
      c[k] += values[i] * cos(PETSC_PI * k * (i + 0.5) / TERMS) * (k ? 2.0 : 1.0) / TERMS;
  }
}

PetscErrorCode MuTableCreate(PetscReal (*f)(void *, PetscReal), void *ctx, PetscInt first,
                             PetscInt last, MuTable *table) {
  MuTable t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  t->first = first;
  t->low = ldexp(1, (int)first);
  t->high = ldexp(1, (int)last);
  PetscCall(PetscMalloc1((last - first) * PANELS * TERMS, &t->coefficients));
  for (PetscInt octave = first; octave < last; ++octave) {
    const PetscReal start = ldexp(1, (int)octave), width = start / PANELS;
    for (PetscInt p = 0; p < PANELS; ++p)
      fit_panel(f, ctx, start + p * width, width,
                t->coefficients + ((octave - first) * PANELS + p) * TERMS);
  }
  *table = t;
  PetscFunctionReturn(0);
}

PetscErrorCode MuTableDestroy(MuTable *table) {
  PetscFunctionBegin;
  if (*table) PetscCall(PetscFree((*table)->coefficients));
  PetscCall(PetscFree(*table));
  PetscFunctionReturn(0);
}

PetscBool MuTableEvaluate(MuTable t, PetscReal x, PetscReal *value) {
  unsigned long long bits;
  if (!(x >= t->low && x < t->high)) return PETSC_FALSE;
  memcpy(&bits, &x, sizeof bits);
  const PetscInt panel = (PetscInt)(bits >> 48) - (PetscInt)((1023 + t->first) * PANELS);
  /* position inside the panel, in [-1, 1): the remaining 48 bits of the fraction */
  const PetscReal y = (PetscReal)(bits & 0xFFFFFFFFFFFFull) * 0x1p-47 - 1;
  const PetscReal *c = t->coefficients + panel * TERMS;
  PetscReal b1 = 0, b2 = 0;
  for (PetscInt k = TERMS - 1; k > 0; --k) {
    const PetscReal b0 = c[k] + 2 * y * b1 - b2;
    b2 = b1;
    b1 = b0;
  }
  *value = c[0] + y * b1 - b2;
  return PETSC_TRUE;
}
