/* Plans of FFTW that are the same whenever the program is started, so that a run has the same bits
   as the one before.

   On grids below SMALL_GRID cells, where nothing can be kept, and with -mudot_estimate_plans they
   are estimated, which makes a transform 10 to 50 % slower. Otherwise they are measured once (a few
   seconds for the largest grids) for the lengths and kinds of a transform on this kind of processor
   and kept as FFTW's wisdom in a file of their own in the user's cache (base/cache.h), from which
   this run and every later one take them. While one run measures, others that want the same plans
   wait for it. FFTW's planner also looks at what it knows of other lengths: it is made to forget
   that before, so that plans do not depend on what a process did before. */
#include "base/cache.h"
#include "kernel/spectral.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_GRID = 65536 };

static char *restored; /* wisdom of a checkpoint; it comes first */

static fftw_r2r_kind real_kind(MuTransformKind kind, PetscBool forward) {
  if (kind == MU_TRANSFORM_SINE) return FFTW_RODFT00;
  return forward ? FFTW_REDFT10 : FFTW_REDFT01;
}

static void plan_rows(MuSpectral s, unsigned flags) {
  const MuAxis *axis = &s->axis[0];
  const int n = (int)axis->length;
  if (s->complex_rows) {
    s->row_forward = fftw_plan_dft_r2c_1d(n, s->row_in, (fftw_complex *)s->spectrum, flags);
    s->row_backward = fftw_plan_dft_c2r_1d(n, (fftw_complex *)s->spectrum, s->row_out, flags);
  } else {
    s->row_forward =
        fftw_plan_r2r_1d(n, s->row_in, s->spectrum, real_kind(axis->kind, PETSC_TRUE), flags);
    s->row_backward =
        fftw_plan_r2r_1d(n, s->spectrum, s->row_out, real_kind(axis->kind, PETSC_FALSE), flags);
  }
}

/* One column; a complex column under a real transform is two interleaved real ones. */
static void plan_columns(MuSpectral s, unsigned flags) {
  const MuAxis *axis = &s->axis[1];
  const int n = (int)axis->length, item = (int)s->item;
  PetscReal *column = s->block_data, *mode = s->mode;
  if (!s->complex_columns) {
    const fftw_r2r_kind there = real_kind(axis->kind, PETSC_TRUE),
                        back = real_kind(axis->kind, PETSC_FALSE);
    s->column_forward =
        fftw_plan_many_r2r(1, &n, item, column, NULL, item, 1, mode, NULL, item, 1, &there, flags);
    s->column_backward =
        fftw_plan_many_r2r(1, &n, item, mode, NULL, item, 1, column, NULL, item, 1, &back, flags);
  } else if (s->item == 2) {
    s->column_forward =
        fftw_plan_dft_1d(n, (fftw_complex *)column, (fftw_complex *)mode, FFTW_FORWARD, flags);
    s->column_backward = fftw_plan_dft_1d(n, (fftw_complex *)mode, (fftw_complex *)column,
                                          FFTW_BACKWARD, flags | FFTW_DESTROY_INPUT);
  } else {
    s->column_forward = fftw_plan_dft_r2c_1d(n, column, (fftw_complex *)mode, flags);
    s->column_backward = fftw_plan_dft_c2r_1d(n, (fftw_complex *)mode, column, flags);
  }
}

static void destroy_plan(fftw_plan *plan) {
  if (*plan) fftw_destroy_plan(*plan);
  *plan = NULL;
}

/* Whether there are all plans. */
static PetscBool plan(MuSpectral s, unsigned flags) {
  destroy_plan(&s->row_forward);
  destroy_plan(&s->row_backward);
  destroy_plan(&s->column_forward);
  destroy_plan(&s->column_backward);
  plan_rows(s, flags);
  if (s->info->dim == 2) plan_columns(s, flags);
  return (PetscBool)(s->row_forward && s->row_backward &&
                     (s->info->dim == 1 || (s->column_forward && s->column_backward)));
}

/* ------------------------------------------------------------------ wisdom */

