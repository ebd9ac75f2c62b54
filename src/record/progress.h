/* How far a run is. Private to record/ and the floors above. */
#ifndef MUDOT_PROGRESS_H
#define MUDOT_PROGRESS_H

#include <petscsys.h>

/* A line on stderr, rewritten at most five times a second, if that is a terminal: time, step,
   energy, remaining time. Otherwise nothing. Create is collective, Update is not. */
typedef struct _p_MuProgress *MuProgress;
PetscErrorCode MuProgressCreate(MPI_Comm comm, PetscReal start_time, PetscReal end_time,
                                MuProgress *progress);
PetscErrorCode MuProgressUpdate(MuProgress progress, PetscReal t, PetscInt step, PetscReal energy);
/* The line is this text instead. Not collective. */
PetscErrorCode MuProgressText(MuProgress progress, const char *text);
PetscErrorCode MuProgressDestroy(MuProgress *progress);

#endif
