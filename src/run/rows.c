/* Rows of a ledger with diagnostics, and what a run's file says of its flow. */
#include "run/rows.h"

#include "facts/facts.h"
#include "problem/problem.h"
#include "record/checkpoint.h"

/* The ledger's columns, then one per diagnostic, named after it. */
static PetscErrorCode create_columns(MuRunRows *r) {
  const MuProblemParts *p = r->parts;
  const char *name, *formula;
  PetscInt count;
  MuColumns own;

  PetscFunctionBegin;
  PetscCall(MuLedgerGetColumns(r->ledger, &own));
  PetscCall(MuColumnsCreate(own, &r->columns));
  for (PetscInt k = 0; k < p->diagnostics; ++k) {
    PetscCall(MuDiagnosticCreate(p->grid, p->diagnostic_names[k], p->log_target,
                                 p->diagnostics_kernel, &r->diagnostic[k]));
    for (PetscInt i = 0;; ++i) {
      PetscCall(MuDiagnosticGetTableRow(i, &name, &formula));
      if (!name || name == p->diagnostic_names[k]) break;
    }
    PetscCall(MuColumnsAdd(r->columns, MU_COLUMN_DIAGNOSTIC, p->diagnostic_names[k], formula));
  }
  PetscCall(MuColumnsGet(r->columns, &count, NULL));
  PetscCall(PetscMalloc1(count, &r->row));
  PetscFunctionReturn(0);
}

/* Walls of a box keep the inequality of a Gaussian; obstacles and periodic axes do not. */
static PetscErrorCode find_log_sobolev(MuRunRows *r, MuCase c) {
  const MuGridInfo *info;

  PetscFunctionBegin;
  PetscCall(MuGridGetInfo(r->parts->grid, &info));
  PetscCall(MuCaseGetLogSobolev(c, info->dim, &r->log_sobolev));
  if (info->masked || info->periodic[0] || (info->dim == 2 && info->periodic[1]))
    r->log_sobolev = NAN;
  PetscFunctionReturn(0);
}

/* "every step", "output", or a number of steps, with or without the word. */
static PetscErrorCode read_thinning(MuRunRows *r, MuCase c) {
  const char *text = "every step";
  PetscBool given;
  char *rest;

  PetscFunctionBegin;
  r->every = 1;
  PetscCall(MuCaseGetString(c, "output_ledger", &text, &given));
  if (!given || !strcmp(text, "every step") || !strcmp(text, "step")) PetscFunctionReturn(0);
  const long number = strtol(text, &rest, 10);
  if (!strcmp(text, "output"))
    r->every = 0;
  else if (rest != text && number >= 1 && number <= 1000000000 &&
           (!*rest || !strcmp(rest, " steps")))
    r->every = (PetscInt)number;
  else
    return MuError(MU_ERR_INPUT,
                   "output_ledger: \"%s\" is not allowed; it is \"every step\", a number of "
                   "steps (\"10 steps\"), or \"output\"",
                   text);
  PetscFunctionReturn(0);
}

