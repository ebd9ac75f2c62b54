/* A file driver for HDF5 (its serial POSIX driver with four operations replaced) under which a file
   can be opened by any reader while it is appended to, and after the writer was killed.

   HDF5's single-writer/multiple-reader mode writes metadata in an order in which whatever is on
   disk is consistent. What keeps an ordinary reader (not opened in that mode) out, or a file
   unreadable after a kill, is put right here:
   - HDF5 locks the file and marks it in the superblock as being written: without an operation to
     lock it does neither (and the mark would be cleared here);
   - the superblock knows the end of the file only as of the last flush, and a reader takes no
     address beyond it: before anything is written, the end in the superblock on disk is brought
     beyond it, after the file itself was made that long. On disk, size >= end in the superblock >=
     every address in use holds at any moment.
   A kill may cut a write in two where it crosses from one page of memory to the next, nowhere else.
   The superblock lies within one page; an entry of metadata is a few hundred bytes, so such a cut
   takes a kill within the fraction of a microsecond between two pages of one entry. An ordinary
   reader can meet an entry half written in the same way; to open the file again is enough.

   After the first failed write (disk full) later ones are dropped, so that the file stays as it was
   and HDF5 can close it; the caller asks for the error of the first. HDF5 must not know of any: it
   would keep the file half closed and crash over it.

   HDF5 File Format Specification Version 3.0, section II.A (superblock); lookup3 by Bob Jenkins
   (2006), the checksum of the format. */
#define _FILE_OFFSET_BITS 64
#include "output/crash_safe.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

/* superblock of version 3 with 8-byte addresses */
enum { SIZE = 48, VERSION_AT = 8, MARK_AT = 11, END_AT = 28, CHECKSUM_AT = 44 };

static const H5FD_class_t *posix; /* the driver underneath */
static hid_t driver = -1;
static fd_set broken; /* descriptors on which a write failed */
static int lost;      /* errno of the first write that failed, 0 if none did */

/* ------------------------------------------------------------------ lookup3 */

static uint32_t rotate(uint32_t x, int k) {
  return (x << k) | (x >> (32 - k));
}

static void mix(uint32_t v[3]) {
  static const int turn[6] = {4, 6, 8, 16, 19, 4};
  for (int i = 0; i < 6; ++i) {
    uint32_t *a = &v[i % 3], *b = &v[(i + 1) % 3], *c = &v[(i + 2) % 3];
    *a -= *c;
    *a ^= rotate(*c, turn[i]);
    *c += *b;
  }
}

static void finish(uint32_t v[3]) {
  static const int turn[7] = {14, 11, 25, 16, 4, 14, 24};
  for (int i = 0; i < 7; ++i) {
    uint32_t *c = &v[(i + 2) % 3], b = v[(i + 1) % 3];
    *c ^= b;
    *c -= rotate(b, turn[i]);
  }
}

