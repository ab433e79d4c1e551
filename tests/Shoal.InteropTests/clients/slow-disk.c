/* A disk that takes its time to keep things: each sync sleeps first. Loaded into a program by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_a_while(void) {
  const char *milliseconds = getenv("SLOW_DISK_MS");
  usleep((milliseconds ? atoi(milliseconds) : 100) * 1000);
}

int fsync(int file) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_a_while();
  return next(file);
}

int fdatasync(int file) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_a_while();
  return next(file);
}
