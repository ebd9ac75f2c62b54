/* What the parts of a report share. */
#include "report/report.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

static PetscErrorCode write_attribute(void *ctx, const char *name, const char *text,
                                      PetscReal number) {
  if (text)
    MuJsonText(ctx, name, text);
  else
    MuJsonNumber(ctx, name, number);
  return 0;
}

PetscErrorCode MuReportAttributes(MuJson *j, const MuStored *s, const char *object) {
  PetscFunctionBegin;
  MuJsonBegin(j, "attributes", '{');
  PetscCall(MuStoredEachAttribute(s, object, write_attribute, j));
  MuJsonEnd(j, '}');
  PetscFunctionReturn(0);
}

PetscErrorCode MuReportAge(MuJson *j, const char *path) {
  struct stat status;

  if (stat(path, &status) != 0)
    return MuError(MU_ERR_FILE, "%s: cannot be read: %s", path, strerror(errno));
  MuJsonNumber(j, "written", difftime(time(NULL), status.st_mtime));
  return 0;
}

PetscInt MuReportEvery(PetscInt n, PetscInt most) {
  PetscInt every = 1;
  while (MuReportCount(n, every) > PetscMax(most, 2)) ++every;
  return every;
}

PetscInt MuReportCount(PetscInt n, PetscInt every) {
  return n <= 1 ? n : (n - 2) / every + 2;
}

PetscInt MuReportIndex(PetscInt i, PetscInt n, PetscInt every) {
  return PetscMin(i * every, n - 1);
}
