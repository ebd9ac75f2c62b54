/* run.xdmf, run.xmf and particles.xdmf: tell viewers how to read the snapshots of run.h5 and
   particles.h5. The grid is uniform and one cell thick in z, a 1-D run one cell high in y as well:
   the three-dimensional form is what readers agree on. A snapshot is a part of one dataset, which
   the readers of version 3 ("Xdmf3 Reader" of ParaView, file .xdmf) and of version 2 ("XDMF Reader"
   of ParaView, VisIt, file .xmf) want to be said in different ways. XDMF Model and Format,
   xdmf.org; sizes and corners are in the order z y x. */
#include "base/files.h"
#include "output/run_file.h"

#include <errno.h>
#include <unistd.h>

#define NUMBERS "NumberType=\"Float\" Precision=\"8\" "

/* A file being written. */
typedef struct {
  FILE *out;
  int version; /* 2 or 3 */
  const MuXdmf *x;
} Writer;

/* Item k of a dataset [snapshots][size[0]][size[1]], as an array of the given dimensions. */
typedef struct {
  const char *file, *dataset, *dimensions;
  int rank, size[2]; /* of the item */
} Part;

/* "0 0 " and the like: a number for each axis of the item. */
static void put_axes(FILE *out, int rank, const int size[], int same) {
  for (int a = 0; a < rank; ++a) fprintf(out, " %d", size ? size[a] : same);
}

/* start, stride, count, with `between` between them. */
static void put_selection(FILE *out, const Part *p, int k, const char *between) {
  fprintf(out, "%d", k);
  put_axes(out, p->rank, NULL, 0);
  fprintf(out, "%s1", between);
  put_axes(out, p->rank, NULL, 1);
  fprintf(out, "%s1", between);
  put_axes(out, p->rank, p->size, 0);
}

static void put_size(FILE *out, const Part *p, int snapshots) {
  fprintf(out, "%d", snapshots);
  put_axes(out, p->rank, p->size, 0);
}

static void put_part(const Writer *w, const Part *p, int k) {
  FILE *out = w->out;
  const int snapshots = (int)w->x->snapshots;
  if (w->version == 3) {
    fprintf(out, "          <DataItem Dimensions=\"%s\" " NUMBERS "Format=\"HDF\">%s:/%s|",
            p->dimensions, p->file, p->dataset);
    put_selection(out, p, k, ":");
    fprintf(out, ":");
    put_size(out, p, snapshots);
    fprintf(out, "</DataItem>\n");
    return;
  }
  fprintf(out,
          "          <DataItem ItemType=\"HyperSlab\" Dimensions=\"%s\">\n"
          "            <DataItem Dimensions=\"3 %d\" NumberType=\"Int\" Format=\"XML\">",
          p->dimensions, p->rank + 1);
  put_selection(out, p, k, " ");
  fprintf(out, "</DataItem>\n            <DataItem Dimensions=\"");
  put_size(out, p, snapshots);
  fprintf(out, "\" " NUMBERS "Format=\"HDF\">%s:/%s</DataItem>\n          </DataItem>\n", p->file,
          p->dataset);
}

/* ------------------------------------------------------------------ densities */

/* Thickness of the axes that the run does not have: thin, but visible. */
static PetscReal thickness(const MuGridInfo *info) {
  return (info->upper[0] - info->lower[0]) / 20;
}

static void put_mesh(const Writer *w) {
  const MuGridInfo *info = w->x->info;
  const PetscReal thin = thickness(info);
  const PetscBool flat = (PetscBool)(info->dim == 1);
  fprintf(w->out,
          "        <Topology TopologyType=\"3DCoRectMesh\" Dimensions=\"2 %d %d\"/>\n"
          "        <Geometry GeometryType=\"ORIGIN_DXDYDZ\">\n"
          "          <DataItem Dimensions=\"3\" " NUMBERS
          "Format=\"XML\">0 %.17g %.17g</DataItem>\n"
          "          <DataItem Dimensions=\"3\" " NUMBERS
          "Format=\"XML\">%.17g %.17g %.17g</DataItem>\n"
          "        </Geometry>\n",
          (int)info->cells[1] + 1, (int)info->cells[0] + 1, flat ? 0 : info->lower[1],
          info->lower[0], thin, flat ? thin : info->spacing[1], info->spacing[0]);
}

/* A field that is the same at all times: a whole dataset. */
static void put_field(const Writer *w, const char *name, const char *type, const char *dataset) {
  const MuGridInfo *info = w->x->info;
  fprintf(w->out,
          "        <Attribute Name=\"%s\" AttributeType=\"Scalar\" Center=\"Cell\">\n"
          "          <DataItem Dimensions=\"1 %d %d\" %sFormat=\"HDF\">run.h5:/%s</DataItem>\n"
          "        </Attribute>\n",
          name, (int)info->cells[1], (int)info->cells[0], type, dataset);
}

