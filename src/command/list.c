/* mudot list [TABLE] [--json]: the tables of what exists, straight from the layers that hold them.
 */
#include "case/print.h"
#include "command/command.h"
#include "manual/manual.h"

#include <string.h>

static PetscErrorCode print_geometry(FILE *out, PetscInt row),
    print_energy(FILE *out, PetscInt row);

static const struct {
  const char *kind;
  MuTableRow row;                                  /* NULL: the commands or the keys */
  const char *says;                                /* what a row says beside the name, in JSON */
  PetscErrorCode (*more)(FILE *out, PetscInt row); /* further members in JSON; NULL: none */
} kinds[] = {
    {"geometries", MuGeometryGetTableRow, "formula", print_geometry},
    {"energies", MuEnergyGetTableRow, "formula", print_energy},
    {"kernels", MuKernelGetTableRow, "formula", NULL},
    {"densities", MuDensityGetTableRow, "formula", NULL},
    {"schemes", MuSchemeGetTableRow, "formula", NULL},
    {"diagnostics", MuDiagnosticGetTableRow, "formula", NULL},
    {"methods", MuMethodGetTableRow, "formula", NULL},
    {"exact_solutions", MuExactGetTableRow, "needs", NULL},
    {"chapters", MuManualGetTableRow, "summary", NULL},
    {"commands", NULL, "summary", NULL},
    {"keys", NULL, "doc", NULL},
};
#define KINDS ((PetscInt)(sizeof kinds / sizeof *kinds))

static PetscErrorCode kind_row(PetscInt i, const char **name, const char **formula) {
  *name = i < KINDS ? kinds[i].kind : NULL;
  *formula = "";
  return 0;
}

/* ------------------------------------------------------------------ plain */

static PetscErrorCode print_table(FILE *out, MuTableRow row) {
  const char *name, *text;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(row(i, &name, &text));
    if (!name) break;
    fprintf(out, "  %-30s %s\n", name, text);
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

/* ------------------------------------------------------------------ JSON */

static void print_string(FILE *out, const char *text) {
  fputc('"', out);
  for (const char *c = text; *c; ++c) {
    if (*c == '"' || *c == '\\') fputc('\\', out);
    if ((unsigned char)*c < ' ')
      fprintf(out, "\\u%04x", *c);
    else
      fputc(*c, out);
  }
  fputc('"', out);
}

static void print_member(FILE *out, const char *name, const char *text) {
  fprintf(out, "%s\"%s\": ", strcmp(name, "name") ? ", " : "", name);
  print_string(out, text);
}

static void print_parameter(FILE *out, PetscBool first, const char *name, const char *key,
                            const char *doc, PetscBool required) {
  fprintf(out, "%s{", first ? ", \"parameters\": [" : ", ");
  print_member(out, "name", name);
  print_member(out, "key", key);
  print_member(out, "doc", doc);
  fprintf(out, ", \"required\": %s}", required ? "true" : "false");
}

/* The numbers and the formula of a summand, and the other blocks of a case that it needs. */
static void print_info(FILE *out, const MuSummandInfo *info) {
  PetscBool first = PETSC_TRUE;
  for (const MuParameter *p = info->parameters; p && p->name; ++p, first = PETSC_FALSE)
    print_parameter(out, first, p->name, p->key, p->doc, p->required);
  if (info->function_key) {
    print_parameter(out, first, "formula", info->function_key, info->function_doc, PETSC_TRUE);
    first = PETSC_FALSE;
  }
  if (!first) fputc(']', out);
  fprintf(out, ", \"needs\": [%s%s%s]", info->needs_kernel ? "\"kernel\"" : "",
          info->needs_kernel && info->needs_target ? ", " : "",
          info->needs_target ? "\"target\"" : "");
}

/* One limit: as which parameters vanish, what it is, its numbers and the order of the error. */
static void print_limit(FILE *out, PetscBool first, const char *parameters, const MuLimit *limit) {
  fprintf(out, "%s{\"as\": \"%s\", \"name\": \"%s\", \"order\": %g",
          first ? ", \"limits\": [" : ", ", parameters, limit->name, (double)limit->order);
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS && limit->set[k].name; ++k)
    fprintf(out, ", \"%s\": %g", limit->set[k].name, (double)limit->set[k].value);
  fputc('}', out);
}

static PetscErrorCode print_geometry(FILE *out, PetscInt row) {
  static const char *const parameters[] = {"bandwidth", "ridge", "bandwidth ridge"};
  PetscBool first = PETSC_TRUE;
  MuSummandInfo info;
  MuSummand part = {.weight = 1};
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetInfo(row, &info));
  part.name = info.name;
  for (PetscInt k = 0; k < MU_MAX_PARAMETERS; ++k) part.value[k] = 1;
  print_info(out, &info);
  for (size_t k = 0; k < sizeof parameters / sizeof *parameters; ++k) {
    PetscCall(MuGeometryGetLimit(&part, parameters[k], &limit));
    if (!limit.name) continue;
    print_limit(out, first, parameters[k], &limit);
    first = PETSC_FALSE;
  }
  if (!first) fputc(']', out);
  PetscFunctionReturn(0);
}

