/* The parts of a report. Private to report/. */
#ifndef MUDOT_REPORT_H
#define MUDOT_REPORT_H

#include "output/json.h"
#include "output/stored.h"

/* What a part may take of the page, which must stay small enough for a phone. */
typedef struct {
  PetscInt numbers; /* of densities or positions */
  PetscInt rows;    /* of a ledger */
} MuReportShare;

/* One kind of results: the file in a directory that holds it, and what writes it as one value of
   the page's data. */
typedef struct {
  const char *name, *file;
  PetscBool heavy; /* has densities or positions */
  PetscErrorCode (*write)(MuJson *j, const char *path, const MuReportShare *share);
} MuReportPart;

extern const MuReportPart mu_report_run, mu_report_study, mu_report_rows, mu_report_particles,
    mu_report_compare;

/* "attributes": texts and numbers of an object. */
PetscErrorCode MuReportAttributes(MuJson *j, const MuStored *s, const char *object);
/* "written": seconds since the file was last changed. */
PetscErrorCode MuReportAge(MuJson *j, const char *path);
/* "ledger": the columns of /ledger, thinned, each with its extremes over all rows, and the decay
   rate of the energy; nothing if there are no rows. */
PetscErrorCode MuReportLedger(MuJson *j, const MuStored *s, PetscInt rows);
/* "cloud": the particles of compare.h5; nothing if it has none. */
PetscErrorCode MuReportCloud(MuJson *j, const MuStored *s, const MuReportShare *share);
/* A whole text file of at most 16 MB; the caller frees it with PetscFree(). MU_ERR_FILE. */
PetscErrorCode MuReportReadText(const char *path, char **text);
/* "header" and "rows" of a CSV file. MU_ERR_FILE. */
PetscErrorCode MuReportCsv(MuJson *j, const char *path);
/* Every how many of n items are shown so that, with the last one, they are at most `most`. */
PetscInt MuReportEvery(PetscInt n, PetscInt most);
/* Index of the i-th shown of n items, and their number. */
PetscInt MuReportIndex(PetscInt i, PetscInt n, PetscInt every);
PetscInt MuReportCount(PetscInt n, PetscInt every);

/* The page (page/page.html with its style sheet and script) as lines; NULL ends them. The line
   "@DATA@" stands for the data. */
extern const char *const mu_report_page[];

#endif
