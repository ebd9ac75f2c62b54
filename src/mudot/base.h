/* Errors, start and end; what all tables share. */
#ifndef MUDOT_BASE_H
#define MUDOT_BASE_H

#include <petscsys.h>

#define MU_ERR_INPUT    1002 /* the case or the command line is wrong: exit status 2 */
#define MU_ERR_NUMERICS 1003 /* the numerics failed: exit status 3 */
#define MU_ERR_FILE     1004 /* a file could not be read or written: exit status 4 */

/* Starts MPI and PETSc and installs the error handler that keeps quiet about a user's mistakes.
   PETSc's options are taken from argc, argv (borrowed until MuFinalize(); may be NULL) and from
   PETSC_OPTIONS, but from no file that happens to be there. Collective on MPI_COMM_WORLD. `help` is
   PETSc's help text, may be NULL. A process that no launcher started is one rank by itself, also
   inside a step of Slurm. MU_ERR_INPUT: srun started several that MPI cannot join. */
PetscErrorCode MuInitialize(int *argc, char ***argv, const char *help);

/* Ends what MuInitialize() started. Collective. */
PetscErrorCode MuFinalize(void);

/* The longest sentence, with its end. */
#define MU_SENTENCE 4096

/* Records one sentence (printf format) and returns `code`, one of MU_ERR_*. Use: return
   MuError(MU_ERR_INPUT, ...). MuErrorMessage() may be one of what is printed. Not collective, but a
   collective caller must fail on every rank. */
PetscErrorCode MuError(PetscErrorCode code, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);

/* The sentence of the last MuError(), "" if there was none. Owned by the library. */
const char *MuErrorMessage(void);

/* One outcome for all ranks: 0 if `code` is 0 on every rank, else the code and the sentence of the
   lowest rank that failed, on all of them. Collective. */
PetscErrorCode MuErrorAgree(MPI_Comm comm, PetscErrorCode code);

/* The most terms of an energy, and parts of a geometry. */
#define MU_MAX_TERMS 16

/* One row of a table of everything of a kind that exists: its name and one-line formula; *name is
   NULL past the end. Not collective. */
typedef PetscErrorCode (*MuTableRow)(PetscInt i, const char **name, const char **formula);

/* The names of a table with commas, for a sentence. Not collective. */
PetscErrorCode MuTableNames(MuTableRow table, char names[MU_SENTENCE / 2]);

/* Looks a word up in a table: *name is the table's own text, or NULL if it is not there; nearest is
   then "; the nearest is NAME", or "" if none is close. Not collective. */
PetscErrorCode MuTableFind(MuTableRow table, const char *word, const char **name, char nearest[64]);

/* The most numbers that a summand or a kernel has beside its weight. */
#define MU_MAX_PARAMETERS 4

/* A number that an operator, an energy or a kernel has beside its weight: the case key, the line of
   help, the range and the sentences about missing and wrong values follow from it. Values stand in
   an array in the order of the descriptor's list, which ends with name = NULL. */
typedef struct {
  const char *name; /* in a mapping of a case, {weight: 1, NAME: value} */
  const char *key;  /* flat key of the block, which serves every summand that has none of its own:
                       "ridge" is geometry_ridge */
  const char *doc;  /* one line, beginning with its letter in the formula */
  PetscReal low, high; /* what is allowed: from low to high, */
  PetscBool above_low; /* the lowest not included */
  PetscBool below_high;
  PetscBool required; /* otherwise `initial` stands where it is not given */
  PetscReal initial;
} MuParameter;

/* A number of a limit. */
typedef struct {
  const char *name; /* of a parameter of the limit; NULL: none */
  PetscReal value;
} MuNamedValue;

/* What a geometry's part or an energy's term tends to as parameters go to 0, or rise. */
typedef struct {
  const char *name;                    /* a name of the same table; NULL: there is no limit */
  MuNamedValue set[MU_MAX_PARAMETERS]; /* numbers of the limit; others are those of the part, by
                                          their names */
  PetscReal factor;                    /* on the weight */
  PetscReal order; /* of the error in the parameter, or in 1 over one that rises, for smooth data;
                      0: not known */
} MuLimit;

/* Whether a value is in the range. */
PetscBool MuParameterAllows(const MuParameter *p, PetscReal value);
/* The range in words: "a number above 0", "a number from -100 to 100", "a number". */
void MuParameterRange(const MuParameter *p, size_t length, char *text);

/* Fills in what is not given (NaN) with the defaults and checks the ranges. `owner`, e.g.
   "geometry_stein", begins the sentences, `block` the flat keys in them. Not collective.
   MU_ERR_INPUT: a required number is missing, or one is out of its range. */
PetscErrorCode MuParametersCheck(const MuParameter parameters[], const char *block,
                                 const char *owner, PetscReal values[MU_MAX_PARAMETERS]);

/* What a row of the table of geometries or of energies needs beside its weight: case keys, help and
   mappings follow from it. */
typedef struct {
  const char *name, *formula;    /* as in MuTableRow */
  const MuParameter *parameters; /* NULL: none */
  PetscBool needs_kernel, needs_target;
  PetscBool any_sign;       /* the weight may be negative */
  const char *function_key; /* flat key of the formula that it needs ("potential_formula" for
                               energy_potential_formula), in a mapping "formula"; NULL: none */
  const char *function_doc; /* one line */
} MuSummandInfo;

/* Row i of a table; info->name is NULL past the end. Not collective. */
typedef PetscErrorCode (*MuSummandTable)(PetscInt i, MuSummandInfo *info);

/* The row of a name; info->name is NULL if it is not there. Not collective. */
PetscErrorCode MuSummandFind(MuSummandTable table, const char *name, MuSummandInfo *info);

#endif
