/* The instructions that the build uses and those that the processor has. Private to base/ and
   command/. */
#ifndef MUDOT_BASE_PROCESSOR_H
#define MUDOT_BASE_PROCESSOR_H

#include <petscsys.h>

/* Instruction sets beyond those that every x86-64 processor has, lowest first: bit, name, as
   __builtin_cpu_supports() spells it. */
#define MU_INSTRUCTION_SETS(X)                                                                     \
  X(MU_SSE3, "sse3")                                                                               \
  X(MU_SSSE3, "ssse3")                                                                             \
  X(MU_SSE4_1, "sse4.1")                                                                           \
  X(MU_SSE4_2, "sse4.2")                                                                           \
  X(MU_POPCNT, "popcnt")                                                                           \
  X(MU_AVX, "avx")                                                                                 \
  X(MU_AVX2, "avx2")                                                                               \
  X(MU_FMA, "fma")                                                                                 \
  X(MU_BMI, "bmi")                                                                                 \
  X(MU_BMI2, "bmi2")                                                                               \
  X(MU_FMA4, "fma4")                                                                               \
  X(MU_AVX512F, "avx512f")                                                                         \
  X(MU_AVX512CD, "avx512cd")                                                                       \
  X(MU_AVX512BW, "avx512bw")                                                                       \
  X(MU_AVX512DQ, "avx512dq")                                                                       \
  X(MU_AVX512VL, "avx512vl")

#define MU_INSTRUCTION_SHIFT(bit, name) bit##_SHIFT,
#define MU_INSTRUCTION_BIT(bit, name)   bit = 1 << bit##_SHIFT,
enum { MU_INSTRUCTION_SETS(MU_INSTRUCTION_SHIFT) };
enum { MU_INSTRUCTION_SETS(MU_INSTRUCTION_BIT) };

/* The sets that the compiler was allowed to use. */
extern const int mu_instructions;

/* The first of the sets that this processor does not have, NULL if it has them all. */
const char *MuProcessorLacks(void);

#endif
