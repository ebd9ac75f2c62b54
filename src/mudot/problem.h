/* From a case to everything that it describes, and to its run. */
#ifndef MUDOT_PROBLEM_H
#define MUDOT_PROBLEM_H

#include "mudot/case.h"
#include "mudot/flow.h"

/* Everything that a case describes, built: what `mudot run` solves. */
typedef struct _p_MuProblem *MuProblem;

typedef struct {
  MuGrid grid;
  Vec log_target; /* log pi, of the target's mass on the grid; NULL if the case has no target */
  Vec initial;    /* density, of the initial mass */
  MuEnergy energy;
  MuGeometry geometry;
  MuKernel energy_kernel, geometry_kernel, diagnostics_kernel; /* NULL where none is given */
  MuFlowSpec flow;
  PetscInt snapshots; /* output times, ascending */
  PetscReal *snapshot_times;
  PetscInt diagnostics;
  const char *diagnostic_names[MU_MAX_TERMS]; /* names of the diagnostics' table */
} MuProblemParts;

/* Builds the problem of a case. Collective. MU_ERR_INPUT, MU_ERR_FILE: one sentence with the key,
 * the value and what is allowed. */
PetscErrorCode MuProblemCreate(MuCase c, MuProblem *problem);
PetscErrorCode MuProblemDestroy(MuProblem *problem);
/* The parts, owned by the problem. */
PetscErrorCode MuProblemGetParts(MuProblem problem, const MuProblemParts **parts);

/* Solves the case and writes its output directory; prints a summary on standard output. Collective.
   MU_ERR_INPUT, MU_ERR_FILE; MU_ERR_NUMERICS: the last good state is the last snapshot of run.h5,
   which the sentence names. */
PetscErrorCode MuRunCase(MuCase c);

typedef struct {
  PetscBool restart; /* goes on from the newest good checkpoint of the output directory, else from
                        t = 0; says from where */
  const char
      *program; /* how the program was started, as a shell reads it, for the command that goes
                   on with an interrupted run; NULL: as in the command line of the case */
} MuRunSpec;

/* The same with a spec (NULL: the above). *interrupted: the run was stopped before its end by
   SIGTERM, SIGINT or SIGHUP or by time_wall_limit; its checkpoint is written and the command to go
   on printed. SIGUSR1 has a checkpoint written. The signals have their former meaning again
   afterwards. MU_ERR_INPUT with restart: the directory holds another case. */
PetscErrorCode MuRunSolve(MuCase c, const MuRunSpec *spec, PetscBool *interrupted);
PetscErrorCode MuRunSolveParticles(MuCase c, const MuRunSpec *spec, PetscBool *interrupted);

#endif
