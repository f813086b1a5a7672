// Preloaded into a node: makes its syncs and writes of files fail. What fails is in a page that the test maps too (PARLEY_FAULT names its file), so that
// it can be switched on and off while the node runs. libfiu does the same, but its locks and jemalloc's wait for each other.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING, FDATASYNC, FSYNC, PWRITEV, SHORT_PWRITEV };

// As test_faults.py packs it.
static volatile struct {
  int32_t call;
  int32_t error;     // errno
  char where[1000];  // a part of the file's path
} *fault;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("PARLEY_FAULT");
  const int page = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *mapped = page < 0 ? MAP_FAILED : mmap(NULL, sizeof *fault, PROT_READ, MAP_SHARED, page, 0);
  if (mapped == MAP_FAILED) {
    fprintf(stderr, "PARLEY_FAULT names no page\n");
    abort();
  }
  close(page);
  fault = mapped;
}

static int fails(int call, int file) {
  if (!fault || fault->call != call) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, (const char *)fault->where) != NULL;
}

static int error(void) {
  errno = fault->error;
  return -1;
}

int fdatasync(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  return fails(FDATASYNC, file) ? error() : real(file);
}

int fsync(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  return fails(FSYNC, file) ? error() : real(file);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  static ssize_t (*real)(int, const struct iovec *, int, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwritev");
  if (fails(PWRITEV, file)) return error();
  if (!fails(SHORT_PWRITEV, file) || parts[0].iov_len < 2) return real(file, parts, count, offset);
  const struct iovec half = {parts[0].iov_base, parts[0].iov_len / 2};
  return real(file, &half, 1, offset);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off_t offset) { return pwritev(file, parts, count, offset); }
