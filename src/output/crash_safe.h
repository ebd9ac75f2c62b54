/* A file driver for HDF5 under which a file that grows by appending stays readable. Private to
   output/. */
#ifndef MUDOT_CRASH_SAFE_H
#define MUDOT_CRASH_SAFE_H

#include <hdf5.h>

/* Sets the driver on a file access list. Negative if that fails. Not collective. */
herr_t MuSetCrashSafeDriver(hid_t access);

/* Lets the open file run ahead of what is in use now rather than at the first write, before readers
   come to know of it. Negative if that fails. Not collective. */
herr_t MuMakeRoomToGrow(hid_t file);

/* Whether a write failed since the last call of the above or below, with its errno: HDF5 does not
   know, so that every call of it that may write is followed by this one. Not collective. */
int MuCrashSafeLost(void);

/* H5Fclose for such a file: closed whatever happens; negative with errno if a write failed on the
   way. Not collective. */
herr_t MuCrashSafeClose(hid_t file);

#endif
