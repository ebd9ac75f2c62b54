/* ledger.csv: a header and a line per row, on disk as soon as it is written. One process. Private
   to record/. */
#ifndef MUDOT_LEDGER_CSV_H
#define MUDOT_LEDGER_CSV_H

#include "output/run_file.h"

typedef struct {
  char path[PETSC_MAX_PATH_LEN];
  char *header; /* owned */
  PetscInt columns;
  FILE *file; /* NULL: not open */
} MuLedgerCsv;

/* Nothing is opened. */
PetscErrorCode MuLedgerCsvSetUp(MuLedgerCsv *csv, const MuRunFileSpec *spec);
/* A new file with its header, in place of what is there. MU_ERR_FILE, as everything below. */
PetscErrorCode MuLedgerCsvCreate(MuLedgerCsv *csv);
/* Goes on behind the first `rows` rows; the lines behind them stay until they are written again.
   Where the file holds fewer it is made anew from those of run.h5. */
PetscErrorCode MuLedgerCsvResume(MuLedgerCsv *csv, MuRunFile *run, PetscInt rows);
PetscErrorCode MuLedgerCsvAddRow(MuLedgerCsv *csv, const PetscReal *values);
/* Cuts off what lies behind the last row written. */
PetscErrorCode MuLedgerCsvCut(MuLedgerCsv *csv);
PetscErrorCode MuLedgerCsvClose(MuLedgerCsv *csv);

#endif
