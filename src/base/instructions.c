/* What the compiler was allowed to use; no code, so that any processor can read it. */
#include "base/processor.h"

const int mu_instructions = 0
#ifdef __SSE3__
                            | MU_SSE3
#endif
#ifdef __SSSE3__
                            | MU_SSSE3
#endif
#ifdef __SSE4_1__
                            | MU_SSE4_1
#endif
#ifdef __SSE4_2__
                            | MU_SSE4_2
#endif
#ifdef __POPCNT__
                            | MU_POPCNT
#endif
#ifdef __AVX__
                            | MU_AVX
#endif
#ifdef __AVX2__
                            | MU_AVX2
#endif
#ifdef __FMA__
                            | MU_FMA
#endif
#ifdef __BMI__
                            | MU_BMI
#endif
#ifdef __BMI2__
                            | MU_BMI2
#endif
#ifdef __FMA4__
                            | MU_FMA4
#endif
#ifdef __AVX512F__
                            | MU_AVX512F
#endif
#ifdef __AVX512CD__
                            | MU_AVX512CD
#endif
#ifdef __AVX512BW__
                            | MU_AVX512BW
#endif
#ifdef __AVX512DQ__
                            | MU_AVX512DQ
#endif
#ifdef __AVX512VL__
                            | MU_AVX512VL
#endif
    ;
