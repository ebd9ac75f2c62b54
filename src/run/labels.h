/* What the axes of a run's files are called. Private to run/. */
#ifndef MUDOT_LABELS_H
#define MUDOT_LABELS_H

#include "mudot/case.h"
#include "record/run_writer.h"

typedef struct {
  char name[2][128], unit[2][64]; /* "" where the case says nothing */
} MuLabels;

/* grid_labels; "position (mm)" is the name position and the unit mm. */
PetscErrorCode MuLabelsRead(MuCase c, MuLabels *labels);
/* long_name and units of /grid/x and /grid/y. Collective. */
PetscErrorCode MuLabelsWrite(const MuLabels *labels, MuRunWriter writer);

#endif
