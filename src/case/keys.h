/* The keys of a case: private to case/, and to the floor above that says which tables give keys. */
#ifndef MUDOT_KEYS_H
#define MUDOT_KEYS_H

#include "mudot/case.h"

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
  const char *name;
  MuKeyType type;
  PetscInt most; /* items: 1, 2 (one per axis) or 0 (any number) */
  MuKeyRange range;
  const char
      *allowed;        /* MU_KEY_CHOICE: words separated by |.
                          MU_KEY_REAL: words that stand for numbers, MuCaseResolveWords(); or NULL.
                          MU_KEY_INTERVAL: "steps" if a number of steps, true and false are allowed */
  const char *doc;     /* one line of --help */
  const char *same_as; /* a second spelling of this key of the block; NULL usually */
} MuKeyRow;

/* The keys that are always there; the others belong to rows of tables. */
extern const MuKeyRow mu_keys[];
extern const PetscInt mu_key_count;
/* The blocks in the order in which they are printed; ends with NULL. */
extern const char *const mu_key_blocks[];

/* A table of operators, energies or kernels: its rows have weights and parameters, which are keys
   of its blocks. A list of them ends with blocks = NULL. */
typedef struct {
  const char *blocks;     /* separated by | */
  MuSummandTable table;   /* REQUIRED */
  const char *weight_doc; /* of a block that is a sum of rows, each with a weight and keys of its
                             own; NULL: its key `type` names one row */
  const char *own_doc;    /* the line on those other keys of its own */
} MuKeyTable;

/* Which part of a summand a key gives. */
typedef enum {
  MU_KEY_PLAIN,
  MU_KEY_WEIGHT,
  MU_KEY_PARAMETER,
  MU_KEY_FORMULA,
  MU_KEY_KERNEL
} MuKeyPart;

/* What is known of a full name. */
typedef struct {
  char name[MU_KEY_LENGTH]; /* with second spellings replaced: geometry_stein_weight is
                               geometry_stein */
  const char *block;        /* of mu_key_blocks */
  MuKeyRow row;             /* of a key of a table made up from it, with that block alone */
  const MuParameter
      *parameter;      /* of a row's own number, e.g. geometry_ridge_stein_ridge, else NULL */
  MuKeyPart part;      /* PLAIN: the rest is empty */
  const char *summand; /* the table's text */
  PetscInt item;       /* 1, or n of geometry_stein_n */
} MuKey;

/* The name without its block; of a summand's key without the summand too ("" for a weight). */
const char *MuKeyRest(const MuKey *key);

/* Looks a full name up in mu_keys and in the tables. tables = NULL: any name is a key that takes
   anything. FALSE if there is no such key. */
PetscBool MuKeyFind(const MuKeyTable *tables, const char *name, MuKey *key);

/* Calls visit with every key, block by block, without second spellings. Those of single summands,
   geometry_stein_kernel_bandwidth and the like, are left out unless `summands`; a block of summands
   has the weights geometry_stein, ... then, and one key geometry_NAME otherwise. */
void MuKeyVisit(const MuKeyTable *tables, PetscBool summands,
                void (*visit)(void *ctx, const MuKey *key), void *ctx);

/* Whether `name` is a block (a mapping is expected there). */
PetscBool MuKeyIsBlock(const char *name);

/* Copies the i-th word of a |-separated list; false past its end. */
PetscBool MuKeyWord(const char *list, PetscInt i, char word[MU_KEY_LENGTH]);
/* Whether a word is in such a list (NULL: in none). */
PetscBool MuKeyInList(const char *list, const char *word);

/* Reads "90s", "10min", "1h30min", "2d"; with steps_allowed also "500 steps", "500", true (10min)
   and false, else a number without unit is seconds. NULL if it could, else what is wrong. */
const char *MuParseInterval(const char *text, PetscBool steps_allowed, PetscReal *seconds,
                            PetscInt *steps);

/* Keeps the word nearest to a wrong one: offer candidates one by one, starting from
   (MuNearest){.word = ...}. */
typedef struct {
  const char *word;
  char best[MU_KEY_LENGTH];
  PetscInt distance;
} MuNearest;
void MuNearestOffer(MuNearest *nearest, const char *candidate);
/* Whether `best` may be meant: it goes on from the word, or at most a third of the letters after
   the blocks that both begin with differ. */
PetscBool MuNearestIsClose(const MuNearest *nearest);
/* "; the nearest is -BEST" with `dash` before it, "" where none is close. */
void MuNearestSay(const MuNearest *nearest, const char *dash, size_t size, char *text);
/* Offers every key; of a word that begins with a summand, the keys of that one only. */
void MuNearestOfferKeys(MuNearest *nearest, const MuKeyTable *tables);

/* Prints the keys of the blocks in the list `only` (NULL: all) that are not in `except` (NULL:
   none) with their values and lines of documentation. */
PetscErrorCode MuKeyPrintBlocks(const MuKeyTable *tables, FILE *out, const char *only,
                                const char *except);
/* See MuCaseGetKey(). */
PetscErrorCode MuKeyGet(const MuKeyTable *tables, PetscInt i, MuKeyInfo *info);
void MuKeyDescribe(const MuKeyTable *tables, const MuKey *key, MuKeyInfo *info);

#endif