/* What the case says of the convexity of F, else what is known of the pair. */
static PetscErrorCode set_convexity(MuRunRows *r, MuCase c) {
  const MuGeometrySpec *geometry;
  const MuEnergySpec *energy;
  MuSystem system;
  PetscReal lambda;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(r->parts->geometry, &geometry));
  PetscCall(MuEnergyGetSpec(r->parts->energy, &energy));
  PetscCall(MuSystemRead(geometry, energy, &system));
  lambda = MuFactsConvexity(&system, r->log_sobolev);
  PetscCall(MuCaseGetReal(c, "output_convexity", &lambda, &given));
  if (!isnan(lambda)) PetscCall(MuLedgerSetConvexity(r->ledger, lambda));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsCreate(MuCase c, const MuProblemParts *parts, MuFlow flow, MuRunRows *r) {
  PetscFunctionBegin;
  r->parts = parts;
  r->flow = flow;
  PetscCall(find_log_sobolev(r, c));
  PetscCall(read_thinning(r, c));
  PetscCall(MuLedgerCreate(flow, &r->ledger));
  PetscCall(set_convexity(r, c));
  if (r->every != 1) PetscCall(MuGridCreateField(parts->grid, &r->state));
  PetscCall(create_columns(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsDestroy(MuRunRows *r) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuDiagnosticDestroy(&r->diagnostic[k]));
  PetscCall(MuLedgerDestroy(&r->ledger));
  PetscCall(VecDestroy(&r->state));
  PetscCall(MuColumnsDestroy(&r->columns));
  PetscCall(PetscFree(r->row));
  PetscFunctionReturn(0);
}

static PetscErrorCode add_diagnostics(MuRunRows *r, Vec rho, PetscReal row[]) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < r->parts->diagnostics; ++k)
    PetscCall(MuDiagnosticEvaluate(r->diagnostic[k], rho,
                                   row + MuColumnsFind(r->columns, MU_COLUMN_DIAGNOSTIC, k)));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsStart(MuRunRows *r, PetscReal row[]) {
  Vec rho;

  PetscFunctionBegin;
  PetscCall(MuLedgerStart(r->ledger, row));
  PetscCall(MuFlowGetState(r->flow, &r->since, &rho));
  if (r->state) PetscCall(VecCopy(rho, r->state));
  r->steps = 0;
  PetscCall(add_diagnostics(r, rho, row));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsStep(MuRunRows *r, PetscReal time, PetscReal dt, PetscBool at_output,
                             Vec before, Vec after, PetscBool *row) {
  PetscFunctionBegin;
  *row = (PetscBool)(++r->steps == r->every || at_output || !r->state);
  if (!*row) PetscFunctionReturn(0);
  if (r->state)
    PetscCall(MuLedgerStep(r->ledger, time, time - r->since, r->state, after, r->row));
  else
    PetscCall(MuLedgerStep(r->ledger, time, dt, before, after, r->row));
  PetscCall(add_diagnostics(r, after, r->row));
  if (r->state) PetscCall(VecCopy(after, r->state));
  r->since = time;
  r->steps = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsSave(const MuRunRows *r, MuCheckpoint checkpoint) {
  const PetscReal numbers[2] = {r->since, (PetscReal)r->steps};

  PetscFunctionBegin;
  PetscCall(MuLedgerSave(r->ledger, checkpoint));
  if (!r->state) PetscFunctionReturn(0);
  PetscCall(MuCheckpointPutNumbers(checkpoint, "thinned", 2, numbers));
  PetscCall(MuCheckpointPutField(checkpoint, r->parts->grid, "last_row_state", r->state));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsLoad(MuRunRows *r, MuCheckpoint checkpoint) {
  PetscReal numbers[2];

  PetscFunctionBegin;
  PetscCall(MuLedgerLoad(r->ledger, checkpoint));
  if (!r->state) PetscFunctionReturn(0);
  PetscCall(MuCheckpointGetNumbers(checkpoint, "thinned", 2, numbers));
  PetscCall(MuCheckpointGetField(checkpoint, r->parts->grid, "last_row_state", r->state));
  r->since = numbers[0];
  r->steps = (PetscInt)numbers[1];
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunSetNumber(MuRunWriter writer, const char *name, PetscReal value) {
  char text[32];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, sizeof text, "%.17g", value));
  PetscCall(MuRunWriterSetAttribute(writer, "/", name, text));
  PetscFunctionReturn(0);
}

/* What is known of the decay of F: a sentence, and c where F(t) <= e^(-ct) F(0) is proved; "" and
   nan otherwise. */
static PetscErrorCode describe_decay(const MuRunRows *r, MuRunWriter writer) {
  const MuGeometrySpec *geometry;
  const MuEnergySpec *energy;
  MuSystem system;
  MuDecay decay;
  char sentence[512];

  PetscFunctionBegin;
  PetscCall(MuGeometryGetSpec(r->parts->geometry, &geometry));
  PetscCall(MuEnergyGetSpec(r->parts->energy, &energy));
  PetscCall(MuSystemRead(geometry, energy, &system));
  PetscCall(
      MuSystemCompareMasses(&system, r->parts->grid, r->parts->log_target, r->parts->initial));
  MuFactsDecay(&system, MU_THEOREM_AUTO, &decay);
  snprintf(sentence, sizeof sentence, "%s", decay.sentence);
  if (decay.factor > 0 && !isnan(r->log_sobolev)) {
    decay.rate = decay.factor * r->log_sobolev;
    snprintf(sentence, sizeof sentence, "%s; here c = %.6g", decay.sentence, r->log_sobolev);
  }
  PetscCall(MuRunWriterSetAttribute(writer, "/", "theorem", sentence));
  PetscCall(MuRunSetNumber(writer, "theorem_rate", decay.bound ? decay.rate : NAN));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsDescribe(const MuRunRows *r, MuRunWriter writer) {
  const char *why, *sentence;
  MuPrimalMethod method;

  PetscFunctionBegin;
  PetscCall(MuFlowGetScheme(r->flow, NULL, NULL, &why));
  PetscCall(MuRunWriterSetAttribute(writer, "/", "scheme", why));
  PetscCall(MuGeometryGetPrimalMethod(r->parts->geometry, &method, &sentence));
  PetscCall(MuRunWriterSetAttribute(writer, "/ledger/dissipation_primal", "method", sentence));
  PetscCall(describe_decay(r, writer));
  PetscFunctionReturn(0);
}
