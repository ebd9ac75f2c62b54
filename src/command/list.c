/* mudot list [TABLE|NAME] [--json]: the tables of what exists, straight from the layers that hold
   them. */
#include "case/print.h"
#include "command/command.h"
#include "facts/facts.h"
#include "manual/manual.h"
#include "output/json.h"

static PetscErrorCode geometry_limit(const MuSummand *part, const char *parameters, PetscBool rises,
                                     MuLimit *limit) {
  PetscFunctionBegin;
  *limit = (MuLimit){.name = NULL};
  if (!rises) PetscCall(MuGeometryGetLimit(part, parameters, limit));
  limit->factor = 1; /* it depends on the ridge */
  PetscFunctionReturn(0);
}

static const struct {
  const char *kind;
  MuTableRow row;         /* NULL: the commands or the keys */
  const char *says;       /* what a row says beside the name, in JSON */
  const char *block;      /* of a case; NULL: the rows have no numbers */
  MuSummandTable summand; /* the rows with what they need; NULL as well */
  PetscErrorCode (*limit)(const MuSummand *summand, const char *parameters, PetscBool rises,
                          MuLimit *limit);
} kinds[] = {
    {"geometries", MuGeometryGetTableRow, "formula", "geometry", MuGeometryGetInfo, geometry_limit},
    {"energies", MuEnergyGetTableRow, "formula", "energy", MuEnergyGetInfo, MuEnergyGetLimit},
    {"kernels", MuKernelGetTableRow, "formula", "kernel", MuKernelGetInfo, NULL},
    {"densities", MuDensityGetTableRow, "formula", NULL, NULL, NULL},
    {"schemes", MuSchemeGetTableRow, "formula", NULL, NULL, NULL},
    {"diagnostics", MuDiagnosticGetTableRow, "formula", NULL, NULL, NULL},
    {"methods", MuMethodGetTableRow, "formula", NULL, NULL, NULL},
    {"exact_solutions", MuExactGetTableRow, "needs", NULL, NULL, NULL},
    {"facts", MuFactsGetTableRow, "needs", NULL, NULL, NULL},
    {"chapters", MuManualGetTableRow, "summary", NULL, NULL, NULL},
    {"commands", NULL, "summary", NULL, NULL, NULL},
    {"keys", NULL, "doc", NULL, NULL, NULL},
};
#define KINDS ((PetscInt)(sizeof kinds / sizeof *kinds))

static PetscErrorCode kind_row(PetscInt i, const char **name, const char **formula) {
  *name = i < KINDS ? kinds[i].kind : NULL;
  *formula = "";
  return 0;
}

/* What is asked for. */
typedef struct {
  FILE *out;
  MuTableRow commands;
  const char *kind, *name; /* NULL: all */
} List;

static PetscBool is_wanted(const List *l, PetscInt k) {
  return (PetscBool)(!l->kind || !strcmp(l->kind, kinds[k].kind));
}

static PetscErrorCode get_row(const List *l, PetscInt k, PetscInt i, const char **name,
                              const char **text) {
  PetscFunctionBegin;
  if (!strcmp(kinds[k].kind, "keys"))
    *name = NULL;
  else
    PetscCall((kinds[k].row ? kinds[k].row : l->commands)(i, name, text));
  PetscFunctionReturn(0);
}

/* Of what is known: for which geometry and energy. */
static PetscBool has_pairs(PetscInt k) {
  return (PetscBool)(kinds[k].row == MuFactsGetTableRow);
}

/* Whether a table has the name that is asked for; yes if none is. */
static PetscBool has_name(const List *l, PetscInt k) {
  const char *name = "", *text;
  for (PetscInt i = 0; l->name && name; ++i)
    if (get_row(l, k, i, &name, &text) || (name && !strcmp(name, l->name))) break;
  return (PetscBool)(name != NULL);
}

static PetscBool is_row(const List *l, const char *name) {
  return (PetscBool)(!l->name || !strcmp(l->name, name));
}

/* ------------------------------------------------------------------ plain */

