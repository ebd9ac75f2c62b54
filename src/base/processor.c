/* Whether the processor has what the build uses. The Makefile compiles this file for any processor.
 */
#include "base/processor.h"

#include <stddef.h>

const char *MuProcessorLacks(void) {
#if defined(__x86_64__)
#define LACKS(bit, name)                                                                           \
  if ((mu_instructions & (bit)) && !__builtin_cpu_supports(name)) return name;
  MU_INSTRUCTION_SETS(LACKS)
#undef LACKS
#endif
  return NULL;
}
