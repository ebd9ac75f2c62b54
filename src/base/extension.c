/* Shared objects that add operators, energies, kernels and diagnostics. */
#include "base/files.h"
#include "mudot/extend.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode MuRegisterCheckName(const char *kind, const char *name, const char *formula) {
  const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

  PetscFunctionBegin;
  if (!name || !formula)
    return MuError(MU_ERR_INPUT, "%s: the descriptor of %s lacks %s", kind, name ? name : "one",
                   name ? "formula" : "name");
  if (!isalpha((unsigned char)name[0]) || strspn(name, letters) != strlen(name) ||
      strlen(name) > MU_NAME_LENGTH)
    return MuError(MU_ERR_INPUT,
                   "%s: \"%s\" is no name; a name is a letter and at most %d letters, digits and "
                   "_ after it",
                   kind, name, MU_NAME_LENGTH - 1);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_version(const char *file, void *handle) {
  const int *version = dlsym(handle, "mudot_extension_version");

  PetscFunctionBegin;
  if (!version)
    return MuError(MU_ERR_INPUT, "-load: %s is no extension of mudot; it has no MU_EXTENSION(...)",
                   file);
  if (*version != MU_EXTENSION_VERSION)
    return MuError(
        MU_ERR_INPUT,
        "-load: %s was built for version %d of the interface, this mudot has version %d; "
        "build it again",
        file, *version, MU_EXTENSION_VERSION);
  PetscFunctionReturn(0);
}

PetscErrorCode MuExtensionLoad(const char *file) {
  static void *loaded[64];
  char path[PETSC_MAX_PATH_LEN];
  void *handle;
  int count = 0;
  PetscErrorCode (*start)(void);

  PetscFunctionBegin;
  PetscCall(MuFileCheck("-load", file));
  /* without a slash the loader would search its own folders */
  snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : "./", file);
  handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return MuError(MU_ERR_FILE, "-load: %s cannot be loaded: %s", file, dlerror());
  while (count < 64 && loaded[count] && loaded[count] != handle) ++count;
  if (count == 64) return MuError(MU_ERR_INPUT, "-load: at most 64 extensions are allowed");
  if (loaded[count] == handle) PetscFunctionReturn(0); /* it was named twice */
  PetscCall(check_version(file, handle));
  *(void **)&start = dlsym(handle, "mudot_extension_start");
  if (!start)
    return MuError(MU_ERR_INPUT, "-load: %s is no extension of mudot; it has no MU_EXTENSION(...)",
                   file);
  PetscCall(start());
  loaded[count] = handle;
  PetscFunctionReturn(0);
}
