/* Lines of tables as spreadsheets and programs write them (RFC 4180 and its relatives). */
#include "measure/fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ cutting */

static PetscBool is_blank(char c) {
  return (PetscBool)(isspace((unsigned char)c) != 0);
}

/* Over blanks that separate nothing. */
static char *skip_blanks(char delimiter, char *at) {
  while (*at && *at != delimiter && is_blank(*at)) ++at;
  return at;
}

/* A field in quotes, from behind the first; its text ends in zero. NULL: it has no end. */
static char *cut_quoted(char *at) {
  char *to = at;
  for (; *at; ++at) {
    if (*at == '"' && at[1] != '"') {
      *to = '\0';
      return at + 1;
    }
    if (*at == '"') ++at;
    *to++ = *at;
  }
  return NULL;
}

/* A plain field; returns where it ends. */
static char *find_end(char delimiter, char *at) {
  while (*at && (delimiter == ' ' ? !is_blank(*at) : !delimiter || *at != delimiter)) ++at;
  return at;
}

static void trim_blanks(char *begin, char *end) {
  while (end > begin && is_blank(end[-1])) --end;
  *end = '\0';
}

PetscInt MuFieldsCut(char delimiter, char *line, char *field[MU_MOST_FIELDS]) {
  char *at = line;
  for (PetscInt n = 0; n < MU_MOST_FIELDS;) {
    char *end;
    at = skip_blanks((char)(delimiter == ' ' ? '\0' : delimiter), at);
    if (delimiter == ' ' && !*at && n) return n;
    field[n++] = at;
    if (*at == '"') {
      field[n - 1] = at + 1;
      end = cut_quoted(at + 1);
      if (!end) return -1;
      if (delimiter == ' ' && *end && !is_blank(*end)) return -1;
      end = skip_blanks((char)(delimiter == ' ' ? '\0' : delimiter), end);
      if (delimiter != ' ' && *end && *end != delimiter) return -1;
      if (!*end) return n;
      at = delimiter == ' ' ? end : end + 1;
      continue;
    }
    end = find_end(delimiter, at);
    const PetscBool last = (PetscBool)(*end == '\0');
    trim_blanks(at, end);
    if (last) return n;
    at = end + 1;
  }
  return -2;
}

PetscInt MuFieldsTrim(PetscInt n, char *const field[]) {
  while (n > 0 && !field[n - 1][0]) --n;
  return n;
}

/* ------------------------------------------------------------------ numbers */

static const char *skip_digits(const char *at) {
  while (isdigit((unsigned char)*at)) ++at;
  return at;
}

/* Digits with a comma among them, and an exponent: where the comma is, NULL if it is none. */
static const char *decimal_comma(const char *text) {
  const char *first = text + (*text == '-' || *text == '+'), *comma = skip_digits(first), *end;
  if (comma == first || *comma != ',' || !isdigit((unsigned char)comma[1])) return NULL;
  end = skip_digits(comma + 1);
  if (*end == 'e' || *end == 'E') {
    ++end;
    if (*end == '-' || *end == '+') ++end;
    if (!isdigit((unsigned char)*end)) return NULL;
    end = skip_digits(end);
  }
  return *end ? NULL : comma;
}

/* 1,500 but not 0,500 nor 1500,500 */
static PetscBool may_be_thousands(const char *text, const char *comma) {
  const char *first = text + (*text == '-' || *text == '+');
  return (PetscBool)(*first != '0' && comma - first <= 3 && strlen(comma + 1) == 3);
}

PetscBool MuFieldNumber(char delimiter, const char *text, PetscReal *value, int *marks) {
  const char *comma = delimiter == ',' || !delimiter ? NULL : decimal_comma(text);
  char copy[64], *end;
  PetscReal number;
  if (marks) *marks = strchr(text, '.') ? MU_MARK_POINT : 0;
  if (comma && strlen(text) < sizeof copy) {
    memcpy(copy, text, strlen(text) + 1);
    copy[comma - text] = '.';
    if (marks) *marks = MU_MARK_COMMA | (may_be_thousands(text, comma) ? MU_MARK_THOUSANDS : 0);
    text = copy;
  }
  number = strtod(text, &end);
  if (value) *value = number;
  return (PetscBool)(*text != '\0' && *end == '\0' && !strpbrk(text, "xXpP"));
}

PetscBool MuFieldLooksLikeNumber(const char *text) {
  text += *text == '-' || *text == '+';
  text += *text == '.';
  return (PetscBool)(isdigit((unsigned char)*text) != 0);
}

PetscBool MuFieldsMayBeDecimals(PetscInt n, char *const field[]) {
  char text[64];
  if (n % 2) return PETSC_FALSE;
  for (PetscInt k = 0; k < n; k += 2) {
    const size_t left = strlen(field[k]), right = strlen(field[k + 1]);
    if (left + right + 2 > sizeof text) return PETSC_FALSE;
    memcpy(text, field[k], left);
    text[left] = ',';
    memcpy(text + left + 1, field[k + 1], right + 1);
    if (!decimal_comma(text)) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* ------------------------------------------------------------------ delimiters */

const char *MuDelimiterName(char delimiter) {
  return delimiter == ','   ? "commas"
         : delimiter == ';' ? "semicolons"
         : delimiter == ' ' ? "blanks"
                            : "tabs";
}

/* How a line looks under a delimiter. */
typedef struct {
  PetscInt fields, trimmed, numbers;
} Look;

static Look look(char delimiter, const char *line, char *scratch) {
  char *field[MU_MOST_FIELDS];
  Look l = {0};
  memcpy(scratch, line, strlen(line) + 1);
  l.fields = MuFieldsCut(delimiter, scratch, field);
  if (l.fields < 0) return l;
  l.trimmed = MuFieldsTrim(l.fields, field);
  for (PetscInt k = 0; k < l.trimmed; ++k)
    l.numbers += MuFieldNumber(delimiter, field[k], NULL, NULL) ? 1 : 0;
  return l;
}

enum { NO_CANDIDATE = -3, UNEQUAL = -2 };

/* Up to 1, that all fields are numbers. Lines that would have unequally many fields are better than
   nothing: the sentence on them will say so. */
static PetscReal fitness(char delimiter, const char *first, const char *second, char *scratch) {
  const Look a = look(delimiter, first, scratch), b = look(delimiter, second, scratch);
  const PetscBool unequal = (PetscBool)(a.trimmed != b.trimmed);
  if (b.fields < 0 && a.fields > 1) return UNEQUAL; /* a quote has no end */
  if (a.fields < 0 || b.fields < 2 || !b.trimmed || (unequal && a.fields < 2)) return NO_CANDIDATE;
  return (PetscReal)b.numbers / (PetscReal)b.trimmed + (unequal ? UNEQUAL : 0);
}

char MuFieldsGuess(const char *first, const char *second, char *scratch, PetscBool *ambiguous) {
  static const char candidates[] = {'\t', ';', ',', ' '};
  PetscReal best = NO_CANDIDATE;
  char found = 0;
  *ambiguous = PETSC_FALSE;
  for (size_t k = 0; k < sizeof candidates; ++k) {
    const PetscReal fit = fitness(candidates[k], first, second ? second : first, scratch);
    if (fit == NO_CANDIDATE || fit < best) continue;
    /* other marks within fields that a tab separates, and a table of words, are nothing to doubt */
    if (fit == best) {
      if (fit > 0 && fit < 1 && found != '\t') *ambiguous = PETSC_TRUE;
      continue;
    }
    *ambiguous = PETSC_FALSE;
    best = fit;
    found = candidates[k];
  }
  return found;
}
