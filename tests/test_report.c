/* What stands in a report page: JSON that no text can break out of, base64, thinning, and what the
   command refuses. tests/report.py tests the pages themselves. */
#include "report/report.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ JSON */

static char *text_of(void (*write)(MuJson *)) {
  char *text;
  size_t length;
  FILE *memory = open_memstream(&text, &length);
  MuJson j = {.out = memory};
  write(&j);
  fclose(memory);
  return text;
}

static void check_text(void (*write)(MuJson *), const char *expected) {
  char *text = text_of(write);
  ck_assert_str_eq(text, expected);
  free(text);
}

static void write_hostile(MuJson *j) {
  MuJsonText(j, NULL, "</script>&\"\\\n\x7f");
}

static void write_letters(MuJson *j) {
  MuJsonText(j, NULL, "\xce\xbc \xf0\x9d\x84\x9e \xe2\x80\xa8");
}

/* A stray continuation, an overlong slash, a surrogate, a code point too large, a cut sequence. */
static void write_invalid(MuJson *j) {
  MuJsonText(j, NULL, "a\x80 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82");
}

START_TEST(test_text) {
  check_text(write_hostile, "\"\\u003C/script\\u003E\\u0026\\u0022\\u005C\\u000A\\u007F\"");
  check_text(write_letters, "\"\xce\xbc \xf0\x9d\x84\x9e \\u2028\"");
  check_text(write_invalid, "\"a\\uFFFD \\uFFFD\\uFFFD \\uFFFD\\uFFFD\\uFFFD "
                            "\\uFFFD\\uFFFD\\uFFFD\\uFFFD \\uFFFD\\uFFFD\"");
}
END_TEST

static void write_nested(MuJson *j) {
  const double values[] = {0.1, NAN, INFINITY, -INFINITY, 1e-300};
  MuJsonBegin(j, NULL, '{');
  MuJsonText(j, "none", NULL);
  MuJsonBegin(j, "list", '[');
  MuJsonInteger(j, NULL, -3);
  MuJsonNumber(j, NULL, 1. / 3);
  MuJsonEnd(j, ']');
  MuJsonNumbers(j, "values", 5, values);
  MuJsonBegin(j, "<b>", '{');
  MuJsonEnd(j, '}');
  MuJsonEnd(j, '}');
}

START_TEST(test_nested) {
  check_text(write_nested, "{\"none\":null,\n\"list\":[-3,\n0.333333333],\n"
                           "\"values\":[0.1,null,1e999,-1e999,1e-300],\n\"\\u003Cb\\u003E\":{}}");
}
END_TEST

/* The vectors of RFC 4648, section 10. */
static void write_bytes(MuJson *j) {
  MuJsonBegin(j, NULL, '[');
  for (size_t n = 0; n <= 6; ++n) MuJsonBytes(j, NULL, n, (const unsigned char *)"foobar");
  MuJsonEnd(j, ']');
}

/* 1.0f is 00 00 80 3f, -2.0f is 00 00 00 c0, largest float and beyond: 7f7fffff, 7f800000. */
static void write_floats(MuJson *j) {
  const double values[] = {1, -2, 3e39};
  MuBase64 code;
  MuJsonFloatsBegin(j, NULL, &code);
  MuJsonFloatsPart(j, &code, 1, values);
  MuJsonFloatsPart(j, &code, 2, values + 1);
  MuJsonFloatsEnd(j, &code);
}

START_TEST(test_base64) {
  check_text(write_bytes, "[\"\",\n\"Zg==\",\n\"Zm8=\",\n\"Zm9v\",\n\"Zm9vYg==\",\n\"Zm9vYmE=\","
                          "\n\"Zm9vYmFy\"]");
  check_text(write_floats, "\"AACAPwAAAMAAAIB/\"");
}
END_TEST

/* ------------------------------------------------------------------ thinning */

/* No more than asked for, rising, the first and the last among them, and no coarser than needed. */
START_TEST(test_thinning) {
  for (PetscInt n = 1; n <= 60; ++n)
    for (PetscInt most = 2; most <= 60; ++most) {
      const PetscInt every = MuReportEvery(n, most), count = MuReportCount(n, every);
      ck_assert_int_le(count, most);
      ck_assert_int_eq(MuReportIndex(0, n, every), 0);
      ck_assert_int_eq(MuReportIndex(count - 1, n, every), n - 1);
      for (PetscInt i = 1; i < count; ++i) {
        const PetscInt step = MuReportIndex(i, n, every) - MuReportIndex(i - 1, n, every);
        ck_assert(step >= 1 && (step == every || i == count - 1));
      }
      ck_assert(every == 1 || MuReportCount(n, every - 1) > most);
    }
}
END_TEST

/* ------------------------------------------------------------------ refusals */

static void refuse(const char *directory, const char *output, PetscErrorCode code,
                   const char *words) {
  const char *directories[] = {directory};
  char path[PETSC_MAX_PATH_LEN];
  MuReportSpec spec = {.directories = 1, .directory = directories, .output = output};
  ck_assert_int_eq(MuReportWrite(PETSC_COMM_WORLD, &spec, path), code);
  ck_assert_msg(strstr(MuErrorMessage(), words) != NULL, "%s", MuErrorMessage());
}

/* One directory for all ranks, made by the first. */
static void make_directory(char directory[64]) {
  PetscMPIInt rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  strcpy(directory, "/tmp/mudot-report-XXXXXX");
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(directory));
  MPI_Bcast(directory, 64, MPI_CHAR, 0, PETSC_COMM_WORLD);
}

static void write_small_file(const char *path, const char *text) {
  PetscMPIInt rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank == 0) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

START_TEST(test_refusals) {
  char directory[64], file[128], page[128];
  make_directory(directory);
  snprintf(file, sizeof file, "%s/run.h5", directory);
  snprintf(page, sizeof page, "%s/report.html", directory);
  refuse("/no/such/place", NULL, MU_ERR_FILE, "/no/such/place: there is no such directory");
  refuse(directory, NULL, MU_ERR_INPUT, "holds nothing that a report shows");
  write_small_file(file, "not HDF5");
  refuse(file, NULL, MU_ERR_INPUT, "is not a directory");
  refuse(directory, NULL, MU_ERR_FILE, "run.h5: is not an HDF5 file");
  ck_assert_int_ne(access(page, F_OK), 0);
  refuse(directory, file, MU_ERR_INPUT, "is not a report");
  refuse(directory, directory, MU_ERR_INPUT, "is a directory");
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(file);
  rmdir(directory);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("report");
  TCase *tcase = tcase_create("report");
  tcase_add_test(tcase, test_text);
  tcase_add_test(tcase, test_nested);
  tcase_add_test(tcase, test_base64);
  tcase_add_test(tcase, test_thinning);
  tcase_add_test(tcase, test_refusals);
  suite_add_tcase(suite, tcase);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
