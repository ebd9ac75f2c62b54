/* What PETSc's YAML reader does not tell: lines, duplicates, shapes. Private to case/. */
#ifndef MUDOT_YAML_H
#define MUDOT_YAML_H

#include "mudot.h"

/* Reads a text file on rank 0 and gives it to every rank; the caller frees text with PetscFree().
   `what` begins the sentence if it cannot be read (MU_ERR_FILE), e.g. "case". Collective. */
PetscErrorCode MuTextRead(MPI_Comm comm, const char *what, const char *file, char **text);

/* A key with its value as it stands in a YAML text, nested names joined by "_". */
typedef struct {
  const char *name;
  const char *file;
  PetscInt line;  /* from 1 */
  PetscBool list; /* a sequence */
} MuYamlEntry;

/* Checks that the text is one mapping of mappings whose values are scalars or lists of scalars, no
   list item empty or with a comma in it, and visits its keys in order. Stops at the first error.
   Every text that passes is read by PetscOptionsInsertStringYAML() without error. MU_ERR_INPUT
   names the line. */
PetscErrorCode MuYamlVisit(const char *file, const char *text,
                           PetscErrorCode (*visit)(void *ctx, const MuYamlEntry *entry), void *ctx);

#endif
