/* Private to energy/: what the energies of a smoothed density q = k*rho share. */
#ifndef MUDOT_ENERGY_SMOOTHED_H
#define MUDOT_ENERGY_SMOOTHED_H

#include "energy/energy_impl.h"

/* MU_ERR_INPUT: the term's kernel is positive on measures of mass zero only. Not collective. */
PetscErrorCode MuSmoothedCheckKernel(const MuTerm *term);

#endif
