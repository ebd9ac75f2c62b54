/* What the fuzz targets share. A target is a function of bytes that libFuzzer calls: it may refuse
   them with one sentence, but not crash, leak, hang or fail in another way. */
#ifndef MUDOT_TESTS_FUZZ_H
#define MUDOT_TESTS_FUZZ_H

#include "mudot.h"

#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static char name[] = "fuzz", option[] = "-no_signal_handler"; /* those of the sanitizers */
  char *own[] = {name, option, NULL}, **arguments = own;
  int count = 2;
  (void)argc, (void)argv;
  __lsan_disable(); /* MPI loads and unloads libraries, which forget their memory */
  int failed = MuInitialize(&count, &arguments, NULL) != 0;
  __lsan_enable();
  return failed;
}

/* A violated promise: libFuzzer keeps the input. */
static inline void FuzzFail(const char *what) {
  fprintf(stderr, "fuzz: %s: %s\n", what, MuErrorMessage());
  abort();
}

/* Whether the call was refused, which is allowed with a code and a sentence of the user's. */
static inline PetscBool FuzzRefused(PetscErrorCode code) {
  if (!code) return PETSC_FALSE;
  if (code != MU_ERR_INPUT && code != MU_ERR_FILE && code != MU_ERR_NUMERICS)
    FuzzFail("not a user's mistake");
  if (!MuErrorMessage()[0] || strpbrk(MuErrorMessage(), "\n\033")) FuzzFail("not a plain sentence");
  return PETSC_TRUE;
}

/* The bytes as a file in memory; one file, overwritten by the next call. */
static inline const char *FuzzFile(const uint8_t *data, size_t size) {
  static char path[64];
  snprintf(path, sizeof path, "/dev/shm/mudot-fuzz-%d", (int)getpid());
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) FuzzFail("/dev/shm");
  return path;
}

/* Reads every cloud of a file of particles in the plane. */
static inline void FuzzCloud(const char *path) {
  const PetscReal *time, *position, *weight;
  PetscReal mass, sum;
  PetscInt times, n;
  PetscBool timed;
  MuCloudReader cloud;
  if (FuzzRefused(MuCloudReaderCreate(PETSC_COMM_SELF, path, 2, 0, &cloud))) return;
  if (MuCloudReaderGetTimes(cloud, &times, &time, &timed)) FuzzFail("MuCloudReaderGetTimes");
  for (PetscInt k = 0; k < times; ++k) {
    if (FuzzRefused(MuCloudReaderGet(cloud, k, &n, &position, &weight, &mass))) continue;
    sum = 0;
    for (PetscInt i = 0; i < n; ++i) sum += weight[i];
    if (!(sum > 0.999 && sum < 1.001)) FuzzFail("weights whose sum is not 1");
    for (PetscInt i = 0; i < 2 * n; ++i)
      if (PetscIsInfOrNanReal(position[i])) FuzzFail("a position that is not finite");
  }
  if (MuCloudReaderDestroy(&cloud)) FuzzFail("MuCloudReaderDestroy");
}

#endif
