/* Checkpoints of particles: a cloud that is cut in two has the bits of one that is not, for every
   method; another number of ranks goes on to rounding; the state of another cloud is refused. */
#include "record/checkpoint.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[128];
static int rank, size;

static void make_folder(void) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  snprintf(folder, sizeof folder, "/tmp/mudot-restart-XXXXXX");
  if (rank == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void) {
  MPI_Barrier(MPI_COMM_WORLD);
  OK(MuCheckpointRemove(MPI_COMM_WORLD, folder));
  if (rank == 0) rmdir(folder);
}

/* ------------------------------------------------------------------ clouds to cut in two */

static const char line[] =
    "grid: {lower: [-6], upper: [6], cells: [128], boundary: no_flux}\n"
    "target: {type: mixture, weights: [0.6, 0.4], means: [-1, 1.5], covariances: [0.5, 0.6]}\n"
    "initial: {type: gaussian, mean: [0.5], covariance: [1]}\n"
    "kernel: {type: gaussian, bandwidth: 1, normalization: peak, extension: zero}\n"
    "time: {end: 0.5, step: 0.04}\n"
    "output: {directory: out}\n";

static const char space[] =
    "target: {type: gaussian, mean: [1, 0, -1], covariance: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n"
    "initial: {type: gaussian, mean: [0, 0, 0], covariance: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n"
    "kernel: {type: matern, bandwidth: 1, extension: zero}\n"
    "time: {end: 0.5, step: 0.04}\n"
    "output: {directory: out}\n";

typedef struct {
  const char *what, *text, *overrides;
  PetscReal tolerance; /* of another number of ranks */
} Row;

#define MMD "-energy_mmd 1 -geometry_wasserstein 1 "
/* Fast sums: so many particles that they are summed by Fourier series on a grid, which is made anew
   when they have moved away. The optimality conditions of the weight step determine weights no
   better than to 1e-4. */
static const Row rows[] = {
    {"ift", line, MMD "-particles_method ift -geometry_mmd 1 -particles_count 60", 1e-4},
    {"ift with fresh samples", line,
     MMD "-particles_method ift -geometry_mmd 1 -particles_count 60 -particles_target_samples "
         "fresh",
     1e-4},
    {"entropic ift", line,
     MMD "-particles_method ift -particles_weight_step entropic -geometry_mmd 1 "
         "-particles_count 60",
     1e-10},
    {"projected ift", line,
     MMD "-particles_method ift -particles_weight_step projected -geometry_mmd 1 "
         "-particles_count 60",
     1e-10},
    {"noise that ends", line,
     MMD "-particles_method mmd_flow_noise -particles_noise 0.3 -particles_noise_until 3 "
         "-particles_count 60",
     1e-10},
    {"mmd_flow", line, MMD "-particles_method mmd_flow -particles_count 60", 1e-10},
    {"adaptive steps", line,
     MMD "-particles_method mmd_flow -particles_count 60 -particles_step_tolerance 1e-5", 1e-10},
    {"adaptive steps of ift", line,
     MMD "-particles_method ift -geometry_mmd 1 -particles_count 60 -particles_step_tolerance 1e-4",
     1e-4},
    {"mmd_flow with fixed samples", line,
     MMD "-particles_method mmd_flow -particles_count 60 -particles_target_samples fixed", 1e-10},
    {"mmd_flow with fresh samples", line,
     MMD "-particles_method mmd_flow -particles_count 60 -particles_target_samples fresh", 1e-10},
    {"mmd_flow in space", space,
     MMD "-particles_method mmd_flow -particles_count 60 -particles_target_samples fresh", 1e-10},
    {"mmd_flow_noise", line,
     MMD "-particles_method mmd_flow_noise -particles_noise 0.3 -particles_noise_decay 0.5 "
         "-particles_count 60",
     1e-10},
    {"wfr", line,
     "-particles_method wfr -energy_kl 1 -geometry_wasserstein 1 -geometry_fisher_rao 1 "
     "-kernel_extension reflect -kernel_bandwidth 0.4 -particles_count 60",
     1e-10},
    {"birth and death", line,
     MMD "-particles_method wfr -particles_weight_step birth_death -geometry_fisher_rao 5 "
         "-geometry_spherical -particles_count 60",
     1e-10},
    {"svgd", line, "-particles_method svgd -energy_kl 1 -geometry_stein 1 -particles_count 60",
     1e-10},
    {"fisher_rao_weights", line,
     "-particles_method fisher_rao_weights -energy_kl 1 -geometry_fisher_rao 1 -particles_count 60",
     1e-10},
    {"langevin", line,
     "-particles_method langevin -energy_kl 1 -energy_interaction 0.5 -energy_interaction_formula "
     "x^2 -geometry_wasserstein 1 -particles_count 60",
     1e-10},
    {"fast sums", line,
     "-energy_mmd 50 -geometry_wasserstein 1 -particles_method mmd_flow -particles_count 100001 "
     "-particles_test_count 2 -initial_mean 3 -time_end 2 -time_step 0.2",
     1e-7},
    {"fast sums of svgd", line,
     "-particles_method svgd -energy_kl 1 -geometry_stein 5 -particles_count 100001 "
     "-particles_test_count 2 -initial_mean 3 -time_end 2 -time_step 0.2",
     1e-7},
};
enum { ROWS = sizeof rows / sizeof *rows, MOST = 40, COLUMNS = 16 };

