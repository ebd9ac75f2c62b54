/* The multigrid in single precision. */
#define Number        float
#define MPI_NUMBER    MPI_FLOAT
#define MULTIGRID_OPS MuMultigridSingle
#include "linear/multigrid_body.h"
