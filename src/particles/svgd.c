/* Stein variational gradient descent: Liu and Wang (2016). With DF = D log mu + R, by Stein's
   identity,
     x' = -a k*(mu grad DF)(x) = a sum_j w_j [-k(x - x_j) grad R(x_j) + D grad_(x_j) k(x - x_j)].
   Under `reflect` component v of the field has images that are odd along its own axis. */
#include "particles/particles_impl.h"

static PetscErrorCode create(MuParticles p) {
  return MuWallKernelOfCase(p->c, p->comm, "geometry", "svgd needs a kernel", p->cloud.dim, p->info,
                            &p->geometry_kernel);
}

/* columns [n][1 + dim]: w, w grad R; after the sums k*mu and k*(mu grad R). */
static PetscErrorCode step(MuParticles p, PetscReal dt) {
  const PetscInt n = p->cloud.n, dim = p->cloud.dim;
  PetscReal diffusivity;

  PetscFunctionBegin;
  PetscCall(MuCloudEnergyGetDiffusivity(p->energy, &diffusivity));
  for (PetscInt i = 0; i < n; ++i) {
    PetscReal *row = p->columns + i * (1 + dim);
    row[0] = p->cloud.w[i];
    for (PetscInt a = 0; a < dim; ++a) row[1 + a] = p->cloud.w[i] * p->gradient[i * dim + a];
  }
  PetscCall(MuWallKernelApplyVector(p->geometry_kernel, n, p->cloud.x, p->columns, n, p->cloud.x,
                                    p->stein_sums, p->probe));
  for (PetscInt i = 0; i < n; ++i)
    for (PetscInt a = 0; a < dim; ++a)
      p->velocity[i * dim + a] =
          -p->transport * dt *
          (p->stein_sums[i * (1 + dim) + 1 + a] + diffusivity * p->probe[i * dim + a]);
  PetscCall(MuParticlesMove(p, p->velocity));
  PetscFunctionReturn(0);
}

const MuMethodOps MuMethodSvgd = {
    .name = "svgd",
    .formula = "x' = a sum_j w_j (k(x_j, x) score(x_j) + grad_(x_j) k(x_j, x)): a stein",
    .transport = MU_OPERATOR_KERNEL_TRANSPORT,
    .logarithm = MU_LOG_STEIN,
    .create = create,
    .step = step,
};
