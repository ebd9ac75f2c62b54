/* mudot help CHAPTER. */
#include "manual/manual.h"

#include "output/terminal.h"

#include <string.h>

PetscErrorCode MuManualGetTableRow(PetscInt i, const char **name, const char **summary) {
  PetscInt rows = 0;
  while (mu_manual[rows].name) ++rows;
  const PetscBool there = (PetscBool)(i >= 0 && i < rows);
  *name = there ? mu_manual[i].name : NULL;
  *summary = there ? mu_manual[i].summary : NULL;
  return 0;
}

/* A name in backquotes may go on in the next line. */
static void print_line(FILE *out, const char *line, PetscBool *bold) {
  const char *const begin = MuStyleText(out, MU_STYLE_NAME);
  const PetscBool styled = (PetscBool)(*begin != '\0');
  for (const char *c = line; *c; ++c) {
    if (*c != '`' || !styled) {
      fputc(*c, out);
      continue;
    }
    *bold = (PetscBool) !*bold;
    fputs(*bold ? begin : MuStyleText(out, MU_STYLE_PLAIN), out);
  }
}

void MuManualPrint(FILE *out, const char *name) {
  const MuChapter *chapter = mu_manual;
  PetscBool bold = PETSC_FALSE;
  while (chapter->name && strcmp(chapter->name, name) != 0) ++chapter;
  for (PetscInt i = 0; chapter->name && chapter->lines[i]; ++i)
    print_line(out, chapter->lines[i], &bold);
}
