/* The multigrid in double precision. */
#define Number        double
#define MPI_NUMBER    MPI_DOUBLE
#define MULTIGRID_OPS MuMultigridDouble
#include "linear/multigrid_body.h"
