/* Random cases. Most combine what fits together; one in ten is wild and may be refused. The names
   of energies, geometries and kernels come from the library's tables, so that a new row is drawn
   the day it is added. */
#include "stress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 32, TEXT_SIZE = 16384 };

typedef struct {
  uint64_t state;
  uint64_t extra; /* of what was added later, so that the rest of a case stays what it was */
  char *text;
  size_t used;
  PetscBool wild;
  int dim, cells[2];
  double lower[2], length[2], longest;
  PetscBool periodic[2], masked;
  int energies, geometries;
  const char *energy[4], *geometry[4];
  PetscBool target;
  double power_exponent, internal_exponent;
  PetscBool spherical, transport, reaction, kernel_energy, kernel_geometry, ridge, ridge_solve,
      classical;
  const char *scheme;
} Draw;

/* ------------------------------------------------------------------ random numbers and text */

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t next(Draw *d) {
  uint64_t z = d->state += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/* Draws from the other stream until leave(). */
static uint64_t enter(Draw *d) {
  const uint64_t state = d->state;
  d->state = d->extra;
  return state;
}

static void leave(Draw *d, uint64_t state) {
  d->extra = d->state;
  d->state = state;
}

static double uniform(Draw *d, double low, double high) {
  return low + (high - low) * ((double)(next(d) >> 11) / 9007199254740992.0);
}

/* 10^u with u uniform between the two exponents */
static double decades(Draw *d, double low, double high) {
  return pow(10, uniform(d, low, high));
}

static int below(Draw *d, int n) {
  return (int)(next(d) % (uint64_t)n);
}

static PetscBool chance(Draw *d, double probability) {
  return (PetscBool)(uniform(d, 0, 1) < probability);
}

/* The same from the other stream. */
static PetscBool extra_chance(Draw *d, double probability) {
  const uint64_t state = enter(d);
  const PetscBool is = chance(d, probability);
  leave(d, state);
  return is;
}

#define PICK(d, array) ((array)[below(d, (int)(sizeof(array) / sizeof *(array)))])

static void put(Draw *d, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);
static void put(Draw *d, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(d->text + d->used, TEXT_SIZE - d->used, format, arguments);
  va_end(arguments);
  if (length > 0 && d->used + (size_t)length < TEXT_SIZE) d->used += (size_t)length;
}

static PetscBool has(int n, const char *const *names, const char *name) {
  for (int k = 0; k < n; ++k)
    if (!strcmp(names[k], name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscBool has_energy(const Draw *d, const char *name) {
  return has(d->energies, d->energy, name);
}

static PetscBool has_geometry(const Draw *d, const char *name) {
  return has(d->geometries, d->geometry, name);
}

static MuSummandInfo info_of(MuSummandTable table, const char *name) {
  MuSummandInfo info = {0};
  MuSummandFind(table, name, &info);
  return info;
}

static MuPartTraits traits_of(const char *geometry) {
  const MuGeometrySpec spec = {.parts = 1,
                               .part = {{.name = geometry, .weight = 1, .value = {1, 1, 1, 1}}}};
  MuPartTraits traits = {0};
  MuGeometryGetTraits(&spec, 0, &traits);
  return traits;
}

/* Whether a part applies the inverse of its kernel. */
static PetscBool has_inverse(const Draw *d) {
  for (int k = 0; k < d->geometries; ++k)
    if (traits_of(d->geometry[k]).needs_inverse) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Whether a part has a reference density. */
static PetscBool has_reference(const Draw *d) {
  for (int k = 0; k < d->geometries; ++k)
    if (traits_of(d->geometry[k]).fixed) return PETSC_TRUE;
  return PETSC_FALSE;
}

static int table_names(MuTableRow table, const char *names[MAX_NAMES]) {
  const char *formula;
  int n = 0;
  while (n < MAX_NAMES && !table(n, &names[n], &formula) && names[n]) ++n;
  return n;
}

/* ------------------------------------------------------------------ grid */

static void draw_cells(Draw *d) {
  static const int line[] = {1,  2,  3,  4,  5,  7,   8,   11,  16,  17,  31,  32, 37,
                             48, 61, 64, 64, 97, 100, 101, 127, 128, 128, 200, 256};
  static const int plane[] = {1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 19, 23, 24, 29, 31, 32};
  PetscBool slow = (PetscBool)(d->kernel_geometry || !strcmp(d->scheme, "discrete_gradient"));
  if (d->dim == 1) {
    d->cells[0] =
        chance(d, 0.04) && !d->ridge_solve ? 512 : line[below(d, d->ridge_solve ? 14 : 25)];
    d->cells[1] = 1;
  } else if (slow) {
    for (int a = 0; a < 2; ++a) d->cells[a] = plane[below(d, d->ridge_solve ? 8 : 12)];
  } else if (d->classical && chance(d, 0.2)) {
    d->cells[0] = d->cells[1] = 64;
  } else {
    for (int a = 0; a < 2; ++a) d->cells[a] = PICK(d, plane);
    if (chance(d, 0.06)) d->cells[below(d, 2)] = 1;
  }
}

/* (x - lower)/length as text, with the parentheses */
static const char *coordinate(const Draw *d, int axis) {
  static char text[2][80];
  snprintf(text[axis], sizeof text[axis], "((%c - (%.6g))/%.6g)", axis ? 'y' : 'x', d->lower[axis],
           d->length[axis]);
  return text[axis];
}

static void put_mask(Draw *d) {
  const char *u = coordinate(d, 0), *v = d->dim == 2 ? coordinate(d, 1) : "0.5";
  double a = uniform(d, 0.1, 0.9), b = uniform(d, 0.1, 0.9), r = uniform(d, 0.1, 0.4);
  put(d, ", mask_formula: \"");
  switch (below(d, 6)) {
  case 0: /* a round hole */
    put(d, "(%s - %.3f)^2 + (%s - %.3f)^2 - %.3f", u, a, v, b, r * r);
    break;
  case 1: /* a wall with a door (in 1-D two separate intervals) */
    put(d, "(abs(%s - 0.5) > %.3f) || (abs(%s - %.3f) < %.3f)", u, r / 3, v, d->dim == 2 ? b : 9,
        r / 2);
    break;
  case 2: /* a round vessel */
    put(d, "%.3f - (%s - 0.5)^2 - (%s - 0.5)^2", 0.1 + r, u, v);
    break;
  case 3: /* blobs */
    put(d, "sin(%.3f*%s + %.3f*%s)*cos(%.3f*%s - %.3f*%s) + %.3f", 40 * a, u, 30 * b, v, 30 * r, u,
        25 * a, v, uniform(d, 0, 0.5));
    break;
  case 4: /* single cells here and there */
    put(d, "sin(%.3f*(%s)^2 + %.3f*%s) + %.3f", 9e3 * a, u, 7e3 * b, v, uniform(d, 0, 0.9));
    break;
  default: /* a corner cut off */
    put(d, "(%s > %.3f) || (%s < %.3f)", u, r, v, d->dim == 2 ? b : -1);
  }
  put(d, "\"");
}

static void put_grid(Draw *d) {
  d->dim = chance(d, 0.55) ? 1 : 2;
  draw_cells(d);
  d->longest = 0;
  for (int a = 0; a < d->dim; ++a) {
    d->length[a] = chance(d, 0.7) ? uniform(d, 1, 12) : decades(d, -2, 2);
    if (a && chance(d, 0.7)) d->length[1] = d->length[0] * uniform(d, 0.5, 2);
    d->lower[a] = chance(d, 0.5) ? -d->length[a] / 2 : uniform(d, -3, 3) * d->length[a];
    d->periodic[a] = chance(d, 0.3);
    d->longest = fmax(d->longest, d->length[a]);
  }
  put(d, "grid: {");
  put(d, "lower: [%.6g", d->lower[0]);
  if (d->dim == 2) put(d, ", %.6g", d->lower[1]);
  put(d, "], upper: [%.9g", d->lower[0] + d->length[0]);
  if (d->dim == 2) put(d, ", %.9g", d->lower[1] + d->length[1]);
  put(d, "], cells: [%d", d->cells[0]);
  if (d->dim == 2) put(d, ", %d", d->cells[1]);
  put(d, "], boundary: [%s", d->periodic[0] ? "periodic" : "no_flux");
  if (d->dim == 2) put(d, ", %s", d->periodic[1] ? "periodic" : "no_flux");
  put(d, "]");
  d->masked = (PetscBool)(d->cells[0] * d->cells[1] > 8 && chance(d, d->dim == 2 ? 0.35 : 0.15));
  if (d->masked) put_mask(d);
  put(d, "}\n");
}

/* ------------------------------------------------------------------ densities */

/* Covariance of an ellipse of random widths, from a cell to many boxes. */
static void put_covariance(Draw *d) {
  double s[2] = {0}, r = chance(d, 0.5) ? 0 : uniform(d, -0.95, 0.95);
  for (int a = 0; a < d->dim; ++a)
    s[a] = d->length[a] * (chance(d, 0.7) ? uniform(d, 0.05, 0.4) : decades(d, -2.3, 1));
  if (d->dim == 1)
    put(d, "%.6g", s[0] * s[0]);
  else
    put(d, "%.9g, %.9g, %.9g, %.9g", s[0] * s[0], r * s[0] * s[1], r * s[0] * s[1], s[1] * s[1]);
}

static void put_mean(Draw *d) {
  for (int a = 0; a < d->dim; ++a)
    put(d, "%s%.6g", a ? ", " : "", d->lower[a] + d->length[a] * uniform(d, 0, 1));
}

static void put_mixture(Draw *d) {
  int n = 2 + below(d, 3);
  put(d, "type: mixture, weights: [");
  for (int k = 0; k < n; ++k)
    put(d, "%s%.6g", k ? ", " : "", chance(d, 0.7) ? uniform(d, 0.1, 1) : decades(d, -6, 6));
  put(d, "], means: [");
  for (int k = 0; k < n; ++k) {
    if (k) put(d, ", ");
    put_mean(d);
  }
  put(d, "], covariances: [");
  for (int k = 0; k < n; ++k) {
    if (k) put(d, ", ");
    put_covariance(d);
  }
  put(d, "]");
}

/* A small box, one and a half cells wide at least, or everything. */
static void put_uniform(Draw *d) {
  double low[2], high[2];
  put(d, "type: uniform");
  if (chance(d, 0.3)) return;
  for (int a = 0; a < d->dim; ++a) {
    double width = fmin(1, fmax(1.5 / d->cells[a], uniform(d, 0, 0.6)));
    low[a] = uniform(d, 0, 1 - width);
    high[a] = d->lower[a] + d->length[a] * (low[a] + width);
    low[a] = d->lower[a] + d->length[a] * low[a];
  }
  if (d->dim == 1)
    put(d, ", lower: [%.6g], upper: [%.6g]", low[0], high[0]);
  else
    put(d, ", lower: [%.6g, %.6g], upper: [%.6g, %.6g]", low[0], low[1], high[0], high[1]);
}

static void put_steep(Draw *d) {
  const char *u = coordinate(d, 0), *v = d->dim == 2 ? coordinate(d, 1) : "0.5";
  double a = decades(d, -1, 4), c = uniform(d, 0, 1), w = uniform(d, 0, 1);
  put(d, "type: formula, log_density: \"");
  switch (below(d, 5)) {
  case 0:
    put(d, "-%.6g*((%s - %.3f)^2 + (%s - %.3f)^2)", a, u, c, v, w);
    break;
  case 1:
    put(d, "-%.6g*(abs(%s - %.3f) + abs(%s - %.3f))", a, u, c, v, w);
    break;
  case 2:
    put(d, "%.6g*sin(2*pi*%d*%s)*cos(2*pi*%d*%s)", a, 1 + below(d, 4), u, below(d, 3), v);
    break;
  case 3: /* a cliff of exp(700) */
    put(d, "(%s > %.3f) ? 0 : -%.6g", u, c, fmin(a, 700));
    break;
  default:
    put(d, "-%.6g*(%s^2 - %s)^2", a, u, v);
  }
  put(d, "\"");
}

static void put_density_formula(Draw *d, PetscBool positive) {
  const char *u = coordinate(d, 0), *v = d->dim == 2 ? coordinate(d, 1) : "0.5";
  put(d, "type: formula, density: \"");
  switch (below(d, positive ? 2 : 4)) {
  case 0:
    put(d, "1 + %.4g*cos(2*pi*%d*%s)*cos(2*pi*%d*%s)", uniform(d, -0.99, 0.99), 1 + below(d, 5), u,
        below(d, 3), v);
    break;
  case 1:
    put(d, "exp(-%.6g*abs(%s - %.3f))", decades(d, -1, 2), u, uniform(d, 0, 1));
    break;
  case 2:
    put(d, "(%s > %.3f) ? 1 : 0", u, uniform(d, 0, 0.6));
    break;
  default:
    put(d, "%s*(1 - %s)", u, u);
  }
  put(d, "\"");
}

/* `everywhere`: the density must not vanish on an open set (kl needs it of the target, inclusive_kl
   of the initial density). */
static void put_density(Draw *d, const char *block, PetscBool everywhere) {
  PetscBool vanishes = PETSC_FALSE;
  put(d, "%s: {", block);
  switch (below(d, 10)) {
  case 0:
  case 1:
  case 2:
    put(d, "type: gaussian, mean: [");
    put_mean(d);
    put(d, "], covariance: [");
    put_covariance(d);
    put(d, "]");
    vanishes = (PetscBool)(block[0] == 'i');
    break;
  case 3:
  case 4:
    put_mixture(d);
    vanishes = (PetscBool)(block[0] == 'i');
    break;
  case 5:
  case 6:
    put_uniform(d);
    vanishes = PETSC_TRUE;
    break;
  case 7:
    put_density_formula(d, everywhere);
    break;
  default:
    put_steep(d);
    vanishes = (PetscBool)(block[0] == 'i');
  }
  if ((everywhere && vanishes && !d->wild) || chance(d, 0.2))
    put(d, ", background: %.6g", chance(d, 0.6) ? uniform(d, 0.01, 0.5) : decades(d, -12, 1));
  put(d, "}\n");
}

/* ------------------------------------------------------------------ energy */

static void put_summand(Draw *d, MuSummandInfo info, double weight_of, PetscBool rough);

/* One case in ten is of the classical kind, linear transport towards equilibrium. */
static PetscBool draw_classical(Draw *d) {
  static const char *const energies[] = {"kl", "entropy", "potential"};
  if (!chance(d, 0.1)) return PETSC_FALSE;
  d->energies = d->geometries = 1;
  d->geometry[0] = "wasserstein";
  d->energy[0] = energies[below(d, 2)];
  if (chance(d, 0.5)) d->energy[d->energies++] = energies[2];
  return d->transport = PETSC_TRUE;
}

static void draw_names(Draw *d, MuTableRow table, int *n, const char *chosen[4]) {
  const char *names[MAX_NAMES];
  int rows = table_names(table, names), wanted = chance(d, 0.55) ? 1 : 2 + below(d, 2);
  for (*n = 0; *n < wanted;) {
    const char *name = names[below(d, rows)];
    if (!has(*n, chosen, name)) chosen[(*n)++] = name;
  }
}

static double weight(Draw *d) {
  if (d->wild) return decades(d, -6, 6);
  return chance(d, 0.6) ? uniform(d, 0.2, 2) : decades(d, -2, 2);
}

static void put_potential(Draw *d) {
  const char *u = coordinate(d, 0), *v = d->dim == 2 ? coordinate(d, 1) : "0.5";
  double a = decades(d, -1, chance(d, 0.3) ? 4 : 1.5);
  put(d, ", potential_formula: \"");
  switch (below(d, 4)) {
  case 0:
    put(d, "%.6g*((%s - %.3f)^2 + (%s - 0.5)^2)", a, u, uniform(d, 0, 1), v);
    break;
  case 1:
    put(d, "%.6g*%s", a, u);
    break;
  case 2:
    put(d, "%.6g*cos(2*pi*%d*%s)*cos(2*pi*%s)", a, 1 + below(d, 4), u, v);
    break;
  default:
    put(d, "%.6g*(%s > %.3f)", a, u, uniform(d, 0, 1));
  }
  put(d, "\"");
}

static void put_interaction(Draw *d) {
  double l = d->longest, a = decades(d, -1, 1);
  put(d, ", interaction_formula: \"");
  switch (below(d, 4)) {
  case 0:
    put(d, "%.6g*(x^2 + y^2)", a / (l * l));
    break;
  case 1:
    put(d, "-%.6g*exp(-(x^2 + y^2)/%.6g)", a, l * l * decades(d, -3, 0));
    break;
  case 2:
    put(d, "%.6g*sqrt(x^2 + y^2)", a / l);
    break;
  default:
    put(d, "%.6g*exp(-sqrt(x^2 + y^2)/%.6g)", a, l * decades(d, -2, 0));
  }
  put(d, "\"");
}

static void put_energy(Draw *d) {
  put(d, "energy: {");
  for (int k = 0; k < d->energies; ++k) {
    double w = weight(d);
    if (!strcmp(d->energy[k], "potential") && chance(d, 0.2)) w = -w;
    if (k) put(d, ", ");
    put_summand(d, info_of(MuEnergyGetInfo, d->energy[k]), w, PETSC_FALSE);
  }
  if (has_energy(d, "power")) put(d, ", power_exponent: %.6g", d->power_exponent);
  if (has_energy(d, "internal")) put(d, ", internal_exponent: %.6g", d->internal_exponent);
  if (has_energy(d, "blob_internal"))
    put(d, ", blob_internal_exponent: %.6g", d->internal_exponent);
  for (int k = 0; k < d->energies; ++k) {
    const MuParameter *p = info_of(MuEnergyGetInfo, d->energy[k]).parameters;
    if (p && p->key && strstr(p->key, "_lambda")) put(d, ", %s: %.6g", p->key, decades(d, -4, 2));
  }
  if (has_energy(d, "moreau")) put(d, ", moreau_exponent: %d", 1 + below(d, 2));
  if (has_energy(d, "potential")) put_potential(d);
  if (has_energy(d, "interaction")) put_interaction(d);
  put(d, "}\n");
}

static void draw_energy(Draw *d) {
  static const double powers[] = {-1, -0.5, 0, 0.25, 0.5, 0.75, 0.999, 1, 1.001, 1.5, 2, 3, 4};
  static const double exponents[] = {0.5, 0.75, 0.9, 1.1, 1.5, 2, 2, 3, 5};
  if (!d->classical) draw_names(d, MuEnergyGetTableRow, &d->energies, d->energy);
  d->power_exponent = PICK(d, powers);
  d->internal_exponent = PICK(d, exponents);
  for (int k = 0; k < d->energies; ++k)
    if (info_of(MuEnergyGetInfo, d->energy[k]).needs_kernel) d->kernel_energy = PETSC_TRUE;
}

static PetscBool needs_target(const Draw *d) {
  for (int k = 0; k < d->energies; ++k)
    if (info_of(MuEnergyGetInfo, d->energy[k]).needs_target) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* ------------------------------------------------------------------ geometry and kernels */

static void draw_geometry(Draw *d) {
  draw_names(d, MuGeometryGetTableRow, &d->geometries, d->geometry);
  for (int k = 0; k < d->geometries; ++k) {
    MuPartKind kind = MU_PART_REACTION;
    MuGeometryGetKind(d->geometry[k], &kind);
    if (kind == MU_PART_TRANSPORT) d->transport = PETSC_TRUE;
    if (kind == MU_PART_REACTION) d->reaction = PETSC_TRUE;
    if (info_of(MuGeometryGetInfo, d->geometry[k]).needs_kernel) d->kernel_geometry = PETSC_TRUE;
    if (strstr(d->geometry[k], "ridge")) d->ridge = PETSC_TRUE;
    if (!strcmp(d->geometry[k], "ridge_fisher_rao") || !strcmp(d->geometry[k], "ridge_stein"))
      d->ridge_solve = PETSC_TRUE;
  }
  d->spherical = (PetscBool)(d->reaction && chance(d, 0.35));
}

static void put_face_mean(Draw *d) {
  static const char *const means[] = {"logarithmic", "arithmetic", "upwind", "limited",
                                      "stolarsky"};
  PetscBool logarithms = (PetscBool)(has_energy(d, "kl") || has_energy(d, "entropy"));
  PetscBool power = (PetscBool)(has_energy(d, "chi2") || has_energy(d, "internal") ||
                                (has_energy(d, "power") && d->power_exponent > 1));
  if (!d->transport || (has_reference(d) && !d->wild) || chance(d, 0.4)) return;
  if (d->wild)
    put(d, ", face_mean: %s", PICK(d, means));
  else if (!logarithms)
    put(d, ", face_mean: %s", means[below(d, power ? 5 : 4)]);
}

static void put_geometry(Draw *d) {
  static const double exponents[] = {0, 0.5, 1, 1.5, 2, 3};
  const PetscBool inverse = has_inverse(d);
  put(d, "geometry: {");
  for (int k = 0; k < d->geometries; ++k) {
    if (k) put(d, ", ");
    put_summand(d, info_of(MuGeometryGetInfo, d->geometry[k]), weight(d), inverse);
  }
  if (d->spherical) put(d, ", spherical: true");
  if (d->ridge || (inverse && chance(d, 0.4)))
    put(d, ", ridge: %.6g", decades(d, d->ridge_solve && chance(d, 0.8) ? -4 : -8, 1));
  if (has_geometry(d, "power_mobility") || has_geometry(d, "wasserstein_mobility"))
    put(d, ", mobility_exponent: %.6g", PICK(d, exponents));
  if (has_reference(d) && !(d->target && chance(d, 0.5)))
    put(d, ", flat_reference: \"%s\"", chance(d, 0.5) ? "uniform" : "0.3 + x^2");
  put_face_mean(d);
  put(d, "}\n");
}

/* `rough`: a kernel whose inverse exists; `definite`: no riesz; `positive`: no negative values. */
static void put_kernel_of(Draw *d, const char *block, PetscBool rough, PetscBool definite) {
  static const double smoothness[] = {0.5, 1.5, 2.5};
  const char *names[MAX_NAMES], *name;
  int rows = table_names(MuKernelGetTableRow, names);
  do {
    name = names[below(d, rows)];
  } while (!d->wild && ((definite && !strcmp(name, "riesz")) ||
                        (rough && (!strcmp(name, "gaussian") || !strcmp(name, "imq") ||
                                   !strcmp(name, "wendland") || !strcmp(name, "riesz")))));
  double bandwidth = d->longest * decades(d, -4, rough ? -0.5 : 2);
  PetscBool sum = PETSC_FALSE; /* `zero` would sum over very many periods */
  for (int a = 0; a < d->dim; ++a)
    if (d->periodic[a] && bandwidth > 20 * d->length[a]) sum = PETSC_TRUE;
  put(d, "%s: {type: %s, bandwidth: %.6g", block, name, bandwidth);
  if (!strcmp(name, "matern")) put(d, ", smoothness: %g", rough ? 0.5 : PICK(d, smoothness));
  if (!strcmp(name, "bessel")) put(d, ", order: %.4g", rough ? 1 : uniform(d, 0.6, 3));
  if (!strcmp(name, "riesz")) put(d, ", exponent: %.4g", uniform(d, 0.1, 1.9));
  if (strcmp(name, "imq") && strcmp(name, "riesz") && chance(d, 0.25))
    put(d, ", normalization: peak");
  if (chance(d, 0.5))
    put(d, ", extension: %s",
        chance(d, 0.5)           ? "reflect"
        : chance(d, 0.6) && !sum ? "zero"
                                 : "periodic");
  put(d, "}");
}

static void put_kernel(Draw *d, const char *block, PetscBool rough, PetscBool definite) {
  put_kernel_of(d, block, rough, definite);
  put(d, "\n");
}

/* Loaded names have numbers without flat keys, which stand in a mapping. */
static PetscBool has_own_numbers(MuSummandInfo info) {
  for (const MuParameter *p = info.parameters; p && p->name; ++p)
    if (!p->key) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A name with its weight: now and then a mapping, or a list in which it stands twice, with kernels
   of their own. */
static void put_summand(Draw *d, MuSummandInfo info, double weight_of, PetscBool rough) {
  const PetscBool own = has_own_numbers(info);
  const PetscBool mapping = extra_chance(d, 0.12), twice = extra_chance(d, 0.3) && !own;
  if (!mapping && !own) {
    put(d, "%s: %.6g", info.name, weight_of);
    return;
  }
  const uint64_t state = enter(d);
  put(d, "%s: %s{weight: %.6g", info.name, twice ? "[" : "", weight_of);
  for (const MuParameter *p = info.parameters; p && p->name; ++p)
    if (!p->key) put(d, ", %s: %.4g", p->name, decades(d, -1, 1));
  if (info.needs_kernel && chance(d, 0.6)) {
    put(d, ", ");
    put_kernel_of(d, "kernel", rough, PETSC_TRUE);
  }
  put(d, "}");
  if (twice) put(d, ", {weight: %.6g}]", uniform(d, 0.1, 1) * fabs(weight_of));
  leave(d, state);
}

/* One kernel for both, or one each. */
static void put_kernels(Draw *d) {
  PetscBool only_mmd = (PetscBool)(d->energies == 1 && has_energy(d, "mmd"));
  const PetscBool cancels = (PetscBool)(only_mmd && d->geometries == 1 && has_geometry(d, "mmd"));
  PetscBool inverse = (PetscBool)(has_inverse(d) && !cancels && !d->ridge);
  PetscBool conserved = (PetscBool)(!d->reaction || d->spherical);
  PetscBool any = conserved; /* the energies that want a positive kernel are all but mmd */
  for (int k = 0; k < d->energies; ++k)
    if (info_of(MuEnergyGetInfo, d->energy[k]).needs_kernel && strcmp(d->energy[k], "mmd"))
      any = PETSC_FALSE;
  if (!d->kernel_energy && !d->kernel_geometry) return;
  if (d->kernel_energy && d->kernel_geometry && chance(d, 0.4)) {
    put_kernel(d, "energy_kernel", PETSC_FALSE, (PetscBool)!any);
    put_kernel(d, "geometry_kernel", has_inverse(d), PETSC_TRUE);
  } else {
    put_kernel(d, "kernel", inverse, (PetscBool)(d->kernel_geometry || !any));
  }
}

/* ------------------------------------------------------------------ time */

static void put_time(Draw *d) {
  static const char *const solvers[] = {"coupled", "dimension_split", "direct"};
  /* the inner steps of log_density are explicit: huge steps now and then only */
  PetscBool huge = (PetscBool)(!d->reaction || chance(d, 0.3));
  double step = chance(d, 0.5) ? decades(d, -4, 0.5) : decades(d, -8, huge ? 8 : 0.5);
  int steps = 1 + below(d, 5);
  if (d->transport && extra_chance(d, 0.08)) { /* steps to a tolerance */
    const uint64_t state = enter(d);
    const char *scheme = chance(d, 0.4)              ? "extrapolation"
                         : chance(d, 0.4) || d->wild ? "runge_kutta"
                                                     : "auto";
    put(d, "time: {end: %.6g, tolerance: %.3g, scheme: %s", step * steps, decades(d, -8, -2),
        scheme);
    leave(d, state);
  } else {
    put(d, "time: {end: %.6g, step: %.6g, scheme: %s", step * steps, step, d->scheme);
  }
  if (chance(d, 0.15)) put(d, ", adapt: true, tolerance: %.3g", decades(d, -9, -2));
  if (d->dim == 2 && chance(d, 0.5)) put(d, ", transport_solver: %s", PICK(d, solvers));
  put(d, "}\n");
}

static const char *draw_scheme(Draw *d) {
  const char *names[MAX_NAMES];
  if (d->wild && chance(d, 0.5)) return names[below(d, table_names(MuSchemeGetTableRow, names))];
  if (chance(d, 0.45)) return "auto";
  if (d->transport && d->reaction)
    return chance(d, 0.4) ? "splitting" : chance(d, 0.5) ? "splitting_lie" : "discrete_gradient";
  if (d->transport) return chance(d, 0.5) ? "implicit_euler" : "discrete_gradient";
  return has_inverse(d) || has_reference(d) || chance(d, 0.4) ? "discrete_gradient" : "log_density";
}

/* ------------------------------------------------------------------ the case */

char *StressCaseText(uint64_t seed, uint64_t index, const char *directory) {
  Draw d = {.state = seed * 0xD1342543DE82EF95ull + 0x632BE59BD9B4E019ull};
  PetscBool positive_target, positive_initial;

  d.state = next(&d) + index * 0x9E3779B97F4A7C15ull;
  d.state = next(&d);
  d.extra = d.state ^ 0x5851F42D4C957F2Dull;
  d.text = malloc(TEXT_SIZE);
  if (!d.text) return NULL;
  d.wild = chance(&d, 0.1);
  put(&d, "# random case %llu of seed %llu%s\n", (unsigned long long)index,
      (unsigned long long)seed, d.wild ? ", wild" : "");
  d.classical = draw_classical(&d);
  draw_energy(&d);
  if (!d.classical) draw_geometry(&d);
  d.scheme = draw_scheme(&d);
  put_grid(&d);
  positive_target = (PetscBool)(has_energy(&d, "kl") || has_energy(&d, "chi2") ||
                                (has_energy(&d, "power") && d.power_exponent >= 1));
  positive_initial = (PetscBool)(has_energy(&d, "inclusive_kl") ||
                                 (has_energy(&d, "power") && d.power_exponent <= 0));
  d.target = (PetscBool)(needs_target(&d) || chance(&d, 0.2));
  if (d.target) put_density(&d, "target", positive_target);
  put_density(&d, "initial", positive_initial);
  put_energy(&d);
  put_geometry(&d);
  put_kernels(&d);
  put_time(&d);
  put(&d, "output: {directory: %s/run-%llu-%llu}\n", directory, (unsigned long long)seed,
      (unsigned long long)index);
  return d.text;
}
