/* Cases: the keys of a file and of the command line. */
#ifndef MUDOT_CASE_H
#define MUDOT_CASE_H

#include "mudot/kernel.h"

/* A case file with the overrides of the command line. */
typedef struct _p_MuCase *MuCase;

/* Reads a case. argv[0 .. argc - 1] are the arguments after the name of the command: overrides
   (-key value; a bare -key for a switch), options of PETSc (passed over) and, if file is NULL, the
   name of the case file. Values are checked here: known keys, types, numbers of items, signs,
   words, names of energies and geometries and the keys of their numbers and kernels; other names
   where they are looked up in their tables, below.
   The file is read on rank 0. A domain file (grid_file) is read below the keys of the case.
   MU_ERR_INPUT: unknown key (names the nearest), a key given twice, wrong type or number of items,
   invalid YAML; MU_ERR_FILE: a file that cannot be read. Collective. */
PetscErrorCode MuCaseCreate(MPI_Comm comm, const char *file, int argc, char **argv, MuCase *c);
/* The same from a text, e.g. the attribute `case` of run.h5; `name` stands for the file in
   sentences and in paths. Domain files are not read: the text of a run holds their keys.
   Collective. */
PetscErrorCode MuCaseCreateFromText(MPI_Comm comm, const char *name, const char *text, int argc,
                                    char **argv, MuCase *c);
PetscErrorCode MuCaseDestroy(MuCase *c);
PetscErrorCode MuCaseReference(MuCase c);
PetscErrorCode MuCaseGetComm(MuCase c, MPI_Comm *comm);

/* Getters. Keys are full names, e.g. "kernel_bandwidth". *given tells whether the key is there; the
   value is left alone if it is not. given = NULL: the key is needed, MU_ERR_INPUT if it is missing.
   A key that the table of keys does not have, or has with another type, is a mistake of the
   programmer. Not collective. */
PetscErrorCode MuCaseGetReal(MuCase c, const char *key, PetscReal *value, PetscBool *given);
PetscErrorCode MuCaseGetInt(MuCase c, const char *key, PetscInt *value, PetscBool *given);
PetscErrorCode MuCaseGetBool(MuCase c, const char *key, PetscBool *value, PetscBool *given);
/* An interval: *seconds of wall-clock time, or *steps (the other one is 0; both are 0 for "false").
 */
PetscErrorCode MuCaseGetInterval(MuCase c, const char *key, PetscReal *seconds, PetscInt *steps,
                                 PetscBool *given);
/* The whole text, commas and all; borrowed, valid as long as the case. */
PetscErrorCode MuCaseGetString(MuCase c, const char *key, const char **value, PetscBool *given);
/* Index of the word in `words`, which ends with NULL and holds every word that the key allows. */
PetscErrorCode MuCaseGetChoice(MuCase c, const char *key, const char *const words[],
                               PetscInt *value, PetscBool *given);
/* *count: on entry the room in values, on return the number of items (0 if not given). MU_ERR_INPUT
   if there are more than room. */
PetscErrorCode MuCaseGetRealArray(MuCase c, const char *key, PetscInt *count, PetscReal values[],
                                  PetscBool *given);
PetscErrorCode MuCaseGetIntArray(MuCase c, const char *key, PetscInt *count, PetscInt values[],
                                 PetscBool *given);
PetscErrorCode MuCaseGetChoiceArray(MuCase c, const char *key, const char *const words[],
                                    PetscInt *count, PetscInt values[], PetscBool *given);
/* The caller frees every text with PetscFree(). */
PetscErrorCode MuCaseGetStringArray(MuCase c, const char *key, PetscInt *count, char *values[],
                                    PetscBool *given);
/* Number of items given, 0 if the key is not there. */
PetscErrorCode MuCaseCountItems(MuCase c, const char *key, PetscInt *count);

/* A list of names, each of which must be in the table; names[] point into the table.
   MU_ERR_INPUT names the nearest. */
PetscErrorCode MuCaseGetNames(MuCase c, const char *key, MuTableRow table, PetscInt *count,
                              const char *names[], PetscBool *given);
/* One summand of an energy or a geometry as a case gives it. */
typedef struct {
  const char *name; /* the table's own text */
  PetscInt item;    /* 1, or its place among the summands of that name */
  char key[64];     /* of its weight, "geometry_stein_2": those of its other values begin so */
  PetscReal weight; /* not 0 */
  PetscReal value[MU_MAX_PARAMETERS]; /* in the order of MuSummandInfo.parameters: its own, else
                                         that of the block, else NaN */
  const char *formula;                /* the same; NULL: none. Borrowed from the case. */
  char formula_key[64];               /* the key that it was found under, or would be */
  PetscBool takes_kernel;
  PetscBool own_kernel; /* MuCaseGetKernelSpec() of "geometry_stein_2_kernel" differs from the
                           block's */
} MuCaseSummand;
/* The summands of a block ("energy", "geometry"): names in the order given, the items of a name
   one after the other; weights of 0 are left out. *count: on entry the room. MU_ERR_INPUT: a key of
   a summand without its weight, an item without the one before, no weight at all. */
