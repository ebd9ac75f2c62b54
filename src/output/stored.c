/* Stored results, read with doubt: HDF5 files of this program, perhaps still being written, perhaps
   damaged, perhaps of somebody else. */
#include "output/stored.h"

#define TEXT_MOST ((size_t)1 << 20) /* longer texts are not shown */

/* ------------------------------------------------------------------ datasets */

/* Every link of the path must be there and lead no further than this file. */
static PetscBool exists(const MuStored *s, const char *name) {
  char part[512];
  H5L_info_t link;
  const size_t length = strlen(name);
  if (length == 0 || length >= sizeof part) return PETSC_FALSE;
  for (size_t i = 1; i <= length; ++i) {
    if (name[i] && name[i] != '/') continue;
    memcpy(part, name, i);
    part[i] = 0;
    if (strcmp(part, "/") != 0 &&
        (H5Lexists(s->file, part, H5P_DEFAULT) <= 0 ||
         H5Lget_info(s->file, part, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD))
      return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* Not a view of other files. */
static PetscBool holds_its_own(hid_t set) {
  hid_t create = H5Dget_create_plist(set);
  PetscBool own = (PetscBool)(create >= 0 && H5Pget_external_count(create) == 0 &&
                              H5Pget_layout(create) != H5D_VIRTUAL);
  if (create >= 0) H5Pclose(create);
  return own;
}

PetscErrorCode MuStoredShape(const MuStored *s, const char *name, PetscInt *dims,
                             PetscInt extent[3]) {
  hid_t set;

  *dims = -1;
  if (!exists(s, name)) return 0;
  set = H5Dopen2(s->file, name, H5P_DEFAULT);
  if (set < 0) return 0;
  const PetscBool own = holds_its_own(set);
  H5Dclose(set);
  if (own && MuHdf5Shape(s->file, s->path, name, 3, dims, extent)) *dims = -1;
  return 0;
}

static PetscErrorCode read_series(const MuStored *s, const char *name, PetscInt *n,
                                  PetscReal **values) {
  PetscInt dims, extent[3];
  PetscErrorCode code;

  PetscFunctionBegin;
  *n = 0;
  *values = NULL;
  PetscCall(MuStoredShape(s, name, &dims, extent));
  if (dims != 1) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)extent[0] + 1, values));
  code = extent[0] ? MuHdf5Read(s->file, s->path, name, -1, extent[0], *values) : 0;
  if (code) PetscCall(PetscFree(*values));
  *n = code ? 0 : extent[0];
  PetscFunctionReturn(code);
}

/* A dataset that grows between its shape and its values is looked at again. */
PetscErrorCode MuStoredSeries(const MuStored *s, const char *name, PetscInt *n,
                              PetscReal **values) {
  PetscErrorCode code = 1;

  for (int attempt = 0; attempt < 3 && code; ++attempt) code = read_series(s, name, n, values);
  return code;
}

/* ------------------------------------------------------------------ visiting */

typedef struct {
  MuStoredVisit visit;
  void *ctx;
  PetscErrorCode code;
} Datasets;

static herr_t visit_dataset(hid_t group, const char *name, const H5L_info_t *info, void *ctx) {
  Datasets *d = ctx;
  H5O_info_t object;
  if (info->type != H5L_TYPE_HARD) return 0; /* a link may lead out of the file */
  if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return 0;
  if (object.type == H5O_TYPE_DATASET) d->code = d->visit(d->ctx, name);
  return d->code ? 1 : 0;
}

PetscErrorCode MuStoredEachDataset(const MuStored *s, const char *group, MuStoredVisit visit,
                                   void *ctx) {
  Datasets d = {.visit = visit, .ctx = ctx};
  hid_t at;

  if (!exists(s, group)) return 0;
  at = H5Gopen2(s->file, group, H5P_DEFAULT);
  if (at < 0) return 0;
  herr_t status = H5Literate(at, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_dataset, &d);
  H5Gclose(at);
  if (d.code) PetscFunctionReturn(d.code);
  if (status < 0) return MuError(MU_ERR_FILE, "%s: %s cannot be read", s->path, group);
  return 0;
}

typedef struct {
  MuStoredAttributeVisit visit;
  void *ctx;
  PetscErrorCode code;
} Attributes;

/* The text of a scalar attribute, or NULL; free() it. */
static char *attribute_text(hid_t attribute, hid_t type) {
  const size_t size = H5Tget_size(type);
  char *text = NULL, *own = NULL;
  if (H5Tis_variable_str(type) > 0) {
    if (H5Aread(attribute, type, &text) < 0 || !text) return NULL;
    if (strlen(text) <= TEXT_MOST) own = strdup(text);
    H5free_memory(text);
  } else if (size > 0 && size <= TEXT_MOST) {
    own = calloc(size + 1, 1);
    if (own && H5Aread(attribute, type, own) < 0) own[0] = 0;
  }
  return own;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *ctx) {
  Attributes *a = ctx;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = -1, space = -1;
  double number = 0;
  char *text = NULL;
  (void)info;
  if (attribute < 0) return 0;
  type = H5Aget_type(attribute);
  space = H5Aget_space(attribute);
  const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  if (space >= 0 && H5Sget_simple_extent_npoints(space) == 1) {
    if (class == H5T_STRING) text = attribute_text(attribute, type);
    if (text)
      a->code = a->visit(a->ctx, name, text, 0);
    else if ((class == H5T_INTEGER || class == H5T_FLOAT) &&
             H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) >= 0)
      a->code = a->visit(a->ctx, name, NULL, number);
  }
  free(text);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  H5Aclose(attribute);
  return a->code ? 1 : 0;
}

PetscErrorCode MuStoredEachAttribute(const MuStored *s, const char *object,
                                     MuStoredAttributeVisit visit, void *ctx) {
  Attributes a = {.visit = visit, .ctx = ctx};
  hid_t at;

  if (strcmp(object, "/") != 0 && !exists(s, object)) return 0;
  at = H5Oopen(s->file, object, H5P_DEFAULT);
  if (at < 0) return 0;
  herr_t status = H5Aiterate2(at, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &a);
  H5Oclose(at);
  if (a.code) PetscFunctionReturn(a.code);
  if (status < 0)
    return MuError(MU_ERR_FILE, "%s: the attributes of %s cannot be read", s->path, object);
  return 0;
}
