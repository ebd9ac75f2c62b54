/* A study: the whole of study.h5, or the rows of study.csv while it goes on. */
#include "report/report.h"

#define CURVE_NUMBERS 40000 /* of one curve of all rows */

typedef struct {
  MuJson *j;
  const MuStored *s;
  const char *group;
  PetscInt times, every; /* of the curves */
} Columns;

static PetscErrorCode write_column(void *ctx, const char *name) {
  Columns *c = ctx;
  char path[512];
  double *value;
  PetscInt n;

  PetscFunctionBegin;
  snprintf(path, sizeof path, "%s/%s", c->group, name);
  PetscCall(MuStoredSeries(c->s, path, &n, &value));
  if (value) MuJsonNumbers(c->j, name, (size_t)n, value);
  PetscCall(PetscFree(value));
  PetscFunctionReturn(0);
}

static void write_thinned(const Columns *c, const char *name, double *value) {
  const PetscInt count = MuReportCount(c->times, c->every);
  for (PetscInt k = 0; k < count; ++k) value[k] = value[MuReportIndex(k, c->times, c->every)];
  MuJsonNumbers(c->j, name, (size_t)count, value);
}

static PetscErrorCode write_columns(MuJson *j, const MuStored *s, const char *group) {
  Columns c = {.j = j, .s = s, .group = group};

  PetscFunctionBegin;
  MuJsonBegin(j, group, '{');
  PetscCall(MuStoredEachDataset(s, group, write_column, &c));
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

/* A curve of every row, [rows][times], of which every k-th time is shown. */
static PetscErrorCode write_curve(void *ctx, const char *name) {
  Columns *c = ctx;
  PetscInt dims, extent[3];
  PetscErrorCode code = 0;
  char path[512];
  double *value;

  PetscFunctionBegin;
  snprintf(path, sizeof path, "%s/%s", c->group, name);
  PetscCall(MuStoredShape(c->s, path, &dims, extent));
  if (dims != 2 || extent[0] > CURVE_NUMBERS || extent[1] != c->times) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(c->times + 1, &value));
  MuJsonBegin(c->j, name, '[');
  for (PetscInt i = 0; i < extent[0] && !code; ++i) {
    code = MuHdf5Read(c->s->file, c->s->path, path, i, extent[1], value);
    if (!code) write_thinned(c, NULL, value);
  }
  MuJsonEnd(c->j, ']');
  PetscCall(PetscFree(value));
  PetscFunctionReturn(code);
}

static PetscErrorCode write_curves(MuJson *j, const MuStored *s) {
  Columns c = {.j = j, .s = s, .group = "curves"};
  PetscInt rows;
  double *value, *t;

  PetscFunctionBegin;
  PetscCall(MuStoredSeries(s, "rows/value", &rows, &value));
  PetscCall(PetscFree(value));
  PetscCall(MuStoredSeries(s, "curves/t", &c.times, &t));
  c.every = MuReportEvery(c.times, CURVE_NUMBERS / (rows + 2));
  MuJsonBegin(j, "curves", '{');
  write_thinned(&c, "t", t);
  if (c.times) PetscCall(MuStoredEachDataset(s, "curves", write_curve, &c));
  MuJsonEnd(j, '}');
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_groups(MuJson *j, const MuStored *s) {

  PetscFunctionBegin;
  PetscCall(MuReportAttributes(j, s, "/"));
  PetscCall(write_columns(j, s, "rows"));
  PetscCall(write_columns(j, s, "reference"));
  PetscCall(write_curves(j, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_study(MuJson *j, const char *path, const MuReportShare *share) {
  PetscErrorCode code;
  MuStored s = {.path = path};

  PetscFunctionBegin;
  (void)share;
  PetscCall(MuHdf5Open(path, &s.file));
  code = write_groups(j, &s);
  H5Fclose(s.file);
  PetscFunctionReturn(code);
}

static PetscErrorCode write_rows(MuJson *j, const char *path, const MuReportShare *share) {
  char yaml[PETSC_MAX_PATH_LEN + 16], *text = NULL;

  PetscFunctionBegin;
  (void)share;
  PetscCall(MuReportAge(j, path));
  PetscCall(MuReportCsv(j, path));
  snprintf(yaml, sizeof yaml, "%.*s.yaml", (int)(strlen(path) - strlen(".csv")), path);
  if (MuReportReadText(yaml, &text) == 0) MuJsonText(j, "text", text);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
}

const MuReportPart mu_report_study = {.name = "study", .file = "study.h5", .write = write_study};
const MuReportPart mu_report_rows = {.name = "rows", .file = "study.csv", .write = write_rows};
