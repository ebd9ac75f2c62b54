/* Particle methods: clouds against grid flows of the same case and against exact solutions, energies
   against finite differences, the weight step's optimality, random numbers, ranks, wrong input. */
#include "particles/particles_impl.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ cases from text */

static PetscMPIInt world_rank(void) {
  PetscMPIInt rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static PetscMPIInt world_size(void) {
  PetscMPIInt size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static char folder[64];

static void make_folder(void) {
  snprintf(folder, sizeof folder, "/tmp/mudot-test-particles-XXXXXX");
  if (world_rank() == 0) ck_assert_ptr_nonnull(mkdtemp(folder));
  MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_folder(void) {
  char command[96];
  MPI_Barrier(MPI_COMM_WORLD);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (world_rank() == 0) ck_assert_int_eq(system(command), 0);
}

static const char *write_file(const char *name, const char *text) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  MPI_Barrier(MPI_COMM_WORLD);
  if (world_rank() == 0) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  return path;
}

/* The case of a text with overrides "-key value -key value ...". */
static PetscErrorCode open_case(MPI_Comm comm, const char *text, const char *overrides, MuCase *c) {
  char copy[2048], *words[64];
  int count = 0;
  snprintf(copy, sizeof copy, "%s", overrides);
  for (char *word = strtok(copy, " "); word && count < 64; word = strtok(NULL, " "))
    words[count++] = word;
  return MuCaseCreate(comm, write_file("case.yaml", text), count, words, c);
}

static PetscErrorCode try_particles(MPI_Comm comm, const char *text, const char *overrides,
                                    MuParticles *particles) {
  MuCase c;
  *particles = NULL;
  PetscErrorCode code = open_case(comm, text, overrides, &c);
  if (code) return code;
  code = MuParticlesCreate(c, NULL, particles);
  OK(MuCaseDestroy(&c));
  return code;
}

static MuParticles make_particles(const char *text, const char *overrides) {
  MuParticles particles;
  OK(try_particles(MPI_COMM_WORLD, text, overrides, &particles));
  return particles;
}

static PetscReal column(MuParticles particles, const char *name) {
  const char *const *names;
  const PetscReal *row;
  PetscInt columns;
  OK(MuParticlesGetRow(particles, &columns, &names, &row));
  for (PetscInt k = 0; k < columns; ++k)
    if (!strcmp(names[k], name)) return row[k];
  ck_abort_msg("there is no column %s", name);
}

/* ------------------------------------------------------------------ clouds against the grid */

static const char line[] =
    "grid: {lower: [-6], upper: [6], cells: [256], boundary: no_flux}\n"
    "target: {type: mixture, weights: [0.6, 0.4], means: [-1, 1.5], covariances: [0.5, 0.6]}\n"
    "initial: {type: gaussian, mean: [0.5], covariance: [1]}\n"
    "kernel: {type: gaussian, bandwidth: 1, normalization: peak, extension: zero}\n"
    "time: {end: 0.5, step: 0.1}\n"
    "output: {directory: out}\n";

/* The density of the grid flow at the end, as weights of the cell centres. */
typedef struct {
  PetscInt n;
  PetscReal *x, *w;
  PetscReal spread; /* k(0) - <rho, k*rho>: N times the expected squared MMD of N samples */
} Reference;

static MuPairs test_pairs(MPI_Comm comm) {
  MuKernelSpec spec;
  MuRadial radial;
  MuPairs pairs;
  MuKernelSpecDefault(&spec);
  spec.bandwidth = 0.7;
  spec.normalization = MU_NORMALIZATION_PEAK;
  OK(MuRadialCreate(&spec, 1, &radial));
  OK(MuPairsCreate(comm, radial, &pairs));
  OK(MuRadialDestroy(&radial));
  return pairs;
}

/* <m, k*n> */
static PetscReal product(MuPairs pairs, PetscInt n, const PetscReal *x, const PetscReal *w,
                         PetscInt m, const PetscReal *y, const PetscReal *v) {
  PetscReal *sum = malloc(sizeof *sum * (size_t)m), total = 0;
  OK(MuPairsApply(pairs, n, x, w, m, y, sum, NULL));
  for (PetscInt i = 0; i < m; ++i) total += v[i] * sum[i];
  free(sum);
  return total;
}

static Reference grid_reference(const char *text, const char *overrides) {
  const MuProblemParts *parts;
  const MuGridInfo *info;
  MuProblem problem;
  Reference r;
  MuPairs pairs = test_pairs(MPI_COMM_WORLD);
  MuFlow flow;
  MuCase c;
  Vec rho;
  OK(open_case(MPI_COMM_WORLD, text, overrides, &c));
  OK(MuProblemCreate(c, &problem));
  OK(MuProblemGetParts(problem, &parts));
  OK(MuGridGetInfo(parts->grid, &info));
  OK(MuFlowCreate(parts->grid, parts->energy, parts->geometry, parts->initial, &parts->flow,
                  &flow));
  OK(MuFlowAdvance(flow, parts->flow.end));
  OK(MuFlowGetState(flow, NULL, &rho));
  r.n = info->cells[0];
  r.w = TestGather(parts->grid, rho);
  r.x = malloc(sizeof *r.x * (size_t)r.n);
  for (PetscInt i = 0; i < r.n; ++i) {
    r.x[i] = info->lower[0] + (i + 0.5) * info->spacing[0];
    r.w[i] *= info->volume;
  }
  r.spread = 1 - product(pairs, r.n, r.x, r.w, r.n, r.x, r.w);
  OK(MuPairsDestroy(&pairs));
  OK(MuFlowDestroy(&flow));
  OK(MuProblemDestroy(&problem));
  OK(MuCaseDestroy(&c));
  return r;
}

/* Squared MMD between the cloud at the end and the reference, over its expectation for as many
   independent samples as the cloud has effectively. */
static PetscReal excess(const Reference *r, MuCase c, PetscInt count, PetscInt seed,
                        PetscReal *mass_error) {
  const MuParticlesSpec spec = {.count = count, .seed = seed};
  MuPairs pairs = test_pairs(MPI_COMM_WORLD);
  MuParticlesState s;
  MuParticles particles;
  PetscReal end;
  OK(MuCaseGetReal(c, "time_end", &end, NULL));
  OK(MuParticlesCreate(c, &spec, &particles));
  OK(MuParticlesAdvance(particles, end));
  OK(MuParticlesGetState(particles, &s));
  PetscReal square = product(pairs, s.count, s.position, s.weight, s.count, s.position, s.weight) -
                     2 * product(pairs, r->n, r->x, r->w, s.count, s.position, s.weight) +
                     product(pairs, r->n, r->x, r->w, r->n, r->x, r->w);
  *mass_error = fabs(column(particles, "mass") - 1);
  ck_assert_double_ge(column(particles, "weight_min"), 0);
  square *= column(particles, "ess") / r->spread;
  OK(MuParticlesDestroy(&particles));
  OK(MuPairsDestroy(&pairs));
  return square;
}

typedef struct {
  const char *name, *particles, *grid; /* overrides of `line` */
  PetscInt most;                       /* largest count */
  PetscInt most_seeds;                 /* with it */
} Correspondence;

#define KL_LINE                                                                                    \
  "-kernel_bandwidth 0.4 -kernel_normalization mass -kernel_extension reflect -time_step 0.02 "
#define BLOB_POTENTIAL                                                                             \
  "-energy_blob_entropy 1 -energy_potential 1 -energy_potential_formula "                         \
  "-log(0.6/sqrt(0.5)*exp(-(x+1)^2)+0.4/sqrt(0.6)*exp(-(x-1.5)^2/1.2)) "

static const Correspondence correspondences[] = {
    {"mmd_flow", "-particles_method mmd_flow -energy_mmd 1 -geometry_wasserstein 2",
     "-energy_mmd 1 -geometry_wasserstein 2", 10000, 1},
    /* E grad DF(x + beta u) is the gradient under the kernel of bandwidth sqrt(h^2 + beta^2), here
       1.25, of the same mass */
    {"mmd_flow_noise",
     "-particles_method mmd_flow_noise -particles_noise 0.75 -energy_mmd 1 -geometry_wasserstein 2",
     "-kernel_bandwidth 1.25 -energy_mmd 0.8 -geometry_wasserstein 2", 10000, 1},
    {"ift, entropic",
     "-particles_method ift -particles_weight_step entropic -energy_mmd 1 -geometry_wasserstein 2 "
     "-geometry_mmd 2 -geometry_spherical",
     "-energy_mmd 1 -geometry_wasserstein 2 -geometry_fisher_rao 2 -geometry_spherical", 10000, 1},
    {"wfr", "-particles_method wfr -energy_mmd 1 -geometry_wasserstein 2 -geometry_fisher_rao 2 "
            "-geometry_spherical",
     "-energy_mmd 1 -geometry_wasserstein 2 -geometry_fisher_rao 2 -geometry_spherical", 10000, 1},
    {"wfr, birth and death",
     "-particles_method wfr -particles_weight_step birth_death -energy_mmd 1 -geometry_wasserstein "
     "2 -geometry_fisher_rao 2 -geometry_spherical",
     "-energy_mmd 1 -geometry_wasserstein 2 -geometry_fisher_rao 2 -geometry_spherical", 10000, 1},
    {"wfr, kl in the blob form",
     KL_LINE "-particles_method wfr -energy_kl 1 -geometry_wasserstein 1 -geometry_fisher_rao 1 "
             "-geometry_spherical",
     KL_LINE BLOB_POTENTIAL
     "-geometry_wasserstein 1 -geometry_fisher_rao 1 -geometry_spherical", 1000, 1},
    {"svgd", KL_LINE "-particles_method svgd -energy_kl 1 -geometry_stein 1",
     KL_LINE "-energy_kl 1 -geometry_stein 1", 10000, 1},
    {"langevin", "-particles_method langevin -energy_kl 1 -geometry_wasserstein 1 -time_step 0.005",
     "-energy_kl 1 -geometry_wasserstein 1 -time_step 0.005", 10000, 4},
    {"fisher_rao_weights",
     "-particles_method fisher_rao_weights -energy_kl 1 -geometry_fisher_rao 1 "
     "-geometry_spherical -time_step 0.005",
     "-energy_kl 1 -geometry_fisher_rao 1 -geometry_spherical", 10000, 4},
};

/* The mean over seeds of excess() is 1 for independent samples of the reference; its standard
   deviation is below 1 (that of a chi-square variable of few degrees of freedom). What methods
   have less or more (the weights, repulsion, discretisation in time and space) is within a factor 2:
   the error is the sampling error at every N. */
START_TEST(clouds_follow_the_grid_flow) {
  const Correspondence *k = &correspondences[_i];
  const PetscInt counts[] = {100, 1000, 10000, 1}, seeds[] = {8, 4, k->most_seeds};
  Reference r = grid_reference(line, k->grid);
  MuCase c;
  OK(open_case(MPI_COMM_WORLD, line, k->particles, &c));
  if (getenv("ONLY") && !strstr(k->name, getenv("ONLY"))) return;
  for (int j = 0; j < 3; ++j) {
    PetscReal mean = 0, mass_error = 0;
    if (counts[j] > k->most || (j == 2 && (TestQuick() || world_size() > 1))) continue;
    for (PetscInt seed = 1; seed <= seeds[j]; ++seed)
      mean += excess(&r, c, counts[j], seed, &mass_error) / seeds[j];
    ck_assert_double_lt(mass_error, 1e-12);
    if (getenv("MU_TEST_VERBOSE") && world_rank() == 0)
      printf("%-26s N = %5d: squared MMD %.3g times that of N samples\n", k->name, (int)counts[j],
             mean);
    ck_assert_msg(mean < 2.5, "%s, N = %d: %g", k->name, (int)counts[j], mean);
  }
  OK(MuCaseDestroy(&c));
  free(r.x);
  free(r.w);
}
END_TEST

static Suite *make_suite(void) {
  Suite *suite = suite_create("particles");
  TCase *grid = tcase_create("grid");
  tcase_set_timeout(grid, 0);
  tcase_add_unchecked_fixture(grid, make_folder, remove_folder);
  tcase_add_loop_test(grid, clouds_follow_the_grid_flow, 0,
                      sizeof correspondences / sizeof *correspondences);
  suite_add_tcase(suite, grid);
  return suite;
}

int main(int argc, char **argv) {
  return TestMain(argc, argv, make_suite);
}