static PetscErrorCode print_energy(FILE *out, PetscInt row) {
  MuSummandInfo info;
  MuSummand term = {.weight = 1};
  MuLimit limit;

  PetscFunctionBegin;
  PetscCall(MuEnergyGetInfo(row, &info));
  term.name = info.name;
  print_info(out, &info);
  PetscCall(MuEnergyGetLimit(&term, &limit));
  if (limit.name) {
    print_limit(out, PETSC_TRUE, "bandwidth", &limit);
    fputc(']', out);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_json_table(FILE *out, MuTableRow row, PetscInt kind) {
  const char *name, *text;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(row(i, &name, &text));
    if (!name) break;
    fprintf(out, "%s\n    {", i ? "," : "");
    print_member(out, "name", name);
    print_member(out, kinds[kind].says, text);
    if (kinds[kind].more) PetscCall(kinds[kind].more(out, i));
    fprintf(out, "}");
  }
  PetscFunctionReturn(0);
}

/* "a|b" as ["a", "b"] */
static void print_words(FILE *out, const char *words) {
  fprintf(out, ", \"allowed\": [\"");
  for (const char *c = words; *c; ++c) {
    if (*c == '|')
      fprintf(out, "\", \"");
    else
      fputc(*c, out);
  }
  fprintf(out, "\"]");
}

static PetscErrorCode print_json_keys(FILE *out) {
  MuKeyInfo key;

  PetscFunctionBegin;
  for (PetscInt i = 0;; ++i) {
    PetscCall(MuCaseGetKey(i, &key));
    if (!key.block) break;
    fprintf(out, "%s\n    {", i ? "," : "");
    print_member(out, "name", key.name);
    print_member(out, "block", key.block);
    print_member(out, "value", key.value);
    print_member(out, "doc", key.doc);
    if (*key.allowed) print_words(out, key.allowed);
    fprintf(out, "}");
  }
  PetscFunctionReturn(0);
}

/* ------------------------------------------------------------------ the command */

static PetscErrorCode check_kind(const char *wanted) {
  const char *name;
  char nearest[64];

  PetscFunctionBegin;
  PetscCall(MuTableFind(kind_row, wanted, &name, nearest));
  if (!name)
    return MuError(MU_ERR_INPUT, "list: there is no table \"%s\"; the nearest is %s", wanted,
                   nearest);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_arguments(int argc, char **argv, const char **wanted, PetscBool *json) {
  PetscFunctionBegin;
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
  if (*wanted) PetscCall(check_kind(*wanted));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_plain(FILE *out, MuTableRow commands, const char *wanted) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < KINDS; ++k) {
    if (wanted && strcmp(wanted, kinds[k].kind) != 0) continue;
    if (!wanted) fprintf(out, "%s\n", kinds[k].kind);
    if (!strcmp(kinds[k].kind, "keys"))
      PetscCall(print_keys(out));
    else
      PetscCall(print_table(out, kinds[k].row ? kinds[k].row : commands));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode print_json(FILE *out, MuTableRow commands, const char *wanted) {
  PetscFunctionBegin;
  fprintf(out, "{\n  \"mudot_version\": \"%s\"", MUDOT_VERSION);
  for (PetscInt k = 0; k < KINDS; ++k) {
    if (wanted && strcmp(wanted, kinds[k].kind) != 0) continue;
    fprintf(out, ",\n  \"%s\": [", kinds[k].kind);
    if (!strcmp(kinds[k].kind, "keys"))
      PetscCall(print_json_keys(out));
    else
      PetscCall(print_json_table(out, kinds[k].row ? kinds[k].row : commands, k));
    fprintf(out, "\n  ]");
  }
  fprintf(out, "\n}\n");
  PetscFunctionReturn(0);
}

static PetscErrorCode list(MuTableRow commands, int argc, char **argv) {
  const char *wanted;
  PetscBool json;

  PetscFunctionBegin;
  PetscCall(read_arguments(argc, argv, &wanted, &json));
  if (!MuCommandPrints()) PetscFunctionReturn(0);
  PetscCall((json ? print_json : print_plain)(stdout, commands, wanted));
  PetscFunctionReturn(0);
}

static PetscErrorCode help(FILE *out) {
  PetscFunctionBegin;
  fprintf(out, "\nWithout a table it prints all of them; --json makes one JSON document of them.\n"
               "\ntables\n");
  for (PetscInt k = 0; k < KINDS; ++k) fprintf(out, "  %s\n", kinds[k].kind);
  PetscFunctionReturn(0);
}

const MuCommand mu_command_list = {
    .name = "list",
    .usage = "[TABLE] [--json]",
    .summary = "print what exists (geometries, energies, kernels, ...), one line each",
    .run = list,
    .help = help,
    .immediate = PETSC_TRUE,
};
