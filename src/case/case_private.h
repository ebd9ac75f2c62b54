/* Private to case/: what a case holds. */
#ifndef MUDOT_CASE_PRIVATE_H
#define MUDOT_CASE_PRIVATE_H

#include "case/keys.h"

/* One given key. */
typedef struct {
  MuKey key;
  char *value;      /* whole, as text; "" for a bare flag. Owned. */
  PetscInt line;    /* of its file; 0: the command line */
  PetscBool domain; /* the file is the domain file */
  PetscBool list;   /* written as a list */
  PetscBool nested; /* written in a mapping of a summand */
  PetscBool chosen; /* was a word that stands for this number */
} MuCaseEntry;

struct _p_MuCase {
  PetscInt references;
  MPI_Comm comm;
  char file[PETSC_MAX_PATH_LEN], domain_file[PETSC_MAX_PATH_LEN];
  const MuKeyTable *tables; /* NULL: any key is taken */
  MuCaseEntry *entries;     /* in the order given */
  PetscInt count, capacity;
  char *effective, *command_line;
  char notes[1024]; /* MuCaseNote() */
};

/* What a case is made of. */
typedef struct {
  const MuKeyTable *tables; /* static; NULL: any key is taken, and the values are not checked */
  const char *file;         /* NULL: the name is among the arguments */
  const char *text;         /* NULL: the file is read */
  int argc;
  char **argv;
} MuCaseSource;

/* See MuCaseCreate() and MuCaseCreateFromText(). Collective. */
PetscErrorCode MuCaseRead(MPI_Comm comm, const MuCaseSource *source, MuCase *c);

/* The entry of a key by its first spelling, NULL if it was not given. */
MuCaseEntry *MuCaseFind(MuCase c, const char *name);

/* MU_ERR_INPUT "name: "value" sentence (where it was given)". */
PetscErrorCode MuCaseWrong(MuCase c, const MuCaseEntry *entry, const char *value,
                           const char *sentence);

/* Checks the value of an entry: type, number of items, range, words. */
PetscErrorCode MuCaseCheckEntry(MuCase c, const MuCaseEntry *entry);

/* Where an entry was given: "FILE, line N" or "command line". */
void MuCasePlace(MuCase c, const MuCaseEntry *entry, size_t size, char *where);

/* MU_ERR_INPUT for a key that is not given but needed. */
PetscErrorCode MuCaseMissing(MuCase c, const char *key);

/* MU_ERR_INPUT for an unknown key, naming the nearest known one. */
PetscErrorCode MuCaseUnknown(MuCase c, const char *name, const char *where);

/* The folder of a file: "a" of "a/b", "." of "b". */
void MuCaseFolder(const char *file, char folder[PETSC_MAX_PATH_LEN]);

/* The YAML text of the case. */
PetscErrorCode MuCaseWriteYaml(MuCase c, char **text);

/* A value as MuCaseWriteYaml() writes it, to `out`. */
void MuCaseWriteValue(FILE *out, const MuKeyRow *row, const char *value);

#endif
