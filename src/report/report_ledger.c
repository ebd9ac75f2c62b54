/* The ledger of a run, and what is read off from it. */
#include "report/report.h"

#include <gsl/gsl_fit.h>

#define ROUNDING 1e-12 /* an energy below this part of its largest value is rounding */
#define LEAST    5     /* rows of a fit */

/* ------------------------------------------------------------------ columns */

typedef struct {
  MuJson *j;
  const MuStored *s;
  PetscInt rows, every;
} Ledger;

static PetscErrorCode count_rows(void *ctx, const char *name) {
  Ledger *l = ctx;
  PetscInt dims, extent[3];
  char path[512];

  PetscFunctionBegin;
  snprintf(path, sizeof path, "ledger/%s", name);
  PetscCall(MuStoredShape(l->s, path, &dims, extent));
  if (dims == 1) l->rows = l->rows < 0 ? extent[0] : PetscMin(l->rows, extent[0]);
  PetscFunctionReturn(0);
}

static PetscErrorCode write_note(void *ctx, const char *name, const char *text, PetscReal number) {
  Ledger *l = ctx;
  (void)number;
  if (text) MuJsonText(l->j, name, text);
  return 0;
}

/* First, last, least and largest over all rows, and the row of the largest size. */
static void write_extremes(const Ledger *l, const double *value) {
  double least = NAN, most = NAN, size = -1;
  PetscInt at = 0;
  for (PetscInt i = 0; i < l->rows; ++i) {
    if (!(least <= value[i])) least = isnan(value[i]) ? least : value[i];
    if (!(most >= value[i])) most = isnan(value[i]) ? most : value[i];
    if (fabs(value[i]) > size) {
      size = fabs(value[i]);
      at = i;
    }
  }
  MuJsonNumber(l->j, "first", value[0]);
  MuJsonNumber(l->j, "last", value[l->rows - 1]);
  MuJsonNumber(l->j, "least", least);
  MuJsonNumber(l->j, "most", most);
  MuJsonInteger(l->j, "largest_row", at);
}

static PetscErrorCode write_values(const Ledger *l, const char *name, double *value) {
  const PetscInt count = MuReportCount(l->rows, l->every);

  MuJsonBegin(l->j, name, '{');
  write_extremes(l, value);
  for (PetscInt i = 0; i < count; ++i) value[i] = value[MuReportIndex(i, l->rows, l->every)];
  MuJsonNumbers(l->j, "values", (size_t)count, value);
  return 0;
}

