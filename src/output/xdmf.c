/* run.xdmf: tells viewers how to read the snapshots of run.h5. The grid is uniform and one cell
   thick in z, a 1-D run one cell high in y as well: the three-dimensional form is what readers
   agree on. A snapshot is a hyperslab of one dataset, which the readers of XDMF 2 take ("XDMF
   Reader" of ParaView, VisIt) but ParaView's "Xdmf3 Reader" does not. XDMF Model and Format,
   xdmf.org; sizes and corners are in the order z y x. */
#include "base/files.h"
#include "output/run_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Thickness of the axes that the run does not have: thin, but visible. */
static PetscReal thickness(const MuGridInfo *info) {
  return (info->upper[0] - info->lower[0]) / 20;
}

static void write_mesh(FILE *out, const MuGridInfo *info) {
  const PetscReal thin = thickness(info);
  const PetscBool flat = (PetscBool)(info->dim == 1);
  fprintf(out,
          "        <Topology TopologyType=\"3DCoRectMesh\" Dimensions=\"2 %d %d\"/>\n"
          "        <Geometry GeometryType=\"ORIGIN_DXDYDZ\">\n"
          "          <DataItem Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" "
          "Format=\"XML\">0 %.17g %.17g</DataItem>\n"
          "          <DataItem Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" "
          "Format=\"XML\">%.17g %.17g %.17g</DataItem>\n"
          "        </Geometry>\n",
          (int)info->cells[1] + 1, (int)info->cells[0] + 1, flat ? 0 : info->lower[1],
          info->lower[0], thin, flat ? thin : info->spacing[1], info->spacing[0]);
}

/* Snapshot k of the dataset [ns][ny][nx] or [ns][nx]: start, stride and count, then the source. */
static void write_values(FILE *out, const MuGridInfo *info, int k, int snapshots) {
  const int nx = (int)info->cells[0], ny = (int)info->cells[1];
  fprintf(out, "          <DataItem ItemType=\"HyperSlab\" Dimensions=\"1 %d %d\">\n", ny, nx);
  if (info->dim == 2)
    fprintf(out,
            "            <DataItem Dimensions=\"3 3\" NumberType=\"Int\" Format=\"XML\">%d 0 0 1 1 "
            "1 1 %d %d</DataItem>\n            <DataItem Dimensions=\"%d %d %d\" ",
            k, ny, nx, snapshots, ny, nx);
  else
    fprintf(out,
            "            <DataItem Dimensions=\"3 2\" NumberType=\"Int\" Format=\"XML\">%d 0 1 1 1 "
            "%d</DataItem>\n            <DataItem Dimensions=\"%d %d\" ",
            k, nx, snapshots, nx);
  fprintf(out, "NumberType=\"Float\" Precision=\"8\" Format=\"HDF\">run.h5:/density</DataItem>\n"
               "          </DataItem>\n");
}

static void write_snapshot(FILE *out, const MuGridInfo *info, int k, int snapshots, PetscReal t) {
  fprintf(out,
          "      <Grid Name=\"snapshot %d\" GridType=\"Uniform\">\n"
          "        <Time Value=\"%.17g\"/>\n",
          k, t);
  write_mesh(out, info);
  fprintf(out, "        <Attribute Name=\"density\" AttributeType=\"Scalar\" Center=\"Cell\">\n");
  write_values(out, info, k, snapshots);
  fprintf(out, "        </Attribute>\n      </Grid>\n");
}

static void write_collection(FILE *out, const MuGridInfo *info, PetscInt snapshots,
                             const PetscReal *times) {
  fprintf(out, "<?xml version=\"1.0\"?>\n<Xdmf Version=\"2.0\">\n  <Domain>\n"
               "    <Grid Name=\"run\" GridType=\"Collection\" CollectionType=\"Temporal\">\n");
  for (PetscInt k = 0; k < snapshots; ++k)
    write_snapshot(out, info, (int)k, (int)snapshots, times[k]);
  fprintf(out, "    </Grid>\n  </Domain>\n</Xdmf>\n");
}

PetscErrorCode MuXdmfWrite(const char *directory, const MuGridInfo *info, PetscInt snapshots,
                           const PetscReal *times) {
  char path[PETSC_MAX_PATH_LEN], partial[PETSC_MAX_PATH_LEN];
  PetscBool failed;
  FILE *out;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/run.xdmf", directory));
  PetscCall(PetscSNPrintf(partial, sizeof partial, "%s/run.xdmf.partial", directory));
  errno = 0;
  out = MuFileCreate(partial);
  if (!out) return MuCannotWrite(path);
  write_collection(out, info, snapshots, times);
  failed = (PetscBool)(ferror(out) != 0);
  if (fclose(out) != 0 || failed || rename(partial, path) != 0) {
    PetscErrorCode code = MuCannotWrite(path);
    unlink(partial);
    return code;
  }
  PetscFunctionReturn(0);
}