PetscErrorCode MuCaseGetSummands(MuCase c, const char *block, PetscInt *count,
                                 MuCaseSummand summands[]);

/* The grid without its mask: grid_mask and grid_mask_formula are evaluated by the caller. */
PetscErrorCode MuCaseGetGridSpec(MuCase c, MuGridSpec *spec);
/* The kernel of a block: "kernel", or "energy_kernel", "geometry_kernel", "diagnostics_kernel",
   whose keys override those of kernel one by one, or of a summand, "geometry_stein_2_kernel", whose
   keys override those of the block's. *given: whether one of them is there. The values are checked
   by MuKernelCreate(). */
PetscErrorCode MuCaseGetKernelSpec(MuCase c, const char *block, MuKernelSpec *spec,
                                   PetscBool *given);
/* The one kernel of all summands of a block ("energy", "geometry") that take one, for a caller that
   has room for one only; that of the block if none does. MU_ERR_INPUT: two of them differ. */
PetscErrorCode MuCaseGetCommonKernelSpec(MuCase c, const char *block, MuKernelSpec *spec,
                                         PetscBool *given);

/* Where a file of the case is: as written (relative to the working directory), else relative to the
   folder of the case file, else to that folder's parent. MU_ERR_FILE if it is in none. Collective.
 */
PetscErrorCode MuCaseResolvePath(MuCase c, const char *path, char resolved[PETSC_MAX_PATH_LEN]);
/* The same for the path that a key gives; the sentence names the key. Collective. */
PetscErrorCode MuCaseGetPath(MuCase c, const char *key, char resolved[PETSC_MAX_PATH_LEN],
                             PetscBool *given);

/* MU_ERR_INPUT if a key that every run needs is missing: grid_lower, grid_upper, grid_cells,
   initial_type, time_end, output_directory. */
PetscErrorCode MuCaseRequire(MuCase c);

/* The case as YAML after overrides and domain file: read again, it gives the same case. Borrowed.
 */
PetscErrorCode MuCaseGetEffective(MuCase c, const char **text);
/* The first key in which the case differs from one given by its effective text, without the keys of
   `except` (ends with NULL; "study_*": a whole block); key is "" if there is none. Within energy
   and geometry the order counts as well. here, there: the values, "" where it is not given. Not
   collective. */
PetscErrorCode MuCaseCompare(MuCase c, const char *text, const char *const except[], char key[64],
                             char here[64], char there[64]);
/* The name of the case file. Not collective. */
PetscErrorCode MuCaseGetFile(MuCase c, char file[PETSC_MAX_PATH_LEN]);
/* The command line as a shell would read it: file and arguments, after what was set as the program,
   e.g. "mudot run". Borrowed. */
PetscErrorCode MuCaseGetCommandLine(MuCase c, const char **line);
PetscErrorCode MuCaseSetCommandLine(MuCase c, const char *program, int argc, char **argv);

/* Whether a key takes numbers (false: other values, or there is no such key) and whether the case
   gives it; nearest: the known key that is nearest to it, "" if none is close; its first spelling
   where it is known. Not collective. */
PetscErrorCode MuCaseHasKey(MuCase c, const char *key, PetscBool *number, PetscBool *given,
                            char nearest[64]);
/* Calls visit with every key that is given and the text of its value. Not collective. */
PetscErrorCode MuCaseVisit(MuCase c,
                           PetscErrorCode (*visit)(void *ctx, const char *key, const char *value),
                           void *ctx);

/* What may be known of a key. Those of summands are told as geometry_NAME, the weight of any name
   of the table, and geometry_NAME_KEY. */
typedef struct {
  char name[64];
  const char *block; /* NULL: there is no such key */
  const char
      *value; /* NUMBER, NUMBERS, INTEGER, INTEGERS, TEXT, WORDS, true|false, INTERVAL, WORD */
  const char *type;    /* of an item, as JSON calls it: number, integer, boolean, string */
  const char *allowed; /* the words that WORD may be ("a|b|c"), else "" */
  PetscInt most;       /* items: 1, 2 (one per axis) or 0 (any number) */
  PetscReal low, high; /* of numbers; +-PETSC_MAX_REAL: no bound */
  PetscBool above_low, below_high; /* the bound itself is not allowed */
  char doc[256];
} MuKeyInfo;
/* The key number i; info->block is NULL past the end. Not collective. */
PetscErrorCode MuCaseGetKey(PetscInt i, MuKeyInfo *key);

/* Prints keys with their values and their lines of documentation: of the blocks in the list `only`
   ("a|b", NULL: all) that are not in the list `except` (NULL: none). */
PetscErrorCode MuCasePrintBlocks(FILE *out, const char *only, const char *except);

#endif
