/* Rows of a ledger with diagnostics, and what a run's file says of its flow. */
#include "run/rows.h"

#include "facts/facts.h"
#include "problem/problem.h"

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

PetscErrorCode MuRunRowsCreate(MuCase c, const MuProblemParts *parts, MuFlow flow, MuRunRows *r) {
  PetscFunctionBegin;
  r->parts = parts;
  r->flow = flow;
  PetscCall(find_log_sobolev(r, c));
  PetscCall(MuLedgerCreate(flow, &r->ledger));
  PetscCall(create_columns(r));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsDestroy(MuRunRows *r) {
  PetscFunctionBegin;
  for (PetscInt k = 0; k < MU_MAX_TERMS; ++k) PetscCall(MuDiagnosticDestroy(&r->diagnostic[k]));
  PetscCall(MuLedgerDestroy(&r->ledger));
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
  PetscCall(MuFlowGetState(r->flow, NULL, &rho));
  PetscCall(add_diagnostics(r, rho, row));
  PetscFunctionReturn(0);
}

PetscErrorCode MuRunRowsStep(MuRunRows *r, PetscReal time, PetscReal dt, Vec before, Vec after) {
  PetscFunctionBegin;
  PetscCall(MuLedgerStep(r->ledger, time, dt, before, after, r->row));
  PetscCall(add_diagnostics(r, after, r->row));
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
