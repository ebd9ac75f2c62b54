/* One line on the terminal that tells how far a run is, and warnings that do not run into it. */
#include "record/progress.h"
#include "mudot.h"
#include "output/terminal.h"

#include <unistd.h>

#define SECONDS_BETWEEN 0.2

struct _p_MuProgress {
  PetscBool shown; /* stderr of rank 0 is a terminal */
  PetscReal start_time, end_time;
  double started, last;
};

static PetscBool line_open; /* the terminal's last line is a progress line */

PetscErrorCode MuProgressCreate(MPI_Comm comm, PetscReal start_time, PetscReal end_time,
                                MuProgress *progress) {
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(progress));
  **progress = (struct _p_MuProgress){.shown = (PetscBool)(rank == 0 && isatty(STDERR_FILENO)),
                                      .start_time = start_time,
                                      .end_time = end_time,
                                      .started = MPI_Wtime()};
  PetscFunctionReturn(0);
}

static void clear_line(void) {
  if (line_open) fprintf(stderr, "\r\033[K");
  line_open = PETSC_FALSE;
}

PetscErrorCode MuProgressUpdate(MuProgress p, PetscReal t, PetscInt step, PetscReal energy) {
  if (!p->shown) return 0;
  const double now = MPI_Wtime();
  if (now - p->last < SECONDS_BETWEEN) return 0;
  p->last = now;
  fprintf(stderr, "\r\033[Kt = %.4g of %.4g, step %d, energy %.6g", t, p->end_time, (int)step,
          energy);
  if (t > p->start_time)
    fprintf(stderr, ", %.0f s left", (now - p->started) * (p->end_time - t) / (t - p->start_time));
  fflush(stderr);
  line_open = PETSC_TRUE;
  return 0;
}

PetscErrorCode MuProgressText(MuProgress p, const char *text) {
  if (!p->shown) return 0;
  fprintf(stderr, "\r\033[K%s", text);
  fflush(stderr);
  line_open = PETSC_TRUE;
  return 0;
}

PetscErrorCode MuProgressDestroy(MuProgress *progress) {
  PetscFunctionBegin;
  if (*progress && (*progress)->shown) {
    clear_line();
    fflush(stderr);
  }
  PetscCall(PetscFree(*progress));
  PetscFunctionReturn(0);
}

/* Whether a sentence was told before; the first 64 are remembered. */
static PetscBool is_repeated(const char *sentence) {
  static char *told[64];
  size_t n = 0;
  for (; n < sizeof told / sizeof *told && told[n]; ++n)
    if (strcmp(told[n], sentence) == 0) return PETSC_TRUE;
  if (n < sizeof told / sizeof *told) told[n] = strdup(sentence);
  return PETSC_FALSE;
}

PetscErrorCode MuWarn(MPI_Comm comm, const char *format, ...) {
  char sentence[MU_SENTENCE];
  va_list arguments;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank) PetscFunctionReturn(0);
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  if (is_repeated(sentence)) PetscFunctionReturn(0);
  clear_line();
  fprintf(stderr, "%smudot: warning:%s %s\n", MuStyleText(stderr, MU_STYLE_DOUBT),
          MuStyleText(stderr, MU_STYLE_PLAIN), sentence);
  PetscFunctionReturn(0);
}