/* "lambda, the ridge: a number above 0; geometry_ridge serves all" */
static void print_parameter(FILE *out, const char *block, const MuParameter *p) {
  char range[128];
  MuParameterRange(p, sizeof range, range);
  fprintf(out, "      %-26s %s: %s", p->name, p->doc, range);
  if (!p->required) fprintf(out, " (default %g)", p->initial);
  fprintf(out, "; %s_%s%s\n", block, p->key ? p->key : p->name,
          strcmp(block, "kernel") ? " serves all" : "");
}

static PetscErrorCode print_needs(FILE *out, PetscInt k, PetscInt i) {
  MuSummandInfo info;

  PetscFunctionBegin;
  if (!kinds[k].summand) PetscFunctionReturn(0);
  PetscCall(kinds[k].summand(i, &info));
  for (const MuParameter *p = info.parameters; p && p->name; ++p)
    print_parameter(out, kinds[k].block, p);
  if (info.function_key)
    fprintf(out, "      %-26s %s; %s_%s serves all\n", "formula", info.function_doc, kinds[k].block,
            info.function_key);
  if (info.needs_kernel)
    fprintf(out,
            "      %-26s its kernel, with the keys of kernel; %s_kernel and kernel serve all\n",
            "kernel", kinds[k].block);
  PetscFunctionReturn(0);
}

static PetscErrorCode print_pair(void *ctx, const char *geometry, const char *energy,
                                 PetscBool spherical, const char *sentence) {
  (void)sentence;
  fprintf(ctx, "      %-26s %s%s\n", geometry, energy, spherical ? ", spherical" : "");
  return 0;
}

static PetscErrorCode print_table(const List *l, PetscInt k) {
  const char *name, *text;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(get_row(l, k, i, &name, &text));
    if (!name) break;
    if (!is_row(l, name)) continue;
    fprintf(l->out, "  %-30s %s\n", name, text);
    PetscCall(print_needs(l->out, k, i));
    if (has_pairs(k)) PetscCall(MuFactsVisitPairs(i, print_pair, l->out));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_keys(FILE *out) {
  MuKeyInfo key;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuCaseGetKey(i, &key));
    if (!key.block) break;
    fprintf(out, "  %-33s %-11s %s%s%s\n", key.name, key.value, key.doc, *key.allowed ? ": " : "",
            key.allowed);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_plain(const List *l) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < KINDS; ++k) {
    if (!is_wanted(l, k) || !has_name(l, k)) continue;
    if (!l->kind) fprintf(l->out, "%s\n", kinds[k].kind);
    PetscCall(print_table(l, k));
    if (!strcmp(kinds[k].kind, "keys")) PetscCall(print_keys(l->out));
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ JSON */

/* A range in the words of a JSON schema. */
static void json_range(MuJson *j, PetscReal low, PetscReal high, PetscBool above_low,
                       PetscBool below_high) {
  if (low > -PETSC_MAX_REAL) MuJsonNumber(j, above_low ? "exclusiveMinimum" : "minimum", low);
  if (high < PETSC_MAX_REAL) MuJsonNumber(j, below_high ? "exclusiveMaximum" : "maximum", high);
}

static void json_parameter(MuJson *j, const char *block, const MuParameter *p) {
  char flat[128];
  const char *key = p->key ? p->key : p->name;
  snprintf(flat, sizeof flat, "%s_%s", block, key);
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "name", p->name);
  MuJsonText(j, "key", key);
  MuJsonText(j, "flat", flat);
  MuJsonText(j, "doc", p->doc);
  MuJsonText(j, "type", "number");
  json_range(j, p->low, p->high, p->above_low, p->below_high);
  MuJsonBool(j, "required", p->required);
  if (!p->required) MuJsonNumber(j, "default", p->initial);
  MuJsonEnd(j, '}');
}

static void json_formula(MuJson *j, const char *block, const MuSummandInfo *info) {
  char flat[128];
  snprintf(flat, sizeof flat, "%s_%s", block, info->function_key);
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "name", "formula");
  MuJsonText(j, "key", info->function_key);
  MuJsonText(j, "flat", flat);
  MuJsonText(j, "doc", info->function_doc);
  MuJsonText(j, "type", "string");
  MuJsonBool(j, "required", PETSC_TRUE);
  MuJsonEnd(j, '}');
}

/* What it tends to as which parameters vanish or rise, the numbers of the limit, the order of the
   error. */
