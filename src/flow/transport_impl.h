/* Private to flow/: what a linear transport solver is made of. */
#ifndef MUDOT_TRANSPORT_IMPL_H
#define MUDOT_TRANSPORT_IMPL_H

#include "flow/transport.h"
#include "linear/face_matrix.h"
#include "mudot.h"

typedef struct {
  const char *name;     /* as in the key time_transport_solver */
  const char *formula;  /* one line for a reader */
  PetscBool reversible; /* whether t->log_pi is read; default no */
  /* REQUIRED. Allocates t->data, with everything that SetUp and Solve need. */
  PetscErrorCode (*create)(MuTransport t);
  /* REQUIRED. Factors for t->dt and the coefficients. */
  PetscErrorCode (*set_up)(MuTransport t);
  /* REQUIRED. rho0 and rho1 may be the same. Sets t->iterations. */
  PetscErrorCode (*solve)(MuTransport t, PetscBool reversed, Vec rho0, Vec rho1);
  /* REQUIRED. Frees t->data; accepts a half-made object. */
  PetscErrorCode (*destroy)(MuTransport t);
} MuTransportOps;

extern const MuTransportOps MuTransportSplit, MuTransportCoupled, MuTransportDirect;

struct _p_MuTransport {
  MuGrid grid;
  const MuGridInfo *info;
  const MuTransportOps *ops;
  void *data;
  Vec a[2], b[2];      /* face fields, 1/time */
  Vec log_pi;          /* NULL: not reversible */
  Vec minus_potential; /* log_pi when Scharfetter-Gummel coefficients were filled in */
  PetscReal *below;    /* [row_length] halo row */
  PetscReal dt, tolerance;
  PetscInt components, *label; /* of a domain in pieces; label NULL: one piece */
  PetscReal *sums;             /* [3 * components] */
  PetscInt iterations;
  PetscBool ready;   /* whether SetUp was called */
  PetscBool stalled; /* coupled: the iteration has stalled since SetUp, the factors serve */
};

/* Finds the components of the domain. Collective. */
PetscErrorCode MuTransportLabel(MuTransport t);

/* I + dt div J. */
MuFaceMatrix MuTransportMatrix(MuTransport t);

/* Another solver for the same coefficients (shared, not copied). Collective. */
PetscErrorCode MuTransportCreateCompanion(MuTransport t, const MuTransportOps *ops,
                                          MuTransport *companion);

/* Makes a solution x with right-hand side rhs non-negative and gives it the mass of rhs exactly, on
   every component of the domain: a change by at most the residual. Long steps make the matrix
   nearly singular, with a constant on each component, and without this mass would pass between
   them. Nothing is done if rhs is negative anywhere. Local arrays. Collective. */
PetscErrorCode MuTransportRepair(MuTransport t, const PetscReal *rhs, PetscReal *x);

/* The unsplit operator A = I + dt div J in plain arrays, for residuals. */
typedef struct _p_MuTransportOperator *MuTransportOperator;
PetscErrorCode MuTransportOperatorCreate(MuGrid grid, MuTransportOperator *op);
PetscErrorCode MuTransportOperatorDestroy(MuTransportOperator *op);
/* Takes dt and the coefficients of t, which must stay as they are while op is used. */
PetscErrorCode MuTransportOperatorSetUp(MuTransportOperator op, MuTransport t);
/* r = rhs - A x, or r = A x if rhs is NULL, on local arrays [rows][row_length]; sums[0] = sum |r_i|
   and sums[1] = sum |diagonal_i x_i| over all ranks (not yet times |C|) unless NULL. Collective. */
PetscErrorCode MuTransportOperatorResidual(MuTransportOperator op, const PetscReal *rhs,
                                           const PetscReal *x, PetscReal *r, PetscReal sums[2]);

#endif
