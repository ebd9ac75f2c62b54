/* Memory that all ranks of a grid read and write. */
#ifndef MUDOT_GRID_WINDOW_H
#define MUDOT_GRID_WINDOW_H

#include "mudot/grid.h"

/* An array in a window of shared memory, for what works along the slow axis of a 2-D grid: every
   rank writes its rows, all meet, every rank works on its columns where they lie, all meet. */
typedef struct _p_MuWindow *MuWindow;

/* `count` zeros, beginning with a cache line. *window = NULL, and a MuTranspose is to be taken, on
   one rank, where the ranks are not on one node, where the node has too little shared memory left,
   below 256 kB unless -mudot_share_memory is true, and if that is false. Collective. */
PetscErrorCode MuWindowCreate(MuGrid grid, size_t count, MuWindow *window);
/* Collective; for NULL too. */
PetscErrorCode MuWindowDestroy(MuWindow *window);
/* Not collective. */
PetscReal *MuWindowArray(MuWindow window);
/* Returns when all ranks have called it; what any of them wrote before, all see after. Collective.
 */
PetscErrorCode MuWindowMeet(MuWindow window);

#endif
