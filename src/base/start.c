/* Start and end of the library. */
#include "base/events.h"
#include "base/launch.h"
#include "base/pages.h"
#include "base/stopped.h"
#include "mudot.h"

#include <hdf5.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

static char **petsc_arguments; /* PETSc keeps the pointer until its end */

static PetscBool is_quiet(PetscErrorCode code) {
  return (PetscBool)(code == MU_ERR_INPUT || code == MU_ERR_NUMERICS || code == MU_ERR_FILE ||
                     code == MU_STOPPED);
}

/* A user's mistake passes silently (main prints its sentence); anything else gets PETSc's trace. */
static PetscErrorCode error_handler(MPI_Comm comm, int line, const char *function, const char *file,
                                    PetscErrorCode code, PetscErrorType type, const char *text,
                                    void *ctx) {
  if (is_quiet(code)) return code;
  return PetscTraceBackErrorHandler(comm, line, function, file, code, type, text, ctx);
}

/* Tails of densities run into subnormal numbers, which processors handle a hundred times slower
   than zero and which mean nothing here: wherever a logarithm is taken, the smallest normal number
   is the floor. */
static void flush_subnormal_numbers(void) {
#if defined(__SSE2__)
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _mm_setcsr(_mm_getcsr() | 0x0040); /* denormals are zero */
#endif
}

/* Large arrays are pages of their own: zeros that take no memory before they are written to, and
   given back when they are freed. OpenMPI turns that off for the sake of networks, which a process
   by itself does not use. */
static void keep_arrays_apart(void) {
#if defined(__GLIBC__)
  if (MuLaunched()) return;
  mallopt(M_MMAP_MAX, 65536);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* Options come from the command line and the environment. PETSc would also take them from files
   named .petscrc and petscrc in the working directory, which may be a stranger's. */
static PetscErrorCode start_petsc(int argc, char **argv, const char *help) {
  int count = 0;
  PetscErrorCode code = MuLaunchPrepare();
  if (code) return code;
  petsc_arguments = calloc((size_t)argc + 3, sizeof *petsc_arguments);
  if (!petsc_arguments) return PETSC_ERR_MEM;
  petsc_arguments[count++] = argc ? argv[0] : "mudot";
  petsc_arguments[count++] = "-skip_petscrc";
  for (int i = 1; i < argc; ++i) petsc_arguments[count++] = argv[i];
  char **borrowed = petsc_arguments;
  code = MuPagesUse();
  if (code) return code;
  return PetscInitialize(&count, &borrowed, NULL, help);
}

PetscErrorCode MuInitialize(int *argc, char ***argv, const char *help) {
  H5dont_atexit(); /* files are closed before; there it crashes over one that cannot be read */
  PetscErrorCode code = start_petsc(argc && argv ? *argc : 0, argv ? *argv : NULL, help);
  if (code) return code;
  PetscCall(PetscPushErrorHandler(error_handler, NULL));
  PetscCall(MuEventsRegister());
  flush_subnormal_numbers();
  keep_arrays_apart();
  return 0;
}

PetscErrorCode MuFinalize(void) {
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscFinalize());
  free(petsc_arguments);
  petsc_arguments = NULL;
  return 0;
}
