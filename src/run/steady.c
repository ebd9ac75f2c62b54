/* Whether a flow has come to rest: differences of the step, which cost one pass over the density.
 */
#include "run/steady.h"

#define ROUNDING 1e-13 /* of the mass: a change up to time_end that is none */

enum { ENERGY, DENSITY, RATES };

struct _p_MuSteady {
  MuFlow flow;
  MuGrid grid;
  PetscReal share, end; /* share 0: it is not asked for */
  PetscReal energy;     /* of the last state */
  PetscReal first[RATES], last[RATES];
  PetscBool known; /* the first rates */
  PetscReal time;
};

PetscErrorCode MuSteadyCreate(MuCase c, MuFlow flow, MuSteady *steady) {
  MuSteady s;
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscNew(steady));
  s = *steady;
  s->flow = flow;
  s->time = NAN;
  PetscCall(MuFlowGetParts(flow, &s->grid, NULL, NULL));
  PetscCall(MuFlowGetEnergy(flow, &s->energy, NULL));
  PetscCall(MuCaseGetReal(c, "time_end", &s->end, NULL));
  PetscCall(MuCaseGetReal(c, "time_steady", &s->share, &given));
  if (s->share >= 1)
    return MuError(
        MU_ERR_INPUT,
        "time_steady: %g is not allowed; it is a part of the first rates of change, below "
        "1",
        s->share);
  PetscFunctionReturn(0);
}

PetscErrorCode MuSteadyDestroy(MuSteady *steady) {
  return PetscFree(*steady);
}

static PetscErrorCode find_rates(MuSteady s, PetscReal dt, Vec before, Vec after) {
  PetscReal energy, distance;

  PetscFunctionBegin;
  PetscCall(MuFlowGetEnergy(s->flow, &energy, NULL));
  PetscCall(MuGridDistanceL1(s->grid, before, after, &distance));
  s->last[ENERGY] = PetscAbsReal(energy - s->energy) / dt;
  s->last[DENSITY] = distance / dt;
  s->energy = energy;
  PetscFunctionReturn(0);
}

PetscErrorCode MuSteadyStep(MuSteady s, PetscReal time, PetscReal dt, Vec before, Vec after) {
  PetscReal mass;

  PetscFunctionBegin;
  if (s->known && s->share == 0) PetscFunctionReturn(0);
  PetscCall(find_rates(s, dt, before, after));
  if (!s->known) PetscCall(PetscArraycpy(s->first, s->last, RATES));
  s->known = PETSC_TRUE;
  if (s->share == 0) PetscFunctionReturn(0);
  PetscCall(MuGridIntegrate(s->grid, after, &mass));
  const PetscBool slow = (PetscBool)(s->last[ENERGY] <= s->share * s->first[ENERGY] &&
                                     s->last[DENSITY] <= s->share * s->first[DENSITY]);
  if (slow || s->last[DENSITY] * s->end <= ROUNDING * mass) s->time = time;
  PetscFunctionReturn(0);
}

PetscErrorCode MuSteadyGet(MuSteady s, PetscReal *time, PetscBool *asked) {
  *time = s->time;
  *asked = (PetscBool)(s->share > 0);
  return 0;
}

static PetscReal relative(const struct _p_MuSteady *s, int k) {
  return s->first[k] > 0 ? s->last[k] / s->first[k] : s->last[k] > 0 ? PETSC_INFINITY : 0;
}

PetscErrorCode MuSteadyDescribe(MuSteady s, size_t size, char sentence[]) {
  const PetscReal energy = relative(s, ENERGY), density = relative(s, DENSITY);
  const PetscBool there = (PetscBool)!PetscIsNanReal(s->time);

  PetscFunctionBegin;
  sentence[0] = 0;
  if (there && !(energy <= s->share && density <= s->share))
    PetscCall(PetscSNPrintf(sentence, size,
                            "at t = %.6g, where the run ends: what changes is rounding", s->time));
  else if (there)
    PetscCall(
        PetscSNPrintf(sentence, size,
                      "at t = %.6g, where the run ends: the energy changes at %.3g of its first "
                      "rate, the density at %.3g",
                      s->time, energy, density));
  else if (s->share > 0)
    PetscCall(PetscSNPrintf(sentence, size,
                            "not yet: the energy changes at %.3g of its first rate, the density at "
                            "%.3g",
                            energy, density));
  PetscFunctionReturn(0);
}

PetscErrorCode MuSteadySave(MuSteady s, MuCheckpoint checkpoint) {
  const PetscReal numbers[] = {(PetscReal)s->known, s->first[ENERGY], s->first[DENSITY], s->time};
  return MuCheckpointPutNumbers(checkpoint, "steady", sizeof numbers / sizeof *numbers, numbers);
}

PetscErrorCode MuSteadyLoad(MuSteady s, MuCheckpoint checkpoint) {
  PetscReal numbers[4];

  PetscFunctionBegin;
  PetscCall(MuFlowGetEnergy(s->flow, &s->energy, NULL));
  if (MuCheckpointGetNumbers(checkpoint, "steady", 4, numbers)) PetscFunctionReturn(0);
  s->known = (PetscBool)(numbers[0] != 0);
  s->first[ENERGY] = numbers[1];
  s->first[DENSITY] = numbers[2];
  s->time = s->share > 0 ? numbers[3] : NAN;
  PetscFunctionReturn(0);
}
