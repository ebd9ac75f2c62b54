/* The ledger of a flow with the diagnostics of its case beside it. Private to run/. */
#ifndef MUDOT_RUN_ROWS_H
#define MUDOT_RUN_ROWS_H

#include "mudot/problem.h"
#include "record/run_writer.h"

typedef struct {
  const MuProblemParts *parts; /* borrowed */
  MuFlow flow;                 /* borrowed */
  MuLedger ledger;
  MuDiagnostic diagnostic[MU_MAX_TERMS];
  MuColumns columns;     /* the ledger's, then one per diagnostic */
  PetscReal log_sobolev; /* constant of the target, NaN: not known */
  PetscReal *row;        /* the last one, a number per column */
  /* thinned rows: one for so many steps, 0: for those at output times; each is over all the steps
     since the one before */
  PetscInt every, steps; /* steps: since then */
  PetscReal since;       /* time of the last row */
  Vec state;             /* at that time; NULL: there is a row for each step */
} MuRunRows;

/* Of a flow that is at t = 0. Zeros are what Destroy() leaves and allows. Collective. */
PetscErrorCode MuRunRowsCreate(MuCase c, const MuProblemParts *parts, MuFlow flow, MuRunRows *rows);
PetscErrorCode MuRunRowsDestroy(MuRunRows *rows);
/* The row of t = 0 (row may be rows->row), and that of a step into rows->row; *row: whether it has
   one, at_output: it ended at an output time or the end. Collective. */
PetscErrorCode MuRunRowsStart(MuRunRows *rows, PetscReal row[]);
PetscErrorCode MuRunRowsStep(MuRunRows *rows, PetscReal time, PetscReal dt, PetscBool at_output,
                             Vec before, Vec after, PetscBool *row);
/* With the flow's checkpoint; Load stands in for Start. Collective. */
PetscErrorCode MuRunRowsSave(const MuRunRows *rows, MuCheckpoint checkpoint);
PetscErrorCode MuRunRowsLoad(MuRunRows *rows, MuCheckpoint checkpoint);
/* Puts into a new run's file what is known before the first step: scheme, how R is found, what is
   proved of the decay. Collective. */
PetscErrorCode MuRunRowsDescribe(const MuRunRows *rows, MuRunWriter writer);
/* A number as a text attribute of the root. Collective. */
PetscErrorCode MuRunSetNumber(MuRunWriter writer, const char *name, PetscReal value);

#endif
