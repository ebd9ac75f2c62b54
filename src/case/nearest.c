/* The word that is nearest to a misspelt one. */
#include "case/keys.h"

#include <stdio.h>
#include <string.h>

/* Edit distance with transposition of neighbours (optimal string alignment). */
static PetscInt edit_distance(const char *a, const char *b) {
  PetscInt row[3][MU_KEY_LENGTH + 1], *before = row[0], *last = row[1], *here = row[2];
  const PetscInt n = (PetscInt)strlen(a), m = (PetscInt)strlen(b);
  for (PetscInt j = 0; j <= m; ++j) last[j] = j;
  for (PetscInt i = 1; i <= n; ++i) {
    here[0] = i;
    for (PetscInt j = 1; j <= m; ++j) {
      here[j] = PetscMin(PetscMin(last[j], here[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here[j] = PetscMin(here[j], before[j - 2] + 1);
    }
    PetscInt *oldest = before;
    before = last;
    last = here;
    here = oldest;
  }
  return last[m];
}

/* A word that is the end of a key (its block was left out) is as near as one wrong letter. */
void MuNearestOffer(MuNearest *nearest, const char *candidate) {
  char word[MU_KEY_LENGTH];
  size_t length, whole = strlen(candidate);
  snprintf(word, sizeof word, "%s", nearest->word);
  length = strlen(word);
  PetscInt distance = edit_distance(word, candidate);
  if (whole > length && candidate[whole - length - 1] == '_' &&
      strcmp(candidate + whole - length, word) == 0)
    distance = 1;
  if (nearest->best[0] && distance >= nearest->distance) return;
  nearest->distance = distance;
  snprintf(nearest->best, sizeof nearest->best, "%s", candidate);
}

static PetscBool goes_on(const char *name, const char *head) {
  const size_t length = strlen(head);
  return (PetscBool)(!strncmp(name, head, length) && name[length] == '_');
}

/* The length of the blocks, up to a _, that both begin with. */
static size_t common_blocks(const char *a, const char *b) {
  size_t length = 0;
  for (size_t i = 0; a[i] && a[i] == b[i]; ++i)
    if (a[i] == '_') length = i + 1;
  return length;
}

PetscBool MuNearestIsClose(const MuNearest *nearest) {
  const char *best = nearest->best;
  const size_t common = common_blocks(nearest->word, best);
  const size_t letters = PetscMax(strlen(nearest->word), strlen(best)) - common;
  const PetscBool begun = goes_on(best, nearest->word);
  return (PetscBool)(best[0] &&
                     (begun || nearest->distance <= PetscMax(1, ((PetscInt)letters + 1) / 3)));
}

void MuNearestSay(const MuNearest *nearest, const char *dash, size_t size, char *text) {
  text[0] = 0;
  if (MuNearestIsClose(nearest)) snprintf(text, size, "; the nearest is %s%s", dash, nearest->best);
}

/* ------------------------------------------------------------------ keys */

typedef struct {
  MuNearest *nearest;
  char head[MU_KEY_LENGTH]; /* the longest weight that the word goes on from, or "" */
  const char *summand;      /* whose weight it is */
} Offer;

static void offer_key(void *ctx, const MuKey *key) {
  Offer *o = ctx;
  MuNearestOffer(o->nearest, key->name);
  if (key->part == MU_KEY_WEIGHT && goes_on(o->nearest->word, key->name) &&
      strlen(key->name) > strlen(o->head)) {
    snprintf(o->head, sizeof o->head, "%s", key->name);
    o->summand = key->summand;
  }
}

static void offer_own(void *ctx, const MuKey *key) {
  Offer *o = ctx;
  if (key->summand == o->summand && goes_on(key->name, o->head))
    MuNearestOffer(o->nearest, key->name);
}

/* A word that begins with a summand and is no plain misspelling means a key of that one. It is
   compared without the number of an item, which is put back into what was found. */
void MuNearestOfferKeys(MuNearest *nearest, const MuKeyTable *tables) {
  enum { MISSPELT = 2 };
  Offer all = {.nearest = nearest};
  MuKeyVisit(tables, PETSC_TRUE, offer_key, &all);
  if (!all.head[0] || nearest->distance <= MISSPELT) return;
  const char *tail = nearest->word + strlen(all.head) + 1;
  const size_t item = strspn(tail, "0123456789"), number = tail[item] == '_' ? item + 1 : 0;
  char word[2 * MU_KEY_LENGTH], weight[2 * MU_KEY_LENGTH];
  snprintf(word, sizeof word, "%s_%.62s", all.head, tail + number);
  snprintf(weight, sizeof weight, "%s_weight", all.head);
  MuNearest own = {.word = word};
  Offer some = {.nearest = &own, .summand = all.summand};
  snprintf(some.head, sizeof some.head, "%s", all.head);
  MuNearestOffer(&own, weight);
  MuKeyVisit(tables, PETSC_TRUE, offer_own, &some);
  nearest->distance = 1; /* a key of that summand is meant */
  if (strlen(own.best) + number >= sizeof nearest->best) return;
  char *end = stpcpy(nearest->best, all.head);
  *end++ = '_';
  end = mempcpy(end, tail, number);
  (void)stpcpy(end, own.best + strlen(all.head) + 1);
}