static void put_density(const Writer *w, int k) {
  const MuGridInfo *info = w->x->info;
  const int nx = (int)info->cells[0], ny = (int)info->cells[1];
  char dimensions[64];
  Part p = {.file = "run.h5", .dataset = "density", .dimensions = dimensions};
  p.rank = (int)info->dim;
  p.size[0] = info->dim == 2 ? ny : nx;
  p.size[1] = nx;
  snprintf(dimensions, sizeof dimensions, "1 %d %d", ny, nx);
  put_mesh(w);
  fprintf(w->out,
          "        <Attribute Name=\"density\" AttributeType=\"Scalar\" Center=\"Cell\">\n");
  put_part(w, &p, k);
  fprintf(w->out, "        </Attribute>\n");
  if (w->x->target) put_field(w, "log_target", NUMBERS, "target/log_density");
  put_field(w, "inside", "NumberType=\"UChar\" Precision=\"1\" ", "grid/mask");
}

/* ------------------------------------------------------------------ clouds in the plane */

static void put_cloud(const Writer *w, int k) {
  const int n = (int)w->x->particles;
  char pairs[32], ones[32];
  const Part position = {"particles.h5", "position", pairs, 2, {n, 2}};
  const Part weight = {"particles.h5", "weight", ones, 1, {n, 0}};
  snprintf(pairs, sizeof pairs, "%d 2", n);
  snprintf(ones, sizeof ones, "%d", n);
  fprintf(w->out,
          "        <Topology TopologyType=\"Polyvertex\" NumberOfElements=\"%d\" "
          "NodesPerElement=\"1\"/>\n        <Geometry GeometryType=\"XY\">\n",
          n);
  put_part(w, &position, k);
  fprintf(w->out, "        </Geometry>\n        <Attribute Name=\"weight\" "
                  "AttributeType=\"Scalar\" Center=\"Node\">\n");
  put_part(w, &weight, k);
  fprintf(w->out, "        </Attribute>\n");
}

/* ------------------------------------------------------------------ files */

static void put_collection(const Writer *w) {
  fprintf(w->out,
          "<?xml version=\"1.0\"?>\n<Xdmf Version=\"%d.0\">\n  <Domain>\n"
          "    <Grid Name=\"run\" GridType=\"Collection\" CollectionType=\"Temporal\">\n",
          w->version);
  for (PetscInt k = 0; k < w->x->snapshots; ++k) {
    fprintf(w->out,
            "      <Grid Name=\"snapshot %d\" GridType=\"Uniform\">\n"
            "        <Time Value=\"%.17g\"/>\n",
            (int)k, w->x->times[k]);
    if (w->x->info)
      put_density(w, (int)k);
    else
      put_cloud(w, (int)k);
    fprintf(w->out, "      </Grid>\n");
  }
  fprintf(w->out, "    </Grid>\n  </Domain>\n</Xdmf>\n");
}

static PetscErrorCode write_file(const MuXdmf *x, const char *name, int version) {
  char path[PETSC_MAX_PATH_LEN], partial[PETSC_MAX_PATH_LEN];
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s/%s", x->directory, name));
  PetscCall(PetscSNPrintf(partial, sizeof partial, "%s/%s.partial", x->directory, name));
  errno = 0;
  const Writer w = {.out = MuFileCreate(partial), .version = version, .x = x};
  if (!w.out) return MuCannotWrite(path);
  put_collection(&w);
  failed = (PetscBool)(ferror(w.out) != 0);
  if (fclose(w.out) != 0 || failed || rename(partial, path) != 0) {
    PetscErrorCode code = MuCannotWrite(path);
    unlink(partial);
    return code;
  }
  PetscFunctionReturn(0);
}

/* The files of densities, then those of clouds: versions 3 and 2. */
static const char *const names[] = {"run.xdmf", "run.xmf", "particles.xdmf", "particles.xmf"};

PetscErrorCode MuXdmfWrite(const MuXdmf *x) {
  const char *const *name = names + (x->info ? 0 : 2);

  PetscFunctionBegin;
  if (!x->info && x->dim != 2) PetscFunctionReturn(0);
  PetscCall(write_file(x, name[0], 3));
  PetscCall(write_file(x, name[1], 2));
  PetscFunctionReturn(0);
}

void MuXdmfRemove(const char *directory) {
  char path[PETSC_MAX_PATH_LEN];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    unlink(path);
  }
}