static PetscErrorCode json_limits(MuJson *j, PetscInt k, const char *name) {
  static const struct {
    const char *parameters, *as;
    PetscBool rises;
  } ways[] = {{"bandwidth", "bandwidth", PETSC_FALSE},
              {"ridge", "ridge", PETSC_FALSE},
              {"bandwidth ridge", "bandwidth ridge", PETSC_FALSE},
              {"lambda", "lambda", PETSC_FALSE},
              {"lambda", "1/lambda", PETSC_TRUE}};
  MuSummand summand = {.name = name, .weight = 1, .value = {1, 1, 1, 1}};
  MuLimit limit;

  PetscFunctionBegin;
  MuJsonBegin(j, "limits", '[');
  for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
    PetscCall(kinds[k].limit(&summand, ways[i].parameters, ways[i].rises, &limit));
    if (!limit.name) continue;
    MuJsonBegin(j, NULL, '{');
    MuJsonText(j, "as", ways[i].as);
    MuJsonText(j, "name", limit.name);
    if (limit.factor != 1) MuJsonNumber(j, "factor", limit.factor);
    MuJsonNumber(j, "order", limit.order);
    for (PetscInt v = 0; v < MU_MAX_PARAMETERS && limit.set[v].name; ++v)
      MuJsonNumber(j, limit.set[v].name, limit.set[v].value);
    MuJsonEnd(j, '}');
  }
  MuJsonEnd(j, ']');
  PetscFunctionReturn(0);
}

static PetscErrorCode json_info(MuJson *j, PetscInt k, PetscInt i) {
  MuSummandInfo info;

  PetscFunctionBegin;
  PetscCall(kinds[k].summand(i, &info));
  MuJsonBegin(j, "parameters", '[');
  for (const MuParameter *p = info.parameters; p && p->name; ++p)
    json_parameter(j, kinds[k].block, p);
  if (info.function_key) json_formula(j, kinds[k].block, &info);
  MuJsonEnd(j, ']');
  if (!kinds[k].limit) PetscFunctionReturn(0);
  MuJsonBegin(j, "needs", '[');
  if (info.needs_kernel) MuJsonText(j, NULL, "kernel");
  if (info.needs_target) MuJsonText(j, NULL, "target");
  MuJsonEnd(j, ']');
  MuJsonBool(j, "any_sign", info.any_sign);
  PetscCall(json_limits(j, k, info.name));
  PetscFunctionReturn(0);
}

static PetscErrorCode json_pair(void *ctx, const char *geometry, const char *energy,
                                PetscBool spherical, const char *sentence) {
  MuJson *j = ctx;
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "geometry", geometry);
  MuJsonText(j, "energy", energy);
  MuJsonBool(j, "spherical", spherical);
  MuJsonText(j, "sentence", sentence);
  MuJsonEnd(j, '}');
  return 0;
}

static PetscErrorCode json_pairs(MuJson *j, PetscInt i) {
  PetscFunctionBegin;
  MuJsonBegin(j, "pairs", '[');
  PetscCall(MuFactsVisitPairs(i, json_pair, j));
  MuJsonEnd(j, ']');
  PetscFunctionReturn(0);
}

static PetscErrorCode json_table(const List *l, MuJson *j, PetscInt k) {
  const char *name, *text;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(get_row(l, k, i, &name, &text));
    if (!name) break;
    if (!is_row(l, name)) continue;
    MuJsonBegin(j, NULL, '{');
    MuJsonText(j, "name", name);
    MuJsonText(j, kinds[k].says, text);
    if (kinds[k].summand) PetscCall(json_info(j, k, i));
    if (has_pairs(k)) PetscCall(json_pairs(j, i));
    MuJsonEnd(j, '}');
    fputc('\n', l->out);
  }
  PetscFunctionReturn(0);
}

/* "a|b" as ["a", "b"] */
static void json_words(MuJson *j, const char *words) {
  char word[64];
  MuJsonBegin(j, "allowed", '[');
  for (const char *rest = words; *rest; rest += strcspn(rest, "|") + (strchr(rest, '|') != NULL)) {
    snprintf(word, sizeof word, "%.*s", (int)strcspn(rest, "|"), rest);
    MuJsonText(j, NULL, word);
  }
  MuJsonEnd(j, ']');
}

