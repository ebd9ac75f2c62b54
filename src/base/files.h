/* Files and memory. */
#ifndef MUDOT_BASE_FILES_H
#define MUDOT_BASE_FILES_H

#include <petscsys.h>

/* Opens a regular file for reading; *size (NULL: not wanted) is its length in bytes. The caller
   closes it. `key` begins the sentence, NULL: the path does. Not collective. MU_ERR_FILE: no such
   file, or a folder, a device, a pipe. */
PetscErrorCode MuFileOpen(const char *key, const char *path, FILE **file, long long *size);
/* The same without opening, for libraries that take a name. */
PetscErrorCode MuFileCheck(const char *key, const char *path);
/* Whether it is a regular file and no symbolic link, so that it may be written to. */
PetscErrorCode MuFileCheckInPlace(const char *path);
/* A new file in place of what has this name; a symbolic link is replaced, never followed. NULL with
   errno. Not collective. */
FILE *MuFileCreate(const char *path);
/* A regular file, to be read and written ("r+"). NULL if there is none, or a symbolic link. */
FILE *MuFileUpdate(const char *path);
/* Appends; made if it is not there. NULL with errno, also if the name is a symbolic link. */
FILE *MuFileAppend(const char *path);

/* MU_ERR_FILE "path: cannot be written: reason of errno", without a reason where errno is 0. */
PetscErrorCode MuCannotWrite(const char *path);
/* Closes a file that was written under the name `partial` and gives it its own; if it is `wrong`,
   or that fails, the partial file goes and what was there stays. MU_ERR_FILE. */
PetscErrorCode MuFileFinish(FILE *file, const char *partial, const char *path, PetscBool wrong);

/* Makes an output directory with its parents, if it is not there. Not collective. MU_ERR_FILE
   begins with output_directory. */
PetscErrorCode MuMakeDirectory(const char *directory);

/* Bytes of memory that a program may take here: of the machine, or of its control group or address
   space if that is less. */
PetscReal MuMachineMemory(void);
#define MU_BYTES_LENGTH 32
/* Fields of one double per cell that the smallest run holds, measured as its peak memory. */
#define MU_LEAST_FIELDS 40
/* "1.23 GB" (powers of 1000). */
void MuFormatBytes(PetscReal bytes, char text[MU_BYTES_LENGTH]);
/* To be called before `bytes`, counted over all ranks, are allocated. MU_ERR_INPUT "key: what need
   about 1.2 TB of memory; this machine has 24 GB" if the ranks of one machine cannot have their
   share. Collective. */
PetscErrorCode MuCheckMemory(MPI_Comm comm, const char *key, const char *what, PetscReal bytes);
/* Peak memory of all ranks together. Collective. */
PetscErrorCode MuPeakMemory(MPI_Comm comm, PetscReal *megabytes);

#endif
