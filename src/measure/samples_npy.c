/* Points from an array of NumPy: [n] or [n][columns]. */
#include "base/npy.h"
#include "measure/measure_impl.h"

#include <stdio.h>
#include <stdlib.h>

/* What a sentence begins with, "KEY_file: FILE"; a static buffer. */
static const char *prefix(const MuPointsSpec *s, const char *name) {
  static char text[PETSC_MAX_PATH_LEN + 128];
  snprintf(text, sizeof text, "%s%s%s%s%s", s->key ? s->key : "", s->key ? "_" : "",
           s->key ? name : "", s->key ? ": " : "", s->file);
  return text;
}

/* The array as [n][columns]. */
static PetscErrorCode read_array(const MuPointsSpec *s, PetscInt shape[2], PetscReal **values) {
  char key[64];
  PetscInt dims;

  PetscFunctionBegin;
  snprintf(key, sizeof key, "%s_file", s->key ? s->key : "");
  shape[1] = 1;
  PetscCall(MuNpyRead(s->key ? key : NULL, s->file, s->array, 2, &dims, shape, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_column(const MuPointsSpec *s, PetscInt axis, PetscInt columns,
                                  PetscInt *column) {
  const char *wanted = s->columns ? s->columns[axis] : NULL;
  char *end;

  PetscFunctionBegin;
  *column = axis;
  if (wanted && *wanted) {
    const long number = strtol(wanted, &end, 10);
    if (*end || number < 1 || number > columns)
      return MuError(MU_ERR_INPUT, "%s has no column `%.60s`; an array has the columns 1 to %d",
                     prefix(s, "columns"), wanted, (int)columns);
    *column = (PetscInt)number - 1;
  }
  if (*column >= columns)
    return MuError(MU_ERR_INPUT, "%s has %d columns; %d are needed", prefix(s, "columns"),
                   (int)columns, (int)axis + 1);
  PetscFunctionReturn(0);
}

static PetscErrorCode choose(const MuPointsSpec *s, const PetscInt shape[2],
                             const PetscReal *values, PetscReal *points) {
  PetscInt column;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < s->dim; ++a) {
    PetscCall(find_column(s, a, shape[1], &column));
    for (PetscInt i = 0; i < shape[0]; ++i) {
      const PetscReal value = values[i * shape[1] + column];
      if (PetscIsInfOrNanReal(value))
        return MuError(MU_ERR_INPUT, "%s, row %d, column %d: %g is not a finite number",
                       prefix(s, "file"), (int)i + 1, (int)column + 1, value);
      points[i * s->dim + a] = value;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuSamplesReadNpy(const MuPointsSpec *s, PetscInt *n, PetscReal **points) {
  PetscInt shape[2];
  PetscReal *values;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  *points = NULL;
  PetscCall(read_array(s, shape, &values));
  if (!shape[0] || !shape[1]) code = MuError(MU_ERR_INPUT, "%s has no points", prefix(s, "file"));
  if (!code) PetscCall(PetscMalloc1(shape[0] * s->dim, points));
  if (!code) code = choose(s, shape, values, *points);
  PetscCall(PetscFree(values));
  if (code) PetscCall(PetscFree(*points));
  *n = shape[0];
  PetscFunctionReturn(code);
}

PetscErrorCode MuSamplesNpyFields(const MuPointsSpec *s, PetscInt *fields) {
  PetscInt shape[2];
  PetscReal *values;

  PetscFunctionBegin;
  PetscCall(read_array(s, shape, &values));
  PetscCall(PetscFree(values));
  *fields = shape[1];
  PetscFunctionReturn(0);
}
