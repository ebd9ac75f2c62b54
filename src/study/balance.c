#include "study/study_impl.h"
static PetscErrorCode create(MuStudy s){ (void)s; return MuError(MU_ERR_INPUT,"todo"); }
static PetscErrorCode task(MuStudy s,PetscInt i,PetscReal*r,PetscReal*c){(void)s;(void)i;(void)r;(void)c;return 0;}
static PetscErrorCode judge(MuStudy s){(void)s;return 0;}
const MuStudyOps MuStudyBalance={.name="balance",.create=create,.task=task,.judge=judge,.destroy=judge};
