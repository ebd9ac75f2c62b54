/* A run of a study that is kept: the directory that mudot run would have made of its case. */
#include "run/rows.h"
#include "study/study_impl.h"

static PetscErrorCode describe(const MuTrial *t) {
  const MuRunRows rows = {.parts = t->parts,
                          .flow = t->flow,
                          .ledger = t->ledger,
                          .columns = t->columns,
                          .log_sobolev = NAN};

  PetscFunctionBegin;
  if (t->parts->log_target) PetscCall(MuRunWriterSetTarget(t->writer, t->parts->log_target));
  PetscCall(MuRunRowsDescribe(&rows, t->writer));
  PetscFunctionReturn(0);
}

PetscErrorCode MuStudyKeepRun(MuStudy s, MuTrial *t, const char *name) {
  char path[PETSC_MAX_PATH_LEN];
  MuRunWriterSpec spec = {.directory = path, .overwrite = PETSC_TRUE, .columns = t->columns};
  const char *directory;

  PetscFunctionBegin;
  PetscCall(MuCaseGetString(s->file, "output_directory", &directory, NULL));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", directory, name));
  PetscCall(MuCaseGetCommandLine(s->file, &spec.command_line));
  PetscCall(MuCaseGetEffective(t->c, &spec.case_text));
  PetscCall(MuRunWriterCreate(t->parts->grid, &spec, &t->writer));
  const PetscErrorCode code = describe(t);
  if (code) PetscCall(MuRunWriterDestroy(&t->writer));
  PetscFunctionReturn(code);
}

PetscErrorCode MuStudyKeptRun(MuTrial *t, PetscErrorCode code) {
  PetscFunctionBegin;
  if (t->writer && !code) code = MuRunWriterFinish(t->writer, "done");
  PetscCall(MuRunWriterDestroy(&t->writer));
  PetscFunctionReturn(code);
}
