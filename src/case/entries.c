/* Entries of a case, and the sentences about them. */
#include "case/case_private.h"

#include <stdio.h>
#include <string.h>

MuCaseEntry *MuCaseFind(MuCase c, const char *name) {
  for (PetscInt i = 0; i < c->count; ++i)
    if (strcmp(c->entries[i].key.name, name) == 0) return &c->entries[i];
  return NULL;
}

void MuCasePlace(MuCase c, const MuCaseEntry *entry, size_t size, char *where) {
  if (entry->line)
    snprintf(where, size, "%s, line %d", entry->domain ? c->domain_file : c->file,
             (int)entry->line);
  else
    snprintf(where, size, "command line");
}

PetscErrorCode MuCaseWrong(MuCase c, const MuCaseEntry *entry, const char *value,
                           const char *sentence) {
  char where[PETSC_MAX_PATH_LEN + 32];
  MuCasePlace(c, entry, sizeof where, where);
  return MuError(MU_ERR_INPUT, "%s: \"%.200s\" %s (%s)", entry->key.name, value, sentence, where);
}

/* What belongs elsewhere, and where. */
static const char *const elsewhere[][2] = {
    {"n", "there is no such key; the number of processes stands before the program, as in mpiexec "
          "-n 4 mudot run CASE.yaml"},
    {"np", "there is no such key; the number of processes stands before the program, as in mpiexec "
           "-n 4 mudot run CASE.yaml"},
    {"dry_run", "only mudot run has it: \"mudot run CASE.yaml -dry_run\" checks a case and says "
                "what would be done"},
    {"dry-run", "only mudot run has it: \"mudot run CASE.yaml -dry_run\" checks a case and says "
                "what would be done"},
    {"restart", "only mudot run and mudot particles have it; a study goes on by itself"}};

PetscErrorCode MuCaseUnknown(MuCase c, const char *name, const char *where) {
  MuNearest nearest = {.word = name};
  for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; ++k)
    if (!strcmp(name, elsewhere[k][0]))
      return MuError(MU_ERR_INPUT, "%s: %s (%s)", name, elsewhere[k][1], where);
  MuNearestOfferKeys(&nearest, c->tables);
  if (!strcmp(where, "command line"))
    for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; ++k)
      if (strlen(elsewhere[k][0]) > 2) MuNearestOffer(&nearest, elsewhere[k][0]);
  if (!MuNearestIsClose(&nearest))
    return MuError(MU_ERR_INPUT,
                   "%s: there is no such key; \"mudot list keys\" has all, -load FILE adds those "
                   "of an extension (%s)",
                   name, where);
  return MuError(MU_ERR_INPUT, "%s: there is no such key; the nearest is %s (%s)", name,
                 nearest.best, where);
}

PetscErrorCode MuCaseMissing(MuCase c, const char *key) {
  MuKey found;
  const PetscBool known = MuKeyFind(c->tables, key, &found);
  const PetscBool of_study = (PetscBool)!strncmp(key, "study_", strlen("study_"));
  const char *hint = "";
  if (of_study && !MuCaseFind(c, "study_case"))
    hint = "; a case without a study is for mudot run";
  else if (!of_study && MuCaseFind(c, "study_type"))
    hint = "; a study is for mudot study";
  return MuError(MU_ERR_INPUT, "%s: is missing; it is needed: %s (%s)%s", key,
                 known ? found.row.doc : "", c->file, hint);
}
