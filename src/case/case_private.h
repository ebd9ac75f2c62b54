/* Private to case/: what a case holds. */
#ifndef MUDOT_CASE_PRIVATE_H
#define MUDOT_CASE_PRIVATE_H

#include "case/keys.h"

/* One given key. Its value stands in the options database under -name. */
typedef struct {
  char name[MU_KEY_LENGTH]; /* canonical */
  const MuKeyRow *row;
  PetscInt line;    /* of its file; 0: the command line */
  PetscBool domain; /* the file is the domain file */
  PetscBool list;   /* written as a list */
} MuCaseEntry;

struct _p_MuCase {
  PetscInt references;
  MPI_Comm comm;
  char file[PETSC_MAX_PATH_LEN], domain_file[PETSC_MAX_PATH_LEN];
  PetscOptions options;
  MuCaseEntry *entries; /* in the order given */
  PetscInt count, capacity;
  char *effective, *command_line;
};

/* The entry of a key, NULL if it was not given. */
const MuCaseEntry *MuCaseFind(MuCase c, const char *name);

/* Its value: borrowed, whole, "" for a bare flag. */
PetscErrorCode MuCaseValue(MuCase c, const char *name, const char **value);

/* MU_ERR_INPUT "name: "value" sentence (where it was given)". */
PetscErrorCode MuCaseWrong(MuCase c, const MuCaseEntry *entry, const char *value,
                           const char *sentence);

/* Checks the value of an entry against its row: type, number of items, range, words. */
PetscErrorCode MuCaseCheckEntry(MuCase c, const MuCaseEntry *entry);

/* Where an entry was given: "FILE, line N" or "command line". */
void MuCasePlace(MuCase c, const MuCaseEntry *entry, size_t size, char *where);

/* MU_ERR_INPUT for a key that is not given but needed. */
PetscErrorCode MuCaseMissing(MuCase c, const char *key);

/* MU_ERR_INPUT for an unknown key, naming the nearest known one; row: table of the names of a block
   of weights, or NULL. */
PetscErrorCode MuCaseUnknown(MuCase c, const char *name, const char *where, MuTableRow table);

/* The YAML text of the case. */
PetscErrorCode MuCaseWriteYaml(MuCase c, char **text);

#endif