static uint32_t little32(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Of the CHECKSUM_AT = 44 bytes before the checksum: three blocks of 12 and a rest of 8. */
static uint32_t checksum(const unsigned char *p) {
  uint32_t v[3] = {0xdeadbeef + CHECKSUM_AT, 0xdeadbeef + CHECKSUM_AT, 0xdeadbeef + CHECKSUM_AT};
  for (int block = 0; block < 3; ++block, p += 12) {
    for (int i = 0; i < 3; ++i) v[i] += little32(p + 4 * i);
    mix(v);
  }
  v[0] += little32(p);
  v[1] += little32(p + 4);
  finish(v);
  return v[2];
}

/* ------------------------------------------------------------------ the superblock */

static uint64_t little64(const unsigned char *p) {
  return little32(p) | (uint64_t)little32(p + 4) << 32;
}

static void store(unsigned char *p, int bytes, uint64_t value) {
  for (int i = 0; i < bytes; ++i) p[i] = (unsigned char)(value >> 8 * i);
}

static int is_superblock(const unsigned char *p) {
  return memcmp(p, "\211HDF\r\n\032\n", 8) == 0 && p[VERSION_AT] == 3 && p[9] == 8 && p[10] == 8;
}

/* Clears the mark and sets the end. */
static void mend(unsigned char *block, uint64_t end) {
  block[MARK_AT] = 0;
  store(block + END_AT, 8, end);
  store(block + CHECKSUM_AT, 4, checksum(block));
}

static int descriptor(H5FD_t *file) {
  void *handle = NULL;
  if (posix->get_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return -1;
  return *(int *)handle;
}

static int make_long(int fd, uint64_t end) {
  struct stat status;
  if (fstat(fd, &status) != 0) return -1;
  return (uint64_t)status.st_size < end ? ftruncate(fd, (off_t)end) : 0;
}

/* How far the superblock and the file run ahead of what is in use: a reader takes the end when it
   opens the file and meets what was added since. The room is a hole in the file until closing. */
static uint64_t room(uint64_t end) {
  return end / 8 > 1 << 20 ? end / 8 : 1 << 20;
}

static int set_end(int fd, unsigned char *block, uint64_t end) {
  mend(block, end);
  return pwrite(fd, block, SIZE, 0) == SIZE ? 0 : -1;
}

/* Moves the end on disk on if `end` has come near it. The file is made longer still, so that a
   reader that asked for its size just before finds the new end within it. */
static int advance_end(int fd, uint64_t end) {
  unsigned char block[SIZE];
  if (pread(fd, block, SIZE, 0) < SIZE || !is_superblock(block)) return 0;
  if (end + room(end) / 4 <= little64(block + END_AT)) return 0;
  end += room(end);
  if (make_long(fd, end + 2 * room(end)) != 0) return -1;
  return set_end(fd, block, end);
}

/* At closing: first the superblock, then the size. */
static int settle_end(int fd, uint64_t end) {
  unsigned char block[SIZE];
  if (pread(fd, block, SIZE, 0) < SIZE || !is_superblock(block)) return 0;
  return set_end(fd, block, end) != 0 || ftruncate(fd, (off_t)end) != 0 ? -1 : 0;
}

/* ------------------------------------------------------------------ the operations */

/* What HDF5 is told of a failure: nothing. */
static herr_t remember(void) {
  if (!lost) lost = errno ? errno : EIO;
  return 0;
}

int MuCrashSafeLost(void) {
  if (lost) errno = lost;
  return lost != 0;
}

static int is_broken(int fd) {
  return fd >= 0 && fd < FD_SETSIZE && FD_ISSET(fd, &broken);
}

/* The superblock as HDF5 has it, without the mark, its end no lower than on disk. */
static int mended(int fd, const void *buffer, unsigned char block[SIZE]) {
  unsigned char known[SIZE];
  memcpy(block, buffer, SIZE);
  uint64_t end = little64(block + END_AT);
  if (pread(fd, known, SIZE, 0) == SIZE && is_superblock(known) && little64(known + END_AT) > end)
    end = little64(known + END_AT);
  mend(block, end);
  return make_long(fd, end);
}

static herr_t write_ordered(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address,
                            size_t size, const void *buffer) {
  const int fd = descriptor(file);
  unsigned char block[SIZE];
  int failed;

  if (is_broken(fd)) return 0;
  failed = advance_end(fd, posix->get_eoa(file, type)) != 0;
  if (!failed && address == 0 && size == SIZE && is_superblock(buffer)) {
    failed = mended(fd, buffer, block) != 0;
    buffer = block;
  }
  failed = failed || posix->write(file, type, transfer, address, size, buffer) < 0;
  if (failed && fd >= 0 && fd < FD_SETSIZE) FD_SET(fd, &broken);
  return failed ? remember() : 0;
}

/* Entries are not gathered into larger writes: the superblock comes by itself. */
static herr_t query(const H5FD_t *file, unsigned long *flags) {
  herr_t status = posix->query(file, flags);
  if (flags) *flags &= ~(unsigned long)H5FD_FEAT_ACCUMULATE_METADATA;
  return status;
}

/* The file is never shorter than its superblock says: it is cut at closing only. */
static herr_t truncate_later(H5FD_t *file, hid_t transfer, hbool_t closing) {
  (void)file, (void)transfer, (void)closing;
  return 0;
}

static herr_t close_exact(H5FD_t *file) {
  const haddr_t end = posix->get_eoa(file, H5FD_MEM_DEFAULT);
  const int fd = descriptor(file);
  if (is_broken(fd))
    FD_CLR(fd, &broken);
  else if (file->access_flags & H5F_ACC_RDWR && settle_end(fd, end) != 0)
    remember();
  return posix->close(file);
}

herr_t MuCrashSafeClose(hid_t file) {
  const herr_t status = H5Fclose(file);
  const int failed = MuCrashSafeLost();
  lost = 0;
  return failed ? -1 : status;
}

herr_t MuMakeRoomToGrow(hid_t file) {
  void *handle = NULL;
  struct stat status;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return -1;
  if (fstat(*(int *)handle, &status) != 0) return -1;
  return advance_end(*(int *)handle, (uint64_t)status.st_size);
}

/* The class of the POSIX driver, taken from an open file. */
static const H5FD_class_t *posix_class(void) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  const H5FD_class_t *found = NULL;
  H5FD_t *file;
  if (access < 0) return NULL;
  if (H5Pset_fapl_sec2(access) >= 0 &&
      (file = H5FDopen("/dev/null", H5F_ACC_RDONLY, access, HADDR_UNDEF)) != NULL) {
    found = file->cls;
    H5FDclose(file);
  }
  H5Pclose(access);
  return found;
}

herr_t MuSetCrashSafeDriver(hid_t access) {
  static H5FD_class_t replaced;
  lost = 0;
  if (driver < 0) {
    posix = posix_class();
    if (!posix) return -1;
    replaced = *posix;
    replaced.name = "mudot_crash_safe";
    replaced.write = write_ordered;
    replaced.query = query;
    replaced.truncate = truncate_later;
    replaced.close = close_exact;
    replaced.lock = NULL;
    replaced.unlock = NULL;
    replaced.terminate = NULL;
    driver = H5FDregister(&replaced);
  }
  return driver < 0 ? -1 : H5Pset_driver(access, driver, NULL);
}
