/* Reads YAML. Private to case/. */
#ifndef MUDOT_YAML_H
#define MUDOT_YAML_H

#include "mudot.h"

/* Reads a text file on rank 0 and gives it to every rank; the caller frees text with PetscFree().
   `what` begins the sentence if it cannot be read (MU_ERR_FILE), e.g. "case". Collective. */
PetscErrorCode MuTextRead(MPI_Comm comm, const char *what, const char *file, char **text);

/* A key with its value as it stands in a YAML text, nested names joined by "_". */
typedef struct {
  const char *name;
  const char *value; /* the items of a list joined by commas; valid during the visit */
  PetscInt line;     /* from 1 */
  PetscBool list;    /* a sequence */
  PetscBool nested;  /* deeper than block and key */
  PetscBool merged;  /* by "<<": counts where the key is not given otherwise */
} MuYamlEntry;

/* Checks that the text is one mapping of mappings whose values are scalars, lists of scalars with
   no empty item or comma, or lists of mappings (the keys of the second and third begin with name_2,
   name_3), and visits its keys in order, those that a mapping merges (<<: *anchor) after its own.
   Stops at the first error. MU_ERR_INPUT names the line. */
PetscErrorCode MuYamlVisit(const char *file, const char *text,
                           PetscErrorCode (*visit)(void *ctx, const MuYamlEntry *entry), void *ctx);

#endif