/* A column of at least l->rows numbers, or NULL. */
static PetscErrorCode read_column(const Ledger *l, const char *name, double **value) {
  char path[512];
  PetscInt n;

  PetscFunctionBegin;
  snprintf(path, sizeof path, "ledger/%s", name);
  PetscCall(MuStoredSeries(l->s, path, &n, value));
  if (*value && n < l->rows) PetscCall(PetscFree(*value));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_column(void *ctx, const char *name) {
  Ledger *l = ctx;
  char path[512];
  double *value;

  PetscFunctionBegin;
  PetscCall(read_column(l, name, &value));
  if (!value) PetscFunctionReturn(0);
  PetscCall(write_values(l, name, value));
  snprintf(path, sizeof path, "ledger/%s", name);
  MuJsonBegin(l->j, "notes", '{');
  PetscCall(MuStoredEachAttribute(l->s, path, write_note, l));
  MuJsonEnd(l->j, '}');
  MuJsonEnd(l->j, '}');
  PetscCall(PetscFree(value));
  PetscFunctionReturn(0);
}

/* integral of a column over time: the sum of dt times its value, as the ledger sums R + R*. */
static PetscErrorCode write_integral(Ledger *l, const char *name, const char *integral) {
  double *dt, *value;

  PetscFunctionBegin;
  PetscCall(read_column(l, "dt", &dt));
  PetscCall(read_column(l, name, &value));
  if (dt && value) {
    value[0] = 0;
    for (PetscInt i = 1; i < l->rows; ++i) value[i] = value[i - 1] + dt[i] * value[i];
    PetscCall(write_values(l, integral, value));
    MuJsonEnd(l->j, '}');
  }
  PetscCall(PetscFree(value));
  PetscCall(PetscFree(dt));
  PetscFunctionReturn(0);
}

/* (mass - initial mass)/(initial mass): the differences would be lost in
   the digits of the masses. */
static PetscErrorCode write_drift(Ledger *l) {
  double *mass;

  PetscFunctionBegin;
  PetscCall(read_column(l, "mass", &mass));
  if (!mass) PetscFunctionReturn(0);
  const double initial = mass[0];
  for (PetscInt i = 0; i < l->rows; ++i) mass[i] = (mass[i] - initial) / fabs(initial);
  PetscCall(write_values(l, "mass_drift", mass));
  MuJsonEnd(l->j, '}');
  PetscCall(PetscFree(mass));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ decay rate */

/* Rows of the late half of the time in which the energy is above rounding. */
static void late_window(PetscInt rows, const double *t, const double *energy, PetscInt *first,
                        PetscInt *end) {
  double largest = 0;
  for (PetscInt i = 0; i < rows; ++i)
    if (isfinite(energy[i])) largest = PetscMax(largest, energy[i]);
  *end = 0;
  while (*end < rows && energy[*end] > ROUNDING * largest && isfinite(energy[*end])) ++*end;
  *first = 0;
  if (*end == 0) return;
  const double middle = 0.5 * (t[0] + t[*end - 1]);
  while (*first < *end && t[*first] < middle) ++*first;
}

/* Least squares of log F on t over the late window; F must stay positive there. */
static void write_fit(MuJson *j, PetscInt rows, double *t, double *energy) {
  double intercept, slope, c00, c01, c11, squares;
  PetscInt first, end;

  late_window(rows, t, energy, &first, &end);
  if (end - first < LEAST || !(t[end - 1] > t[first])) return;
  for (PetscInt i = first; i < end; ++i) energy[i] = log(energy[i]);
  gsl_fit_linear(t + first, 1, energy + first, 1, (size_t)(end - first), &intercept, &slope, &c00,
                 &c01, &c11, &squares);
  MuJsonBegin(j, "decay", '{');
  MuJsonNumber(j, "rate", -slope);
  MuJsonNumber(j, "rate_stderr", sqrt(PetscMax(c11, 0)));
  MuJsonNumber(j, "log_factor", intercept);
  MuJsonNumber(j, "from", t[first]);
  MuJsonNumber(j, "to", t[end - 1]);
  MuJsonInteger(j, "rows", end - first);
  MuJsonEnd(j, '}');
}

static PetscErrorCode write_decay(Ledger *l) {
  double *t, *energy;

  PetscFunctionBegin;
  PetscCall(read_column(l, "t", &t));
  PetscCall(read_column(l, "energy", &energy));
  if (t && energy) write_fit(l->j, l->rows, t, energy);
  PetscCall(PetscFree(energy));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

PetscErrorCode MuReportLedger(MuJson *j, const MuStored *s, PetscInt rows) {
  Ledger l = {.j = j, .s = s, .rows = -1};

  PetscFunctionBegin;
  PetscCall(MuStoredEachDataset(s, "ledger", count_rows, &l));
  if (l.rows < 1) PetscFunctionReturn(0);
  l.every = MuReportEvery(l.rows, rows);
  MuJsonBegin(j, "ledger", '{');
  MuJsonInteger(j, "rows", l.rows);
  MuJsonInteger(j, "every", l.every);
  MuJsonBegin(j, "columns", '{');
  PetscCall(MuStoredEachDataset(s, "ledger", write_column, &l));
  PetscCall(write_integral(&l, "dissipation_primal", "integral_primal"));
  PetscCall(write_integral(&l, "dissipation_dual", "integral_dual"));
  PetscCall(write_drift(&l));
  MuJsonEnd(j, '}');
  PetscCall(write_decay(&l));
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}