static void json_key(MuJson *j, const MuKeyInfo *key) {
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "name", key->name);
  MuJsonText(j, "block", key->block);
  MuJsonText(j, "value", key->value);
  MuJsonText(j, "type", key->type);
  MuJsonInteger(j, "items", key->most);
  MuJsonText(j, "doc", key->doc);
  if (!strcmp(key->type, "number") || !strcmp(key->type, "integer"))
    json_range(j, key->low, key->high, key->above_low, key->below_high);
  if (*key->allowed) json_words(j, key->allowed);
  MuJsonEnd(j, '}');
}

static PetscErrorCode json_keys(const List *l, MuJson *j) {
  MuKeyInfo key;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuCaseGetKey(i, &key));
    if (!key.block) break;
    json_key(j, &key);
    fputc('\n', l->out);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_json(const List *l) {
  MuJson j = {.out = l->out};

  PetscFunctionBegin;
  MuJsonBegin(&j, NULL, '{');
  MuJsonText(&j, "mudot_version", MUDOT_VERSION);
  for (PetscInt k = 0; k < KINDS; ++k) {
    if (!is_wanted(l, k) || !has_name(l, k)) continue;
    MuJsonBegin(&j, kinds[k].kind, '[');
    fputc('\n', l->out);
    PetscCall(json_table(l, &j, k));
    if (!strcmp(kinds[k].kind, "keys")) PetscCall(json_keys(l, &j));
    MuJsonEnd(&j, ']');
  }
  MuJsonEnd(&j, '}');
  fputc('\n', l->out);
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the command */

/* A word is a table, or a name in one or several of them. */
static PetscErrorCode find_word(List *l, const char *word) {
  char nearest[64];

  PetscFunctionBegin;
  PetscCall(MuTableFind(kind_row, word, &l->kind, nearest));
  if (l->kind) PetscFunctionReturn(0);
  l->name = word;
  for (PetscInt k = 0; k < KINDS; ++k)
    if (has_name(l, k)) PetscFunctionReturn(0);
  return MuError(MU_ERR_INPUT,
                 "list: there is no table \"%s\", and nothing of that name in a table%s", word,
                 nearest);
}

static PetscErrorCode read_arguments(int argc, char **argv, const char **wanted, PetscBool *json) {
  *wanted = NULL;
  *json = PETSC_FALSE;
  for (int i = 0; i < argc;) {
    if (MuOptionIsPetsc(argv[i])) {
      i += MuOptionPetscLength(argc - i, argv + i);
      continue;
    }
    if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-json"))
      *json = PETSC_TRUE;
    else if (argv[i][0] == '-')
      return MuError(MU_ERR_INPUT, "list: there is no option \"%s\"; the only one is --json",
                     argv[i]);
    else if (*wanted)
      return MuError(MU_ERR_INPUT, "list: \"%s\" and \"%s\" are given; one table is allowed",
                     *wanted, argv[i]);
    else
      *wanted = argv[i];
    ++i;
  }
  return 0;
}

static PetscErrorCode list(MuTableRow commands, int argc, char **argv) {
  List l = {.out = stdout, .commands = commands};
  const char *word;
  PetscBool json;

  PetscFunctionBegin;
  PetscCall(read_arguments(argc, argv, &word, &json));
  if (word) PetscCall(find_word(&l, word));
  if (!MuCommandPrints()) PetscFunctionReturn(0);
  PetscCall((json ? print_json : print_plain)(&l));
  PetscFunctionReturn(0);
}

static PetscErrorCode help(FILE *out) {
  fprintf(
      out,
      "\nWithout a table it prints all of them; a NAME is printed from every table that has it. "
      "Under a "
      "geometry, an\nenergy or a kernel stand the numbers that it has in a case. --json makes one "
      "JSON document of them, with\ntypes, ranges and defaults.\n"
      "\ntables\n");
  for (PetscInt k = 0; k < KINDS; ++k) fprintf(out, "  %s\n", kinds[k].kind);
  return 0;
}

const MuCommand mu_command_list = {
    .name = "list",
    .usage = "[TABLE|NAME] [--json]",
    .summary = "print what exists (geometries, energies, kernels, ...), one line each",
    .run = list,
    .help = help,
    .immediate = PETSC_TRUE,
};
