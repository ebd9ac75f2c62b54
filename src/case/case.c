/* A case: YAML file, domain file and command line joined. */
#include "case/arguments.h"
#include "case/case_private.h"
#include "case/yaml.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ entries */

/* Puts an entry in the place of `other`, or at the end; copies the value. */
static PetscErrorCode put_entry(MuCase c, MuCaseEntry *other, const MuCaseEntry *entry,
                                const char *value) {
  PetscFunctionBegin;
  if (other)
    PetscCall(PetscFree(other->value));
  else {
    if (c->count == c->capacity) {
      c->capacity = 2 * c->capacity + 32;
      PetscCall(PetscRealloc(sizeof *c->entries * (size_t)c->capacity, &c->entries));
    }
    other = &c->entries[c->count++];
  }
  *other = *entry;
  PetscCall(PetscStrallocpy(value, &other->value));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ reading */

typedef struct {
  MuCase c;
  PetscBool domain;
} Reading;

/* The mask of a domain file lies beside it. */
static PetscErrorCode put_domain_entry(MuCase c, const MuCaseEntry *entry, const char *value) {
  char path[2 * PETSC_MAX_PATH_LEN], folder[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  if (strcmp(entry->key.name, "grid_mask") == 0 && value[0] != '/') {
    MuCaseFolder(c->domain_file, folder);
    snprintf(path, sizeof path, "%s/%s", folder, value);
    value = path;
  }
  PetscCall(put_entry(c, NULL, entry, value));
  PetscFunctionReturn(0);
}

/* A key of a YAML text becomes an entry, unless a domain file or a merged mapping gives it beside
   what is there already. */
static PetscErrorCode visit_yaml(void *ctx, const MuYamlEntry *yaml) {
  Reading *reading = ctx;
  MuCase c = reading->c;
  MuCaseEntry entry = {
      .line = yaml->line, .list = yaml->list, .domain = reading->domain, .nested = yaml->nested};
  char where[PETSC_MAX_PATH_LEN + 32];

  PetscFunctionBegin;
  MuCasePlace(c, &entry, sizeof where, where);
  if (!MuKeyFind(c->tables, yaml->name, &entry.key)) {
    if (MuKeyIsBlock(yaml->name))
      return MuError(MU_ERR_INPUT, "%s: a block of keys is expected here, not a list (%s)",
                     yaml->name, where);
    PetscCall(MuCaseUnknown(c, yaml->name, where));
  }
  if (entry.domain &&
      (strcmp(entry.key.block, "grid") != 0 || !strcmp(entry.key.name, "grid_file")))
    return MuError(MU_ERR_INPUT,
                   "%s: a domain file holds nothing but a grid block without file (%s)",
                   entry.key.name, where);
  const MuCaseEntry *other = MuCaseFind(c, entry.key.name);
  if (other && other->domain == entry.domain && !yaml->merged)
    return MuError(MU_ERR_INPUT, "%s: is given twice, first on line %d (%s)", entry.key.name,
                   (int)other->line, where);
  if (!other)
    PetscCall(entry.domain ? put_domain_entry(c, &entry, yaml->value)
                           : put_entry(c, NULL, &entry, yaml->value));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_file(MuCase c, const char *what, const char *file, Reading *reading) {
  char *text;

  PetscFunctionBegin;
  PetscCall(MuTextRead(c->comm, what, file, &text));
  PetscErrorCode code = MuYamlVisit(file, text, visit_yaml, reading);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(code);
}

/* Keys of which a case has one: that of the command line replaces the other one of the file. */
static PetscErrorCode drop_alternative(MuCase c, const char *name) {
  static const char *const pairs[][2] = {{"output_every", "output_times"},
                                         {"target_density", "target_log_density"},
                                         {"initial_density", "initial_log_density"}};

  PetscFunctionBegin;
  for (size_t k = 0; k < 2 * sizeof pairs / sizeof *pairs; ++k) {
    if (strcmp(name, pairs[k / 2][k % 2]) != 0) continue;
    MuCaseEntry *other = MuCaseFind(c, pairs[k / 2][1 - k % 2]);
    if (!other || other->line == 0) continue;
    PetscCall(PetscFree(other->value));
    const size_t behind = (size_t)(c->entries + c->count-- - other) - 1;
    memmove(other, other + 1, behind * sizeof *other);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode visit_argument(void *ctx, const char *name, const char *value) {
  MuCase c = ctx;
  MuCaseEntry entry = {0};
  char shown[MU_KEY_LENGTH];

  PetscFunctionBegin;
  if (!MuKeyFind(c->tables, name, &entry.key)) {
    snprintf(shown, sizeof shown, "%s", name);
    return MuCaseUnknown(c, shown, "command line");
  }
  MuCaseEntry *other = MuCaseFind(c, entry.key.name);
  if (other && other->line == 0)
    return MuError(MU_ERR_INPUT, "%s: is given twice (command line)", entry.key.name);
  if (!value[0] && entry.key.row.type != MU_KEY_BOOL &&
      !(entry.key.row.type == MU_KEY_INTERVAL && entry.key.row.allowed))
    return MuError(MU_ERR_INPUT, "%s: has no value (command line)", entry.key.name);
  PetscCall(put_entry(c, other, &entry, value[0] ? value : "true"));
  PetscCall(drop_alternative(c, entry.key.name));
  PetscFunctionReturn(0);
}

static PetscErrorCode find_file_name(const MuCaseSource *source, const char **found) {
  const char *file = source->file, *other;

  PetscFunctionBegin;
  PetscCall(MuArgumentsVisit(source->tables, source->argc, source->argv, &other, NULL, NULL));
  *found = file ? file : other;
  if (file && other)
    return MuError(MU_ERR_INPUT, "%s: one case file is allowed, and %s is given already", other,
                   file);
  if (!*found) return MuError(MU_ERR_INPUT, "no case file is given; exactly one is needed");
  if (strlen(*found) >= PETSC_MAX_PATH_LEN)
    return MuError(MU_ERR_INPUT, "%.40s...: the name of the case file is too long", *found);
  PetscFunctionReturn(0);
}

/* File or text, command line, domain file: each gives what those before it have not given, the
   command line alone has the last word. */
static PetscErrorCode build(MuCase c, const MuCaseSource *source) {
  Reading own = {.c = c}, domain = {.c = c, .domain = PETSC_TRUE};
  const char *file = NULL, *unused;

  PetscFunctionBegin;
  PetscCall(MuArgumentsJoin(source->file ? source->file : "", source->argc, source->argv,
                            &c->command_line));
  PetscCall(find_file_name(source, &file));
  PetscCall(PetscStrncpy(c->file, file, sizeof c->file));
  if (source->text)
    PetscCall(MuYamlVisit(c->file, source->text, visit_yaml, &own));
  else
    PetscCall(read_file(c, "case", c->file, &own));
  PetscCall(MuArgumentsVisit(c->tables, source->argc, source->argv, &unused, visit_argument, c));
  if (!source->text && MuCaseFind(c, "grid_file")) {
    PetscCall(MuCaseGetPath(c, "grid_file", c->domain_file, NULL));
    PetscCall(read_file(c, "grid_file", c->domain_file, &domain));
  }
  for (PetscInt i = 0; i < c->count; ++i) PetscCall(MuCaseCheckEntry(c, &c->entries[i]));
  PetscCall(MuCaseWriteYaml(c, &c->effective));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseRead(MPI_Comm comm, const MuCaseSource *source, MuCase *result) {
  MuCase c;
  PetscErrorCode code;

  PetscFunctionBegin;
  *result = NULL;
  PetscCall(PetscNew(&c));
  c->references = 1;
  c->comm = comm;
  c->tables = source->tables;
  code = build(c, source);
  if (code)
    PetscCall(MuCaseDestroy(&c));
  else
    *result = c;
  PetscFunctionReturn(code);
}

PetscErrorCode MuCaseReference(MuCase c) {
  c->references++;
  return 0;
}

PetscErrorCode MuCaseDestroy(MuCase *handle) {
  MuCase c = *handle;

  PetscFunctionBegin;
  *handle = NULL;
  if (!c || --c->references > 0) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < c->count; ++i) PetscCall(PetscFree(c->entries[i].value));
  PetscCall(PetscFree(c->entries));
  PetscCall(PetscFree(c->effective));
  PetscCall(PetscFree(c->command_line));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the whole case */

PetscErrorCode MuCaseHasKey(MuCase c, const char *key, PetscBool *number, PetscBool *given,
                            char nearest[64]) {
  MuKey found;
  MuNearest best = {.word = key};
  const PetscBool known = MuKeyFind(c->tables, key, &found);

  PetscFunctionBegin;
  *number = (PetscBool)(known && (found.row.type == MU_KEY_REAL || found.row.type == MU_KEY_INT));
  *given = (PetscBool)(known && MuCaseFind(c, found.name));
  if (!*number) MuNearestOfferKeys(&best, c->tables);
  PetscCall(PetscStrncpy(nearest,
                         known                     ? found.name
                         : MuNearestIsClose(&best) ? best.best
                                                   : "",
                         MU_KEY_LENGTH));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseVisit(MuCase c,
                           PetscErrorCode (*visit)(void *ctx, const char *key, const char *value),
                           void *ctx) {
  PetscFunctionBegin;
  for (PetscInt i = 0; i < c->count; ++i)
    PetscCall(visit(ctx, c->entries[i].key.name, c->entries[i].value));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetComm(MuCase c, MPI_Comm *comm) {
  *comm = c->comm;
  return 0;
}

PetscErrorCode MuCaseGetFile(MuCase c, char file[PETSC_MAX_PATH_LEN]) {
  PetscFunctionBegin;
  PetscCall(PetscStrncpy(file, c->file, PETSC_MAX_PATH_LEN));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetEffective(MuCase c, const char **text) {
  *text = c->effective;
  return 0;
}

PetscErrorCode MuCaseGetCommandLine(MuCase c, const char **line) {
  *line = c->command_line;
  return 0;
}

PetscErrorCode MuCaseSetCommandLine(MuCase c, const char *program, int argc, char **argv) {
  PetscFunctionBegin;
  PetscCall(PetscFree(c->command_line));
  PetscCall(MuArgumentsJoin(program, argc, argv, &c->command_line));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseRequire(MuCase c) {
  static const char *const needed[] = {"grid_lower",   "grid_upper", "grid_cells",
                                       "initial_type", "time_end",   "output_directory"};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof needed / sizeof *needed; ++i)
    if (!MuCaseFind(c, needed[i])) PetscCall(MuCaseMissing(c, needed[i]));
  PetscFunctionReturn(0);
}
