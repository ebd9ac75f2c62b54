/* Private to the spectral operators: their object, which spectral.c makes, plans.c plans and
   spectral_apply.c applies. */
#ifndef MUDOT_KERNEL_SPECTRAL_H
#define MUDOT_KERNEL_SPECTRAL_H

#include "grid/transpose.h"
#include "grid/window.h"
#include "kernel/kernel_impl.h"

#include <fftw3.h>

struct _MuSpectral {
  MuGrid grid;
  const MuGridInfo *info;
  MuAxis axis[2];
  PetscBool folded;
  PetscBool paired;          /* cosine transforms along both axes of a plane */
  PetscBool complex_rows;    /* rows go through a real-to-complex transform */
  PetscBool complex_columns; /* columns are transformed as complex numbers, or to complex ones */
  PetscInt modes[2];         /* entries of a row of the spectrum; symbols per column */
  PetscInt item;             /* reals per entry of the spectrum */
  PetscInt stride;           /* entries per row of the spectrum */
  PetscInt first, columns;   /* the columns of this rank in the second step */
  PetscInt column_stride;    /* reals from one column of a block to the next */
  PetscInt block;            /* columns per block */
  size_t symbol_size;
  PetscReal scale; /* of T^(-1) */
  PetscReal smallest, largest, mean;

  PetscReal *row_in, *row_out; /* [length[0]]; row_in keeps zeros in its padding */
  PetscReal *spectrum;         /* [rows][stride][item], of all rows with a window */
  PetscReal *transposed;       /* [columns][total_rows][item]; NULL on one rank and with a window */
  PetscReal *block_data;       /* [block][column_stride] */
  PetscReal *mode;             /* one transformed column */
  PetscReal *symbol;           /* [columns][modes[1]]; in 1-D [modes[0]] */
  PetscReal *positive;         /* the same for rational filters; symbol itself, or its own */
  PetscReal *twiddles[2];      /* paired */
  PetscReal *line;             /* 1-D on several ranks: the whole field */
  PetscMPIInt *counts, *starts;
  MuWindow window;       /* several ranks that share memory */
  MuTranspose transpose; /* several ranks that do not */
  fftw_plan row_forward, row_backward, column_forward, column_backward;
};

/* Makes the plans of `spectral`, the same on every rank: see plans.c. Overwrites its arrays.
   Collective. */
PetscErrorCode MuSpectralPlan(MuSpectral spectral);

#endif
