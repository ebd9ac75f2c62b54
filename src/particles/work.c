/* Work space that grows. */
#include "particles/pairs_impl.h"

PetscErrorCode MuWorkResize(MuWork *work, size_t size) {
  PetscFunctionBegin;
  if (size <= work->size) PetscFunctionReturn(0);
  PetscCall(PetscFree(work->data));
  PetscCall(PetscMalloc1(size, &work->data));
  work->size = size;
  PetscFunctionReturn(0);
}

PetscErrorCode MuWorkDestroy(MuWork *work) {
  PetscFunctionBegin;
  PetscCall(PetscFree(work->data));
  work->size = 0;
  PetscFunctionReturn(0);
}
