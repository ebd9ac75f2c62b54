/* A case: YAML file, domain file and command line joined in one options database. */
#include "case/arguments.h"
#include "case/case_private.h"
#include "case/yaml.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ entries */

const MuCaseEntry *MuCaseFind(MuCase c, const char *name) {
  for (PetscInt i = 0; i < c->count; ++i)
    if (strcmp(c->entries[i].name, name) == 0) return &c->entries[i];
  return NULL;
}

PetscErrorCode MuCaseValue(MuCase c, const char *name, const char **value) {
  char option[MU_KEY_LENGTH + 1];
  PetscBool set;

  PetscFunctionBegin;
  snprintf(option, sizeof option, "-%s", name);
  PetscCall(PetscOptionsFindPair(c->options, NULL, option, value, &set));
  if (!*value) *value = "";
  PetscFunctionReturn(0);
}

static PetscErrorCode set_value(MuCase c, const char *name, const char *value) {
  char option[MU_KEY_LENGTH + 1];

  PetscFunctionBegin;
  snprintf(option, sizeof option, "-%s", name);
  PetscCall(PetscOptionsSetValue(c->options, option, value));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_entry(MuCase c, const MuCaseEntry *entry) {
  PetscFunctionBegin;
  if (c->count == c->capacity) {
    c->capacity = 2 * c->capacity + 32;
    PetscCall(PetscRealloc(sizeof *c->entries * (size_t)c->capacity, &c->entries));
  }
  c->entries[c->count++] = *entry;
  PetscFunctionReturn(0);
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
  return MuError(MU_ERR_INPUT, "%s: \"%.200s\" %s (%s)", entry->name, value, sentence, where);
}

PetscErrorCode MuCaseUnknown(MuCase c, const char *name, const char *where, MuTableRow table) {
  MuNearest nearest = {.word = name};
  const char *block, *rest, *word, *formula;
  char full[2 * MU_KEY_LENGTH];

  PetscFunctionBegin;
  (void)c;
  MuKeySplit(name, &block, &rest);
  MuNearestOfferKeys(&nearest);
  for (PetscInt i = 0; table; ++i) {
    PetscCall(table(i, &word, &formula));
    if (!word) break;
    snprintf(full, sizeof full, "%s_%s", block, word);
    MuNearestOffer(&nearest, full);
  }
  return MuError(MU_ERR_INPUT, "%s: there is no such key; the nearest is %s (%s)", name,
                 nearest.best, where);
}

/* ------------------------------------------------------------------ reading */

typedef struct {
  MuCase c;
  PetscBool domain;
} Reading;

/* A key of a YAML text becomes an entry; its value is read later, by PETSc. */
static PetscErrorCode visit_yaml(void *ctx, const MuYamlEntry *yaml) {
  Reading *reading = ctx;
  MuCase c = reading->c;
  MuCaseEntry entry = {.line = yaml->line, .list = yaml->list, .domain = reading->domain};
  char where[PETSC_MAX_PATH_LEN + 32];
  const MuCaseEntry *other;

  PetscFunctionBegin;
  MuCasePlace(c, &entry, sizeof where, where);
  entry.row = MuKeyFind(yaml->name, entry.name);
  if (!entry.row && MuKeyIsBlock(yaml->name))
    return MuError(MU_ERR_INPUT, "%s: a block of keys is expected here, not a list (%s)",
                   yaml->name, where);
  if (!entry.row) PetscCall(MuCaseUnknown(c, yaml->name, where, NULL));
  if (entry.domain && (strncmp(entry.name, "grid_", 5) != 0 || !strcmp(entry.name, "grid_file")))
    return MuError(MU_ERR_INPUT,
                   "%s: a domain file holds nothing but a grid block without file (%s)", entry.name,
                   where);
  other = MuCaseFind(c, entry.name);
  if (other && other->domain == entry.domain)
    return MuError(MU_ERR_INPUT, "%s: is given twice, first on line %d (%s)", entry.name,
                   (int)other->line, where);
  if (!other) PetscCall(add_entry(c, &entry));
  PetscFunctionReturn(0);
}

/* PETSc's reader keeps second spellings; give them the first one. */
static PetscErrorCode rename_synonyms(MuCase c, PetscOptions options) {
  char full[2 * MU_KEY_LENGTH], canonical[MU_KEY_LENGTH], block[MU_KEY_LENGTH];
  const char *value;
  PetscBool set;

  PetscFunctionBegin;
  (void)c;
  for (PetscInt r = 0; r < mu_key_count; ++r)
    for (PetscInt b = 0; mu_keys[r].same_as && MuKeyWord(mu_keys[r].blocks, b, block); ++b) {
      snprintf(full, sizeof full, "-%s_%s", block, mu_keys[r].name);
      PetscCall(PetscOptionsFindPair(options, NULL, full, &value, &set));
      if (!set) continue;
      MuKeyFind(full + 1, canonical);
      PetscCall(set_value(c, canonical, value));
      PetscCall(PetscOptionsClearValue(options, full));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_text(MuCase c, const char *text) {
  Reading reading = {.c = c};

  PetscFunctionBegin;
  PetscCall(MuYamlVisit(c->file, text, visit_yaml, &reading));
  PetscCall(PetscOptionsInsertStringYAML(c->options, text));
  PetscCall(rename_synonyms(c, c->options));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_case(MuCase c) {
  char *text;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(MuTextRead(c->comm, "case", c->file, &text));
  code = read_text(c, text);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(code);
}

static PetscErrorCode visit_argument(void *ctx, const char *name, const char *value) {
  MuCase c = ctx;
  MuCaseEntry entry = {0};
  const MuCaseEntry *other;
  char shown[MU_KEY_LENGTH];

  PetscFunctionBegin;
  entry.row = MuKeyFind(name, entry.name);
  if (!entry.row) {
    snprintf(shown, sizeof shown, "%s", name);
    return MuCaseUnknown(c, shown, "command line", NULL);
  }
  other = MuCaseFind(c, entry.name);
  if (other && other->line == 0)
    return MuError(MU_ERR_INPUT, "%s: is given twice (command line)", entry.name);
  if (!value[0] && entry.row->type != MU_KEY_BOOL &&
      !(entry.row->type == MU_KEY_INTERVAL && entry.row->allowed))
    return MuError(MU_ERR_INPUT, "%s: has no value (command line)", entry.name);
  if (other)
    *(MuCaseEntry *)other = entry;
  else
    PetscCall(add_entry(c, &entry));
  PetscCall(set_value(c, entry.name, value[0] ? value : "true"));
  PetscFunctionReturn(0);
}

static void folder_of(const char *file, char folder[PETSC_MAX_PATH_LEN]) {
  const char *slash = strrchr(file, '/');
  if (slash)
    snprintf(folder, PETSC_MAX_PATH_LEN, "%.*s", (int)(slash - file), file);
  else
    snprintf(folder, PETSC_MAX_PATH_LEN, ".");
  if (slash == file) snprintf(folder, PETSC_MAX_PATH_LEN, "/");
}

/* Takes the keys of the domain file that the case does not give; its mask lies beside it. */
static PetscErrorCode take_domain(MuCase c, PetscInt first, PetscOptions options) {
  char option[MU_KEY_LENGTH + 1], path[2 * PETSC_MAX_PATH_LEN], folder[PETSC_MAX_PATH_LEN];
  const char *value;
  PetscBool set;

  PetscFunctionBegin;
  for (PetscInt i = first; i < c->count; ++i) {
    const char *name = c->entries[i].name;
    snprintf(option, sizeof option, "-%s", name);
    PetscCall(PetscOptionsFindPair(options, NULL, option, &value, &set));
    if (strcmp(name, "grid_mask") == 0 && value && value[0] != '/') {
      folder_of(c->domain_file, folder);
      snprintf(path, sizeof path, "%s/%s", folder, value);
      value = path;
    }
    PetscCall(set_value(c, name, value));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_domain(MuCase c) {
  Reading reading = {.c = c, .domain = PETSC_TRUE};
  const PetscInt first = c->count;
  PetscOptions options;
  PetscErrorCode code;
  char *text;

  PetscFunctionBegin;
  PetscCall(MuCaseGetPath(c, "grid_file", c->domain_file, NULL));
  PetscCall(MuTextRead(c->comm, "grid_file", c->domain_file, &text));
  PetscCall(PetscOptionsCreate(&options));
  code = MuYamlVisit(c->domain_file, text, visit_yaml, &reading);
  if (!code) code = PetscOptionsInsertStringYAML(options, text);
  if (!code) code = take_domain(c, first, options);
  PetscCall(PetscFree(text));
  PetscCall(PetscOptionsDestroy(&options));
  PetscFunctionReturn(code);
}

static PetscErrorCode find_file_name(int argc, char **argv, const char *file, const char **found) {
  const char *other;

  PetscFunctionBegin;
  PetscCall(MuArgumentsVisit(argc, argv, &other, NULL, NULL));
  *found = file ? file : other;
  if (file && other)
    return MuError(MU_ERR_INPUT, "%s: one case file is allowed, and %s is given already", other,
                   file);
  if (!*found) return MuError(MU_ERR_INPUT, "no case file is given; exactly one is needed");
  if (strlen(*found) >= PETSC_MAX_PATH_LEN)
    return MuError(MU_ERR_INPUT, "%.40s...: the name of the case file is too long", *found);
  PetscFunctionReturn(0);
}

/* text: of the case; NULL: the file is read. */
static PetscErrorCode build(MuCase c, const char *file, const char *text, int argc, char **argv) {
  const char *unused;

  PetscFunctionBegin;
  PetscCall(MuArgumentsJoin(file ? file : "", argc, argv, &c->command_line));
  PetscCall(find_file_name(argc, argv, file, &file));
  PetscCall(PetscStrncpy(c->file, file, sizeof c->file));
  PetscCall(PetscOptionsCreate(&c->options));
  PetscCall(text ? read_text(c, text) : read_case(c));
  PetscCall(MuArgumentsVisit(argc, argv, &unused, visit_argument, c));
  if (!text && MuCaseFind(c, "grid_file")) PetscCall(read_domain(c));
  for (PetscInt i = 0; i < c->count; ++i) PetscCall(MuCaseCheckEntry(c, &c->entries[i]));
  PetscCall(MuCaseWriteYaml(c, &c->effective));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MPI_Comm comm, const char *file, const char *text, int argc,
                             char **argv, MuCase *result) {
  MuCase c;
  PetscErrorCode code;

  PetscFunctionBegin;
  *result = NULL;
  PetscCall(PetscNew(&c));
  c->references = 1;
  c->comm = comm;
  code = build(c, file, text, argc, argv);
  if (code)
    PetscCall(MuCaseDestroy(&c));
  else
    *result = c;
  PetscFunctionReturn(code);
}

PetscErrorCode MuCaseCreate(MPI_Comm comm, const char *file, int argc, char **argv,
                            MuCase *result) {
  PetscFunctionBegin;
  PetscCall(create(comm, file, NULL, argc, argv, result));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseCreateFromText(MPI_Comm comm, const char *name, const char *text, int argc,
                                    char **argv, MuCase *result) {
  PetscFunctionBegin;
  PetscCall(create(comm, name, text, argc, argv, result));
  PetscFunctionReturn(0);
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
  if (c->options) PetscCall(PetscOptionsDestroy(&c->options));
  PetscCall(PetscFree(c->entries));
  PetscCall(PetscFree(c->effective));
  PetscCall(PetscFree(c->command_line));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the whole case */

PetscErrorCode MuCaseHasKey(MuCase c, const char *key, PetscBool *number, PetscBool *given,
                            char nearest[64]) {
  char canonical[MU_KEY_LENGTH];
  const MuKeyRow *row = MuKeyFind(key, canonical);
  MuNearest best = {.word = key};

  PetscFunctionBegin;
  *number = (PetscBool)(row && (row->type == MU_KEY_REAL || row->type == MU_KEY_INT));
  *given = (PetscBool)(row && MuCaseFind(c, canonical));
  MuNearestOfferKeys(&best);
  PetscCall(PetscStrncpy(nearest, best.best, MU_KEY_LENGTH));
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseVisit(MuCase c,
                           PetscErrorCode (*visit)(void *ctx, const char *key, const char *value),
                           void *ctx) {
  const char *value;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < c->count; ++i) {
    PetscCall(MuCaseValue(c, c->entries[i].name, &value));
    PetscCall(visit(ctx, c->entries[i].name, value));
  }
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

PetscErrorCode MuCaseMissing(MuCase c, const char *key) {
  char canonical[MU_KEY_LENGTH];
  const MuKeyRow *row = MuKeyFind(key, canonical);
  return MuError(MU_ERR_INPUT, "%s: is missing; it is needed: %s (%s)", key, row ? row->doc : "",
                 c->file);
}

/* ------------------------------------------------------------------ paths */

static PetscErrorCode try_paths(MuCase c, const char *path, char *resolved) {
  char folder[PETSC_MAX_PATH_LEN];
  static const char *const forms[] = {"%s/%s", "%s/../%s"};

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(resolved, path, PETSC_MAX_PATH_LEN));
  if (access(resolved, F_OK) == 0) PetscFunctionReturn(0);
  folder_of(c->file, folder);
  for (int k = 0; path[0] != '/' && k < 2; ++k) {
    PetscCall(PetscSNPrintf(resolved, PETSC_MAX_PATH_LEN, forms[k], folder, path));
    if (access(resolved, F_OK) == 0) PetscFunctionReturn(0);
  }
  resolved[0] = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseResolvePath(MuCase c, const char *path, char resolved[PETSC_MAX_PATH_LEN]) {
  PetscMPIInt rank;

  PetscFunctionBegin;
  if (strlen(path) >= PETSC_MAX_PATH_LEN)
    return MuError(MU_ERR_INPUT, "%.40s...: the path is too long", path);
  PetscCallMPI(MPI_Comm_rank(c->comm, &rank));
  memset(resolved, 0, PETSC_MAX_PATH_LEN);
  if (rank == 0) PetscCall(try_paths(c, path, resolved));
  PetscCallMPI(MPI_Bcast(resolved, PETSC_MAX_PATH_LEN, MPI_CHAR, 0, c->comm));
  if (!resolved[0])
    return MuError(MU_ERR_FILE,
                   "%s: there is no such file, neither in the working directory nor in the folder "
                   "of %s nor in that folder's parent",
                   path, c->file);
  PetscFunctionReturn(0);
}

PetscErrorCode MuCaseGetPath(MuCase c, const char *key, char resolved[PETSC_MAX_PATH_LEN],
                             PetscBool *given) {
  const char *path;
  char reason[1024];
  PetscBool there = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(c, key, &path, given ? &there : NULL));
  if (given) *given = there;
  if (!there) PetscFunctionReturn(0);
  PetscErrorCode code = MuCaseResolvePath(c, path, resolved);
  if (code) {
    snprintf(reason, sizeof reason, "%s", MuErrorMessage());
    return MuError(code, "%s: %s", key, reason);
  }
  PetscFunctionReturn(0);
}
