/* Memory of large arrays. Private to base/. */
#ifndef MUDOT_BASE_PAGES_H
#define MUDOT_BASE_PAGES_H

#include <petscsys.h>

/* From here on an array of 64 KiB or more from PetscMalloc begins with a line of the cache and lies
   in pages of 2 MiB where the system has them (Linux, transparent_hugepage not "never"). That costs
   a few hundred interruptions less for each when it is first touched, and the processor most of its
   searches for addresses. An array above 1 MiB has pages of its own and takes no memory before it
   is written to; smaller ones share 8 MiB. To be called before PetscInitialize; does nothing after
   it, and in programs built with MU_PLAIN_MEMORY or the address sanitizer, which look after every
   array of the C library. Not collective. */
PetscErrorCode MuPagesUse(void);

#endif