PetscErrorCode MuTransformPlansGet(char **text) {
  char *wisdom = fftw_export_wisdom_to_string();

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(wisdom ? wisdom : "", text));
  free(wisdom);
  PetscFunctionReturn(0);
}

PetscErrorCode MuTransformPlansSet(const char *text) {
  free(restored);
  restored = text && text[0] ? strdup(text) : NULL;
  if (restored) (void)fftw_import_wisdom_from_string(restored);
  return 0;
}

/* Plans with `text` and nothing else known; whether it was enough. */
static PetscBool plan_with(MuSpectral s, const char *text) {
  fftw_forget_wisdom();
  if (!text || !fftw_import_wisdom_from_string(text)) return PETSC_FALSE;
  return plan(s, FFTW_MEASURE | FFTW_WISDOM_ONLY);
}

/* The transforms of an operator, the library and the processor, as the name of a file. */
static void name_of(const MuSpectral s, char name[MU_CACHE_NAME]) {
  static const char letters[] = {
      [MU_TRANSFORM_FOURIER] = 'f', [MU_TRANSFORM_COSINE] = 'c', [MU_TRANSFORM_SINE] = 's'};
  char second[32] = "";
  if (s->info->dim == 2)
    snprintf(second, sizeof second, "-%c%d", letters[s->axis[1].kind], (int)s->axis[1].length);
  snprintf(name, MU_CACHE_NAME, "%s-%c%d%s", fftw_version, letters[s->axis[0].kind],
           (int)s->axis[0].length, second);
}

/* Under the lock: takes what another run has kept meanwhile, or measures and keeps. *text (of
   malloc) is NULL if that cannot be done. */
static void measure(MuSpectral s, const char *name, char **text) {
  MuCacheLock lock;
  *text = NULL;
  if (!MuCacheLockName(name, &lock)) return;
  *text = MuCacheRead(name);
  if (!plan_with(s, *text)) {
    free(*text);
    fftw_forget_wisdom();
    *text = plan(s, FFTW_MEASURE) ? fftw_export_wisdom_to_string() : NULL;
    if (*text && !MuCacheWrite(name, *text)) {
      free(*text);
      *text = NULL;
    }
  }
  MuCacheUnlock(&lock);
}

/* On rank 0: the wisdom for the plans, of malloc; NULL: they are to be estimated. */
static char *find_wisdom(MuSpectral s) {
  char name[MU_CACHE_NAME], *text = NULL;
  if (restored && plan_with(s, restored)) return strdup(restored);
  name_of(s, name);
  text = MuCacheRead(name);
  if (plan_with(s, text)) return text;
  free(text);
  measure(s, name, &text);
  return text;
}

/* What rank 0 has found, on every rank. */
static PetscErrorCode share_text(const MuGridInfo *info, char **text) {
  unsigned long long length = *text ? strlen(*text) + 1 : 0;

  PetscFunctionBegin;
  if (info->size == 1) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, info->comm));
  if (info->rank) *text = length ? malloc(length) : NULL;
  if (length && !*text) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for FFTW's wisdom");
  if (length) PetscCallMPI(MPI_Bcast(*text, (PetscMPIInt)length, MPI_CHAR, 0, info->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSpectralPlan(MuSpectral s) {
  const MuGridInfo *info = s->info;
  char *known = fftw_export_wisdom_to_string(), *text = NULL;
  PetscBool estimate = (PetscBool)(info->cells[0] * info->cells[1] < SMALL_GRID), there;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-mudot_estimate_plans", &estimate, NULL));
  if (!estimate && info->rank == 0) text = find_wisdom(s);
  if (!estimate) PetscCall(share_text(info, &text));
  there = plan_with(s, text);
  fftw_forget_wisdom();
  if (!there) there = plan(s, FFTW_ESTIMATE);
  fftw_forget_wisdom();
  if (known) (void)fftw_import_wisdom_from_string(known);
  if (text) (void)fftw_import_wisdom_from_string(text);
  free(known);
  free(text);
  if (!there) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW made no plan");
  PetscFunctionReturn(0);
}