typedef struct {
  MuCase c;
  MuParticles particles;
  PetscReal end;
  PetscInt columns, steps, stop_after;
  PetscReal row[MOST][COLUMNS];
} Cloud;

static PetscErrorCode on_step(void *ctx, MuParticles particles) {
  Cloud *cloud = ctx;
  const PetscReal *row;
  ck_assert_int_lt(cloud->steps, MOST);
  OK(MuParticlesGetRow(particles, &row));
  memcpy(cloud->row[cloud->steps++], row, sizeof *row * (size_t)cloud->columns);
  if (cloud->steps == cloud->stop_after) OK(MuParticlesStop(particles));
  return 0;
}

static Cloud *create_cloud(MPI_Comm comm, const char *text, const char *overrides) {
  Cloud *cloud = calloc(1, sizeof *cloud);
  char copy[1024], *words[64];
  MuColumns columns;
  int count = 0;
  snprintf(copy, sizeof copy, "%s", overrides);
  for (char *word = strtok(copy, " "); word && count < 64; word = strtok(NULL, " "))
    words[count++] = word;
  OK(MuCaseCreateFromText(comm, "case.yaml", text, count, words, &cloud->c));
  OK(MuCaseGetReal(cloud->c, "time_end", &cloud->end, NULL));
  OK(MuParticlesCreate(cloud->c, NULL, &cloud->particles));
  OK(MuParticlesGetColumns(cloud->particles, &columns));
  OK(MuColumnsGet(columns, &cloud->columns, NULL));
  ck_assert_int_le(cloud->columns, COLUMNS);
  OK(MuParticlesSetStepCallback(cloud->particles, on_step, cloud));
  return cloud;
}

static void destroy_cloud(Cloud *cloud) {
  OK(MuParticlesDestroy(&cloud->particles));
  OK(MuCaseDestroy(&cloud->c));
  free(cloud);
}

/* To the end by way of output times that the steps do not divide, or until it is stopped. */
static void run(Cloud *cloud) {
  const PetscReal times[] = {0.3 * cloud->end, 0.71 * cloud->end, cloud->end};
  for (int k = 0; k < 3; ++k) {
    OK(MuParticlesAdvance(cloud->particles, times[k]));
    if (cloud->stop_after && cloud->steps == cloud->stop_after) return;
  }
}

static void save(Cloud *cloud, MPI_Comm comm) {
  MuCheckpoint c;
  OK(MuCheckpointCreate(comm, &c));
  OK(MuParticlesSave(cloud->particles, c));
  OK(MuCheckpointWrite(c, folder));
  OK(MuCheckpointDestroy(&c));
  MPI_Barrier(comm);
}

static PetscErrorCode load(Cloud *cloud) {
  MuCheckpoint c;
  OK(MuCheckpointRead(MPI_COMM_WORLD, folder, 0, &c));
  ck_assert_ptr_nonnull(c);
  PetscErrorCode code = MuParticlesLoad(cloud->particles, c);
  OK(MuCheckpointDestroy(&c));
  return code;
}

/* `part` began after step `from` of `whole`: positions, weights, rows and counters have the same
   bits. */
