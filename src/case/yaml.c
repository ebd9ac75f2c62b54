/* Reads a YAML text with libyaml: nested names become flat ones, and what has no meaning in a case
   is refused with its line. */
#include "case/yaml.h"

#include "base/files.h"
#include "case/keys.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define LARGEST_FILE (1 << 20)

static PetscErrorCode read_here(const char *what, const char *file, char **text, int *size) {
  FILE *in;
  long long length;
  size_t got;

  PetscFunctionBegin;
  PetscCall(MuFileOpen(what, file, &in, &length));
  if (length > LARGEST_FILE) {
    fclose(in);
    return MuError(MU_ERR_INPUT, "%s: %s has %lld bytes; at most %d are allowed", what, file,
                   length, LARGEST_FILE);
  }
  PetscCall(PetscCalloc1(length + 1, text));
  got = fread(*text, 1, (size_t)length, in);
  fclose(in);
  *size = (int)got;
  if (got != (size_t)length || strlen(*text) != got) {
    PetscCall(PetscFree(*text));
    return MuError(MU_ERR_FILE, "%s: %s is not a text file", what, file);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode MuTextRead(MPI_Comm comm, const char *what, const char *file, char **text) {
  PetscErrorCode code = 0;
  PetscMPIInt rank;
  int size = 0;

  PetscFunctionBegin;
  *text = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) code = read_here(what, file, text, &size);
  PetscCall(MuErrorAgree(comm, code));
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_INT, 0, comm));
  if (rank) PetscCall(PetscCalloc1(size + 1, text));
  PetscCallMPI(MPI_Bcast(*text, size, MPI_CHAR, 0, comm));
  PetscFunctionReturn(0);
}

/* Deepest: block, summand, kernel, key; one deeper in a system of two. */
enum { DEEPEST_KEY = 4, MOST_KEYS = 10000, MOST_MERGES = 4 };

typedef struct {
  const char *file;
  yaml_document_t *document;
  PetscErrorCode (*visit)(void *ctx, const MuYamlEntry *entry);
  void *ctx;
  PetscInt keys;   /* seen so far: aliases cannot run away */
  PetscInt merges; /* "<<" around the key */
} Walk;

static PetscErrorCode wrong(const Walk *walk, const yaml_node_t *node, const char *name,
                            const char *sentence) {
  return MuError(MU_ERR_INPUT, "%s: %s (%s, line %d)", name, sentence, walk->file,
                 (int)node->start_mark.line + 1);
}

