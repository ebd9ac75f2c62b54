/* What the benchmark programs share: interleaved timing and the report line of bench.csv (name,
   ratio, bound, holds). A ratio is taken between medians of runs that alternate, so that a machine
   whose speed drifts does not change it. */
#ifndef MUDOT_BENCH_H
#define MUDOT_BENCH_H

#include "mudot.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef PetscErrorCode (*BenchRun)(void *ctx);

static int bench_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static inline double bench_median(int n, double *t) {
  qsort(t, (size_t)n, sizeof *t, bench_compare);
  return n % 2 ? t[n / 2] : 0.5 * (t[n / 2 - 1] + t[n / 2]);
}

/* Runs a, b, a, b, ... after one warm-up of each; medians in seconds. repeats <= 64. */
static inline PetscErrorCode BenchPair(BenchRun a, void *ctx_a, BenchRun b, void *ctx_b,
                                       int repeats, double *time_a, double *time_b) {
  double ta[64], tb[64], start;
  PetscCall(a(ctx_a));
  PetscCall(b(ctx_b));
  for (int k = 0; k < repeats; ++k) {
    start = MPI_Wtime();
    PetscCall(a(ctx_a));
    ta[k] = MPI_Wtime() - start;
    start = MPI_Wtime();
    PetscCall(b(ctx_b));
    tb[k] = MPI_Wtime() - start;
  }
  *time_a = bench_median(repeats, ta);
  *time_b = bench_median(repeats, tb);
  return 0;
}

/* Prints a line and appends it to the file of -bench_csv. The bound is on the ratio: it holds if
 * ratio <= bound. */
static inline PetscErrorCode BenchReport(const char *name, double ratio, double bound,
                                         double seconds) {
  char file[PETSC_MAX_PATH_LEN] = "";
  PetscBool given;
  const char *holds = ratio <= bound ? "yes" : "no";
  PetscCall(PetscOptionsGetString(NULL, NULL, "-bench_csv", file, sizeof file, &given));
  printf("%-58s ratio %8.4f  bound %8.4f  holds %-3s  (%.4g s)\n", name, ratio, bound, holds,
         seconds);
  fflush(stdout);
  if (given) {
    const PetscBool fresh = (PetscBool)(access(file, F_OK) != 0);
    FILE *f = fopen(file, "a");
    if (!f) return MuError(MU_ERR_FILE, "%s: cannot be written", file);
    if (fresh) fprintf(f, "name,ratio,bound,holds\n");
    fprintf(f, "\"%s\",%.5g,%.5g,%s\n", name, ratio, bound, holds);
    fclose(f);
  }
  return 0;
}

#endif