static void check_same(const char *what, const Cloud *whole, const Cloud *part, PetscInt from) {
  MuParticlesState a, b;
  OK(MuParticlesGetState(whole->particles, &a));
  OK(MuParticlesGetState(part->particles, &b));
  ck_assert(a.time == whole->end && a.time == b.time);
  ck_assert_msg(a.steps == b.steps && whole->steps == from + part->steps, "%s: steps", what);
  ck_assert_msg(!memcmp(a.position, b.position, sizeof *a.position * (size_t)(a.count * a.dim)),
                "%s: after step %d the positions have other bits", what, (int)from);
  ck_assert_msg(!memcmp(a.weight, b.weight, sizeof *a.weight * (size_t)a.count),
                "%s: after step %d the weights have other bits", what, (int)from);
  ck_assert_msg(!memcmp(whole->row[from], part->row[0], sizeof part->row[0] * (size_t)part->steps),
                "%s: a row after step %d has other bits", what, (int)from);
}

/* Stopped after some step in the middle of an interval, written, read by particles that know
   nothing of the first: the same bits from there on. */
START_TEST(a_cloud_cut_in_two_has_the_same_bits) {
  const Row *row = &rows[_i];
  Cloud *whole = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
  run(whole);
  ck_assert_int_ge(whole->steps, 10);
  for (PetscInt stop = 1; stop < whole->steps; stop += 3) {
    Cloud *first = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
    Cloud *second = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
    first->stop_after = stop;
    run(first);
    ck_assert_int_eq(first->steps, stop);
    save(first, MPI_COMM_WORLD);
    OK(load(second));
    run(second);
    check_same(row->what, whole, second, stop);
    destroy_cloud(first);
    destroy_cloud(second);
    if (TestQuick() && stop > 3) break;
  }
  destroy_cloud(whole);
}
END_TEST

/* Saving and stopping change nothing for the cloud that goes on itself. */
START_TEST(a_stopped_cloud_goes_on) {
  const Row *row = &rows[_i];
  Cloud *whole = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
  Cloud *stopped = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
  run(whole);
  stopped->stop_after = 5;
  run(stopped);
  save(stopped, MPI_COMM_WORLD);
  stopped->stop_after = 0;
  run(stopped);
  check_same(row->what, whole, stopped, 0);
  destroy_cloud(stopped);
  destroy_cloud(whole);
}
END_TEST

START_TEST(another_number_of_ranks_goes_on) {
  const Row *row = &rows[_i];
  MuParticlesState a, b;
  if (size == 1) return;
  Cloud *whole = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
  Cloud *second = create_cloud(MPI_COMM_WORLD, row->text, row->overrides);
  run(whole);
  if (rank == 0) {
    Cloud *first = create_cloud(MPI_COMM_SELF, row->text, row->overrides);
    first->stop_after = 4;
    run(first);
    save(first, MPI_COMM_SELF);
    destroy_cloud(first);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  OK(load(second));
  run(second);
  OK(MuParticlesGetState(whole->particles, &a));
  OK(MuParticlesGetState(second->particles, &b));
  ck_assert(a.time == b.time && a.steps == b.steps);
  for (PetscInt i = 0; i < a.count * a.dim; ++i)
    ck_assert_msg(fabs(a.position[i] - b.position[i]) <= row->tolerance,
                  "%s: a position differs by %g", row->what, a.position[i] - b.position[i]);
  for (PetscInt i = 0; i < a.count; ++i)
    ck_assert_msg(fabs(a.weight[i] - b.weight[i]) <= row->tolerance, "%s: a weight differs by %g",
                  row->what, a.weight[i] - b.weight[i]);
  destroy_cloud(second);
  destroy_cloud(whole);
}
END_TEST

/* The state of another number of particles is refused by what does not fit. */
START_TEST(another_cloud_is_refused) {
  Cloud *first = create_cloud(MPI_COMM_WORLD, rows[3].text, rows[3].overrides);
  Cloud *other = create_cloud(MPI_COMM_WORLD, line,
                              MMD "-particles_method mmd_flow "
                                  "-particles_count 61");
  save(first, MPI_COMM_WORLD);
  ck_assert_int_eq(load(other), MU_ERR_FILE);
  ck_assert_ptr_nonnull(strstr(MuErrorMessage(), "position"));
  destroy_cloud(other);
  destroy_cloud(first);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("restart_particles");
  TCase *t = tcase_create("restart_particles");
  tcase_set_timeout(t, 0);
  tcase_add_unchecked_fixture(t, make_folder, remove_folder);
  tcase_add_loop_test(t, a_cloud_cut_in_two_has_the_same_bits, 0, ROWS);
  tcase_add_loop_test(t, a_stopped_cloud_goes_on, 0, ROWS);
  tcase_add_loop_test(t, another_number_of_ranks_goes_on, 0, ROWS);
  tcase_add_test(t, another_cloud_is_refused);
  suite_add_tcase(suite, t);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