static const char *scalar_text(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

static yaml_node_t *item_of(const Walk *walk, const yaml_node_t *list, PetscInt i) {
  yaml_node_item_t *item = list->data.sequence.items.start + i;
  return item < list->data.sequence.items.top ? yaml_document_get_node(walk->document, *item)
                                              : NULL;
}

/* The items of a list joined by commas; the caller frees. */
static PetscErrorCode join_list(const Walk *walk, const yaml_node_t *list, const char *name,
                                char **text) {
  yaml_node_t *item;
  size_t length = 1;
  char *end;

  PetscFunctionBegin;
  if (!item_of(walk, list, 0))
    return wrong(walk, list, name, "the list is empty; leave the key out or give it a value");
  for (PetscInt i = 0; (item = item_of(walk, list, i)); ++i) {
    if (item->type != YAML_SCALAR_NODE)
      return wrong(walk, item, name, "a list may hold only plain values, no lists or keys");
    if (!scalar_text(item)[0] || strchr(scalar_text(item), ','))
      return wrong(walk, item, name, "an item of a list may not be empty or hold a comma");
    length += strlen(scalar_text(item)) + 1;
  }
  PetscCall(PetscMalloc1(length, text));
  end = *text;
  for (PetscInt i = 0; (item = item_of(walk, list, i)); ++i) {
    if (i) *end++ = ',';
    end = stpcpy(end, scalar_text(item));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode visit_value(const Walk *walk, const yaml_node_t *key,
                                  const yaml_node_t *value, const char *name, PetscInt depth) {
  MuYamlEntry entry = {.name = name,
                       .line = (PetscInt)key->start_mark.line + 1,
                       .list = (PetscBool)(value->type == YAML_SEQUENCE_NODE),
                       .nested = (PetscBool)(depth > 2),
                       .merged = (PetscBool)(walk->merges > 0)};
  char *text = NULL;

  PetscFunctionBegin;
  if (entry.list) PetscCall(join_list(walk, value, name, &text));
  entry.value = entry.list ? text : scalar_text(value);
  PetscErrorCode code = walk->visit(walk->ctx, &entry);
  PetscCall(PetscFree(text));
  if (!code && !entry.list && !entry.value[0]) return wrong(walk, value, name, "has no value");
  PetscFunctionReturn(code);
}

static PetscErrorCode walk_mapping(Walk *walk, const yaml_node_t *mapping, const char *prefix,
                                   PetscInt depth);

/* name: [{...}, {...}]: the keys of name, name_2, ... */
static PetscErrorCode walk_items(Walk *walk, const yaml_node_t *list, const char *name,
                                 PetscInt depth) {
  char item_name[2 * MU_KEY_LENGTH];
  yaml_node_t *item;

  PetscFunctionBegin;
  if (depth == 1 && MuKeyIsBlock(name))
    return wrong(walk, list, name, "a block of keys is expected here, not a list");
  for (PetscInt i = 0; (item = item_of(walk, list, i)); ++i) {
    if (item->type != YAML_MAPPING_NODE)
      return wrong(walk, item, name, "a list may hold plain values or mappings, not both");
    snprintf(item_name, sizeof item_name, i ? "%s_%d" : "%s", name, (int)i + 1);
    if (strlen(item_name) >= MU_KEY_LENGTH)
      return wrong(walk, item, item_name, "there is no such key");
    PetscCall(walk_mapping(walk, item, item_name, depth + 1));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode walk_pair(Walk *walk, const yaml_node_t *key, const yaml_node_t *value,
                                const char *prefix, PetscInt depth) {
  char name[2 * MU_KEY_LENGTH];
  const yaml_node_t *first = value->type == YAML_SEQUENCE_NODE ? item_of(walk, value, 0) : NULL;

  PetscFunctionBegin;
  snprintf(name, sizeof name, "%s%s%.*s", prefix, prefix[0] ? "_" : "", MU_KEY_LENGTH - 1,
           scalar_text(key));
  if (strlen(name) >= MU_KEY_LENGTH) return wrong(walk, key, name, "there is no such key");
  if (++walk->keys > MOST_KEYS) return wrong(walk, key, name, "there are too many keys");
  const PetscBool items = (PetscBool)(first && first->type == YAML_MAPPING_NODE);
  const PetscInt deepest = DEEPEST_KEY + !strncmp(name, "system_", strlen("system_"));
  if ((items || value->type == YAML_MAPPING_NODE) && depth == deepest)
    return wrong(walk, key, name, "keys are nested too deep");
  if (items)
    PetscCall(walk_items(walk, value, name, depth));
  else if (value->type == YAML_MAPPING_NODE)
    PetscCall(walk_mapping(walk, value, name, depth + 1));
  else if (depth == 1 && MuKeyIsBlock(name) && value->type == YAML_SCALAR_NODE) {
    if (scalar_text(value)[0])
      return wrong(walk, value, name, "a block of keys is expected here, not one value");
  } else
    PetscCall(visit_value(walk, key, value, name, depth));
  PetscFunctionReturn(0);
}

static PetscBool is_merge(const yaml_node_t *key) {
  return (PetscBool)(key->type == YAML_SCALAR_NODE &&
                     key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                     !strcmp(scalar_text(key), "<<"));
}

/* <<: *mapping, or a list of them: their keys where the mapping has none of its own. */
static PetscErrorCode walk_merge(Walk *walk, const yaml_node_t *value, const char *prefix,
                                 PetscInt depth) {
  const PetscBool list = (PetscBool)(value->type == YAML_SEQUENCE_NODE);

  PetscFunctionBegin;
  if (++walk->keys > MOST_KEYS || ++walk->merges > MOST_MERGES)
    return wrong(walk, value, "<<", "mappings are merged too often");
  for (PetscInt i = 0; i == 0 || list; ++i) {
    const yaml_node_t *source = list ? item_of(walk, value, i) : value;
    if (!source) break;
    if (source->type != YAML_MAPPING_NODE)
      return wrong(walk, value, "<<", "a mapping is expected here, such as *name of an anchor");
    PetscCall(walk_mapping(walk, source, prefix, depth));
  }
  walk->merges--;
  PetscFunctionReturn(0);
}

/* The keys of a mapping, then those that it merges. */
static PetscErrorCode walk_mapping(Walk *walk, const yaml_node_t *mapping, const char *prefix,
                                   PetscInt depth) {
  PetscFunctionBegin;
  for (int merges = 0; merges < 2; ++merges)
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
         p < mapping->data.mapping.pairs.top; ++p) {
      const yaml_node_t *key = yaml_document_get_node(walk->document, p->key);
      const yaml_node_t *value = yaml_document_get_node(walk->document, p->value);
      if (key->type != YAML_SCALAR_NODE || !scalar_text(key)[0])
        return wrong(walk, key, prefix[0] ? prefix : "case", "a key must be one plain word");
      if (is_merge(key) != (PetscBool)merges) continue;
      PetscCall(merges ? walk_merge(walk, value, prefix, depth)
                       : walk_pair(walk, key, value, prefix, depth));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode syntax_error(const char *file, const yaml_parser_t *parser) {
  size_t line = parser->problem_mark.line;
  if (!line && parser->context_mark.line) line = parser->context_mark.line;
  return MuError(MU_ERR_INPUT, "%s, line %d: not valid YAML: %s%s%s", file, (int)line + 1,
                 parser->problem ? parser->problem : "unreadable", parser->context ? " " : "",
                 parser->context ? parser->context : "");
}

/* Refuses deep nesting, over which libyaml would take a time quadratic in the depth, before the
   rest of the text is looked at. Faults of syntax are left to the next reader. */
static PetscErrorCode check_depth(const char *file, const char *text) {
  enum { DEEPEST = 32 };
  yaml_parser_t parser;
  yaml_event_t event;
  int depth = 0;
  PetscBool more = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCheck(yaml_parser_initialize(&parser), PETSC_COMM_SELF, PETSC_ERR_MEM, "libyaml");
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  while (more && depth <= DEEPEST && yaml_parser_parse(&parser, &event)) {
    if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) ++depth;
    if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) --depth;
    more = (PetscBool)(event.type != YAML_STREAM_END_EVENT);
    yaml_event_delete(&event);
  }
  const int line = (int)parser.mark.line + 1;
  yaml_parser_delete(&parser);
  if (depth > DEEPEST)
    return MuError(MU_ERR_INPUT, "%s, line %d: keys and lists are nested too deep", file, line);
  PetscFunctionReturn(0);
}

static PetscErrorCode visit_document(const char *file, yaml_document_t *document,
                                     PetscErrorCode (*visit)(void *, const MuYamlEntry *),
                                     void *ctx) {
  Walk walk = {.file = file, .document = document, .visit = visit, .ctx = ctx};
  yaml_node_t *root = yaml_document_get_root_node(document);

  PetscFunctionBegin;
  if (!root || (root->type == YAML_SCALAR_NODE && !scalar_text(root)[0])) PetscFunctionReturn(0);
  if (root->type != YAML_MAPPING_NODE)
    return MuError(MU_ERR_INPUT, "%s: a case is a mapping of blocks such as \"grid: {...}\"", file);
  PetscCall(walk_mapping(&walk, root, "", 1));
  PetscFunctionReturn(0);
}

PetscErrorCode MuYamlVisit(const char *file, const char *text,
                           PetscErrorCode (*visit)(void *ctx, const MuYamlEntry *entry),
                           void *ctx) {
  PetscErrorCode code = 0;
  yaml_parser_t parser;
  yaml_document_t document;

  PetscFunctionBegin;
  PetscCall(check_depth(file, text));
  PetscCheck(yaml_parser_initialize(&parser), PETSC_COMM_SELF, PETSC_ERR_MEM, "libyaml");
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  for (int part = 0; !code; ++part) {
    if (!yaml_parser_load(&parser, &document)) {
      code = syntax_error(file, &parser);
      break;
    }
    PetscBool there = (PetscBool)(yaml_document_get_root_node(&document) != NULL);
    if (there && part > 0)
      code = MuError(MU_ERR_INPUT, "%s: holds more than one YAML document; one is allowed", file);
    else
      code = visit_document(file, &document, visit, ctx);
    yaml_document_delete(&document);
    if (!there) break;
  }
  yaml_parser_delete(&parser);
  PetscFunctionReturn(code);
}
