/* What is chosen for a case. Private to case/ and the floors above. */
#ifndef MUDOT_CASE_CHOSEN_H
#define MUDOT_CASE_CHOSEN_H

#include "mudot/case.h"

#define MU_NOTE 256

/* The number that a word stands for as the value of a key, and in a few words how it was found,
   why [MU_NOTE]. */
typedef PetscErrorCode (*MuCaseNumber)(void *ctx, MuCase c, const char *key, const char *word,
                                       PetscReal *number, char why[]);
/* Replaces the words among the values of keys that take numbers by numbers of four digits, also in
   the effective text, and notes them. Collective if `find` is. */
PetscErrorCode MuCaseResolveWords(MuCase c, MuCaseNumber find, void *ctx);
PetscBool MuCaseHasWords(MuCase c);
/* Calls visit with every key whose word has been replaced, and its number. */
PetscErrorCode
MuCaseVisitChosen(MuCase c, PetscErrorCode (*visit)(void *ctx, const char *key, const char *value),
                  void *ctx);
/* Adds a line on what was chosen, once. */
PetscErrorCode MuCaseNote(MuCase c, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
/* The lines, "" if there are none; borrowed. */
const char *MuCaseGetNotes(MuCase c);

#endif
