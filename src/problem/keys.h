/* Private to problem/ and the floors above: the tables whose rows give keys to a case. */
#ifndef MUDOT_PROBLEM_KEYS_H
#define MUDOT_PROBLEM_KEYS_H

#include "case/keys.h"

extern const MuKeyTable mu_case_tables[];

#endif
