/* Random cases for the property-based tests: what is generated and how it is drawn. */
#ifndef MUDOT_TESTS_STRESS_H
#define MUDOT_TESTS_STRESS_H

#include "mudot.h"

#include <stdint.h>

/* The YAML text of case number `index` of a seed, a pure function of the two: the same on every
   machine and any number of ranks. output_directory is `directory`/run-SEED-INDEX. To be freed with
   free(); NULL if there is no memory. */
char *StressCaseText(uint64_t seed, uint64_t index, const char *directory);

#endif
