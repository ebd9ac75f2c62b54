/* The keys of a case file: private to case/. */
#ifndef MUDOT_KEYS_H
#define MUDOT_KEYS_H

#include "mudot.h"

#define MU_KEY_LENGTH 64 /* longest full name of a key, with the final zero */

typedef enum {
  MU_KEY_REAL,
  MU_KEY_INT,
  MU_KEY_BOOL,
  MU_KEY_TEXT,
  MU_KEY_CHOICE,
  MU_KEY_INTERVAL
} MuKeyType;

/* Numbers: what every item must be. */
typedef enum { MU_ANY_SIGN, MU_NOT_NEGATIVE, MU_POSITIVE } MuKeyRange;

/* One key, in every block that has it. The full name is block_name, e.g. kernel_bandwidth. */
typedef struct {
  const char *blocks; /* blocks separated by | */
  const char *name;   /* "*": one weight per name of an energy or geometry, checked by its reader */
  MuKeyType type;
  PetscInt most; /* items: 1, 2 (one per axis) or 0 (any number) */
  MuKeyRange range;
  const char
      *allowed;        /* MU_KEY_CHOICE: words separated by |; their index is what the getter gives.
                          MU_KEY_INTERVAL: "steps" if a number of steps, true and false are allowed */
  const char *doc;     /* one line of --help */
  const char *same_as; /* a second spelling of this key of the block; NULL usually */
} MuKeyRow;

extern const MuKeyRow mu_keys[];
extern const PetscInt mu_key_count;
/* The blocks in the order in which they are printed; ends with NULL. */
extern const char *const mu_key_blocks[];

/* The row of a full name, NULL if there is none. canonical: the full name without synonyms. */
const MuKeyRow *MuKeyFind(const char *name, char canonical[MU_KEY_LENGTH]);

/* Whether `name` is a block (a mapping is expected there). */
PetscBool MuKeyIsBlock(const char *name);

/* Block of a full name and the rest of the name. */
void MuKeySplit(const char *name, const char **block, const char **rest);

/* Copies the i-th word of a |-separated list; false past its end. */
PetscBool MuKeyWord(const char *list, PetscInt i, char word[MU_KEY_LENGTH]);

/* Reads "90s", "10min", "1h30min", "2d"; with steps_allowed also "500 steps", "500", true (10min)
   and false, else a number without unit is seconds. NULL if it could, else what is wrong. */
const char *MuParseInterval(const char *text, PetscBool steps_allowed, PetscReal *seconds,
                            PetscInt *steps);

/* Keeps the word nearest to a wrong one: offer candidates one by one, starting from
 * (MuNearest){.word = ...}. */
typedef struct {
  const char *word;
  char best[MU_KEY_LENGTH];
  PetscInt distance;
} MuNearest;
void MuNearestOffer(MuNearest *nearest, const char *candidate);
void MuNearestOfferKeys(MuNearest *nearest);

#endif
