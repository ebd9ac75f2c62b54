/* Units change nothing for particles: every method with lengths times L and times times T, kernels
   that are normalised to mass 1 (k ~ L^-d) or to peak 1, has positions times L and the same
   weights. */
#include "support.h"

#include <stdio.h>

/* {factor} stands for numbers that carry units. */
typedef struct {
  const char *method, *keys; /* of the block particles */
  const char *transport, *reaction;
  const char *energy;
  PetscBool by_kernel;  /* the energy is of the kernel's size */
  PetscBool transports; /* the transport is of the kernel's size */
  PetscBool inverts;    /* the reaction is of the size of 1/k */
} Row;

static const Row rows[] = {
    {"ift", "", "wasserstein", "mmd", "mmd: 1", PETSC_TRUE, PETSC_FALSE, PETSC_TRUE},
    {"ift", ", weight_step: entropic", "wasserstein", "fisher_rao", "mmd: 1", PETSC_TRUE,
     PETSC_FALSE, PETSC_FALSE},
    {"ift", "", "wasserstein", "mmd", "kl: 1", PETSC_FALSE, PETSC_FALSE, PETSC_TRUE},
    {"mmd_flow", "", "wasserstein", NULL, "mmd: 1", PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
    {"wfr", "", "wasserstein", "fisher_rao", "mmd: 1", PETSC_TRUE, PETSC_FALSE, PETSC_FALSE},
    {"wfr", "", "wasserstein", "fisher_rao", "kl: 1", PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"wfr", ", step_tolerance: 1e-4", "wasserstein", "fisher_rao", "mmd: 1", PETSC_TRUE,
     PETSC_FALSE, PETSC_FALSE},
    {"svgd", "", "stein", NULL, "kl: 1", PETSC_FALSE, PETSC_TRUE, PETSC_FALSE},
    {"fisher_rao_weights", "", NULL, "fisher_rao", "kl: 1", PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
    {"langevin", "", "wasserstein", NULL, "kl: 1", PETSC_FALSE, PETSC_FALSE, PETSC_FALSE},
};
enum { ROWS = sizeof rows / sizeof *rows };

typedef struct {
  PetscReal length, time;
} Units;

static const char *const kernels[] = {"gaussian", "matern", "imq"};

static size_t put_measure(char *text, size_t room, const char *block, PetscInt dim, PetscReal mean,
                          PetscReal covariance) {
  size_t used = (size_t)snprintf(text, room, "%s: {type: gaussian, mean: [", block);
  for (PetscInt a = 0; a < dim; ++a)
    used +=
        (size_t)snprintf(text + used, room - used, "%s%.17g", a ? ", " : "", a ? 0.5 * mean : mean);
  used += (size_t)snprintf(text + used, room - used, "], covariance: [");
  for (PetscInt k = 0; k < dim * dim; ++k)
    used += (size_t)snprintf(text + used, room - used, "%s%.17g", k ? ", " : "",
                             k % (dim + 1) ? 0.0 : covariance);
  return used + (size_t)snprintf(text + used, room - used, "]}\n");
}

static void put_geometry(char *text, size_t room, const Row *r, PetscReal kernel, Units u) {
  const PetscReal energy = r->by_kernel ? kernel : 1;
  const PetscReal a = u.length * u.length / (energy * u.time * (r->transports ? kernel : 1)),
                  b = (r->inverts ? kernel : 1) / (energy * u.time);
  size_t used = (size_t)snprintf(text, room, "geometry: {spherical: true");
  if (r->transport)
    used += (size_t)snprintf(text + used, room - used, ", %s: %.17g", r->transport, 0.4 * a);
  if (r->reaction)
    used += (size_t)snprintf(text + used, room - used, ", %s: %.17g", r->reaction, 0.7 * b);
  snprintf(text + used, room - used, "}\n");
}

/* dim 1 stands on a grid. */
static MuParticles make(const Row *r, PetscInt dim, const char *kernel, PetscBool peak, Units u) {
  const PetscReal l = u.length, size = peak ? 1 : pow(l, -(PetscReal)dim);
  char text[32768];
  size_t used = 0;
  MuParticles particles;
  MuCase c;
  if (dim == 1)
    used = (size_t)snprintf(text, sizeof text,
                            "grid: {lower: [%.17g], upper: [%.17g], cells: [40]}\n", -5 * l, 5 * l);
  used += put_measure(text + used, sizeof text - used, "target", dim, l, l * l);
  used += put_measure(text + used, sizeof text - used, "initial", dim, -0.5 * l, 0.5 * l * l);
  used += (size_t)snprintf(text + used, sizeof text - used,
                           "particles: {method: %s%s, count: 40}\n"
                           "energy: {%s}\n"
                           "kernel: {type: %s, bandwidth: %.17g, extension: zero%s}\n"
                           "time: {end: %.17g, step: %.17g}\n",
                           r->method, r->keys, r->energy, kernel, 2 * l,
                           peak ? ", normalization: peak" : "", 0.5 * u.time, 0.1 * u.time);
  put_geometry(text + used, sizeof text - used, r, size, u);
  OK(MuCaseCreateFromText(MPI_COMM_WORLD, "a case", text, 0, NULL, &c));
  PetscErrorCode code = MuParticlesCreate(c, NULL, &particles);
  ck_assert_msg(!code, "%s in %d-D, %s, %s: %s", r->method, (int)dim, kernel, r->energy,
                MuErrorMessage());
  OK(MuCaseDestroy(&c));
  code = MuParticlesAdvance(particles, 0.5 * u.time);
  ck_assert_msg(!code, "%s in %d-D, %s, %s at the length %g: %s", r->method, (int)dim, kernel,
                r->energy, l, MuErrorMessage());
  return particles;
}

static PetscReal mmd2(MuParticles particles) {
  const PetscReal *row;
  MuColumns columns;
  OK(MuParticlesGetColumns(particles, &columns));
  OK(MuParticlesGetRow(particles, &row));
  return MuColumnsValue(columns, row, MU_COLUMN_MMD2);
}

static void compare_with(MuParticles one, const Row *r, PetscInt dim, const char *kernel,
                         PetscBool peak, Units u) {
  MuParticles other = make(r, dim, kernel, peak, u);
  const PetscReal size = peak ? 1 : pow(u.length, -(PetscReal)dim);
  MuParticlesState a, b;
  PetscReal moved = 0, weighed = 0;
  OK(MuParticlesGetState(one, &a));
  OK(MuParticlesGetState(other, &b));
  for (PetscInt i = 0; i < a.count * dim; ++i)
    moved = fmax(moved, fabs(a.position[i] - b.position[i] / u.length));
  for (PetscInt i = 0; i < a.count; ++i)
    weighed = fmax(weighed, fabs(a.weight[i] - b.weight[i]) * (PetscReal)a.count);
  /* the weight step stops at 1e-10 of the energy, which is a square: k*mu, that moves the points,
     has half as many digits at worst, and the weights fewer where the kernel is smooth */
  ck_assert_msg(moved < (r->inverts ? 1e-5 : 1e-9) && weighed < (r->inverts ? 1e-2 : 1e-9),
                "%s in %d-D, %s, %s, L = %g, T = %g: positions off by %g, weights by %g", r->method,
                (int)dim, kernel, r->energy, u.length, u.time, moved, weighed);
  ck_assert_double_lt(fabs(mmd2(other) / size - mmd2(one)),
                      (r->inverts ? 1e-5 : 1e-9) * fabs(mmd2(one)));
  OK(MuParticlesDestroy(&other));
}

static void compare_row(const Row *r, PetscInt dim, const char *kernel, PetscBool peak) {
  static const Units units[] = {{1e-9, 1}, {1e-12, 1e9}, {1e12, 1e-12}, {1e3, 1e3}};
  MuParticles one = make(r, dim, kernel, peak, (Units){1, 1});
  for (size_t k = 0; k < sizeof units / sizeof *units; ++k)
    compare_with(one, r, dim, kernel, peak, units[k]);
  OK(MuParticlesDestroy(&one));
}

START_TEST(particles_in_any_units) {
  for (PetscInt k = 0; k < ROWS; ++k)
    for (PetscInt dim = 1; dim <= 3; ++dim)
      compare_row(&rows[k], dim, kernels[dim == 1 ? k % 3 : 0],
                  (PetscBool)(dim == 1 && k % 3 == 2));
}
END_TEST

/* k(0) = (2 pi h^2)^-10 */
START_TEST(twenty_dimensions) {
  for (PetscInt k = 0; k < 3; ++k) {
    compare_row(&rows[k], 20, "gaussian", PETSC_FALSE);
    compare_row(&rows[k], 20, "gaussian", PETSC_TRUE);
  }
}
END_TEST

/* The weights move: mmd2 falls far below that of equal weights on the same points. */
START_TEST(weights_move_where_the_kernel_is_small) {
  const Units units[] = {{1, 1}, {1e3, 1}};
  for (int k = 0; k < 2; ++k) {
    MuParticles p = make(&rows[0], k ? 3 : 20, "gaussian", PETSC_FALSE, units[k]);
    MuParticlesState s;
    PetscReal least = 1, most = 0;
    OK(MuParticlesGetState(p, &s));
    for (PetscInt i = 0; i < s.count; ++i) {
      least = fmin(least, s.weight[i]);
      most = fmax(most, s.weight[i]);
    }
    ck_assert_double_lt(least, 0.1 / (PetscReal)s.count);
    ck_assert_double_gt(most, 1.4 / (PetscReal)s.count);
    OK(MuParticlesDestroy(&p));
  }
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("units of particles");
  TCase *t = tcase_create("units");
  tcase_set_timeout(t, 0);
  tcase_add_test(t, particles_in_any_units);
  tcase_add_test(t, twenty_dimensions);
  tcase_add_test(t, weights_move_where_the_kernel_is_small);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
