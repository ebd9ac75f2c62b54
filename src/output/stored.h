/* Going through stored results whose parts may be there or not. Private to output/. */
#ifndef MUDOT_STORED_H
#define MUDOT_STORED_H

#include "base/hdf5.h"

typedef struct {
  const char *path; /* borrowed */
  hid_t file;       /* of MuHdf5Open() */
} MuStored;

/* Dimensions, at most 3, and extents of a dataset of numbers that stands in this file; *dims = -1
   if there is none. */
PetscErrorCode MuStoredShape(const MuStored *s, const char *name, PetscInt *dims,
                             PetscInt extent[3]);
/* A dataset of one dimension, freed by the caller with PetscFree(); *values = NULL and *n = 0 if
   there is none. MU_ERR_FILE: it cannot be read. */
PetscErrorCode MuStoredSeries(const MuStored *s, const char *name, PetscInt *n, PetscReal **values);

/* Visits the datasets of a group in alphabetical order; none if there is no such group. */
typedef PetscErrorCode (*MuStoredVisit)(void *ctx, const char *name);
PetscErrorCode MuStoredEachDataset(const MuStored *s, const char *group, MuStoredVisit visit,
                                   void *ctx);
/* Visits the attributes of an object that are one text (text != NULL) or one number. */
typedef PetscErrorCode (*MuStoredAttributeVisit)(void *ctx, const char *name, const char *text,
                                                 PetscReal number);
PetscErrorCode MuStoredEachAttribute(const MuStored *s, const char *object,
                                     MuStoredAttributeVisit visit, void *ctx);

#endif
