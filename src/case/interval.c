/* Intervals between checkpoints and limits of time: "10min", "1h30min", "500 steps". */
#include "case/arguments.h"
#include "case/keys.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_SECONDS 600 /* of "true" */
#define MOST_STEPS      1e9

static PetscReal unit_seconds(const char *unit, size_t length) {
  static const struct {
    const char *name;
    PetscReal seconds;
  } units[] = {{"ms", 1e-3}, {"s", 1},       {"sec", 1},     {"m", 60},
               {"min", 60},  {"h", 3600},    {"hour", 3600}, {"hours", 3600},
               {"d", 86400}, {"day", 86400}, {"days", 86400}};
  for (size_t i = 0; i < sizeof units / sizeof *units; ++i)
    if (strlen(units[i].name) == length && !strncmp(unit, units[i].name, length))
      return units[i].seconds;
  return 0;
}

/* Words made of letters. */
static size_t word_length(const char *text) {
  return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* A number of steps, as "500", "500 steps" or "1 step". */
static const char *parse_steps(PetscReal number, const char *unit, PetscInt *steps) {
  if (*unit && strcmp(unit, "steps") != 0 && strcmp(unit, "step") != 0) return "is no interval";
  if (number < 1 || number > MOST_STEPS || number != (PetscReal)(PetscInt)number)
    return "is not a whole number of steps, at least 1";
  *steps = (PetscInt)number;
  return NULL;
}

const char *MuParseInterval(const char *text, PetscBool steps_allowed, PetscReal *seconds,
                            PetscInt *steps) {
  static const char *const wrong = "is no interval; written are 90s, 10min, 1h30min, 2d";
  PetscBool truth;
  *seconds = 0;
  *steps = 0;
  if (steps_allowed && (strlen(text) > 1 && MuParseBool(text, &truth))) {
    *seconds = truth ? DEFAULT_SECONDS : 0;
    return NULL;
  }
  while (*text) {
    char *unit;
    PetscReal number = strtod(text, &unit), scale;
    /* neither hexadecimal numbers nor infinity */
    if (unit == text || strspn(text, "0123456789.eE+") < (size_t)(unit - text)) return wrong;
    unit += strspn(unit, " ");
    size_t length = word_length(unit);
    if (steps_allowed && *seconds == 0 && (!*unit || !strncmp(unit, "step", 4)))
      return parse_steps(number, unit, steps);
    scale = unit_seconds(unit, length);
    if (!*unit && *seconds == 0) scale = 1;
    if (scale == 0) return wrong;
    *seconds += number * scale;
    text = unit + length;
    text += strspn(text, " ");
  }
  return *seconds > 0 && *seconds < 1e12 ? NULL : "is not a positive time";
}
