/* grid_labels as the attributes that readers of netCDF draw at their axes. */
#include "run/labels.h"

/* The text up to a last part in brackets, round or square, which is the unit. */
static void split(const char *text, char name[128], char unit[64]) {
  const size_t length = strlen(text);
  const PetscBool square = (PetscBool)(length && text[length - 1] == ']');
  const char *open = strrchr(text, square ? '[' : '(');
  snprintf(name, 128, "%s", text);
  if (!open || open == text || text[length - 1] != (square ? ']' : ')')) return;
  snprintf(unit, 64, "%.*s", (int)(text + length - 2 - open), open + 1);
  snprintf(name, 128, "%.*s", (int)(open - text), text);
  for (size_t n = strlen(name); n > 0 && name[n - 1] == ' ';) name[--n] = 0;
}

PetscErrorCode MuLabelsRead(MuCase c, MuLabels *labels) {
  char *text[2] = {NULL, NULL};
  PetscInt count = 2;
  PetscBool given;

  PetscFunctionBegin;
  memset(labels, 0, sizeof *labels);
  PetscCall(MuCaseGetStringArray(c, "grid_labels", &count, text, &given));
  for (PetscInt a = 0; given && a < count; ++a) {
    split(text[a], labels->name[a], labels->unit[a]);
    PetscCall(PetscFree(text[a]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuLabelsWrite(const MuLabels *labels, MuRunWriter writer) {
  static const char *const axis[] = {"/grid/x", "/grid/y"};

  PetscFunctionBegin;
  for (int a = 0; a < 2; ++a) {
    if (!labels->name[a][0]) continue;
    PetscCall(MuRunWriterSetAttribute(writer, axis[a], "long_name", labels->name[a]));
    if (labels->unit[a][0])
      PetscCall(MuRunWriterSetAttribute(writer, axis[a], "units", labels->unit[a]));
  }
  PetscFunctionReturn(0);
}
