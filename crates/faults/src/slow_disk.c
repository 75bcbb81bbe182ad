/* Loaded into a node's process before the C library: each sync of a file waits first, as many milliseconds as the file named by
 * CLOISTER_SLOW_DISK says at that moment; and each that did adds a byte to the file beside it, `.syncs`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void count(const char *name) {
    char beside[PATH_MAX];
    FILE *file;
    snprintf(beside, sizeof beside, "%s.syncs", name);
    file = fopen(beside, "ae");
    if (file == NULL)
        return;
    fputc('.', file);
    fclose(file);
}

static void wait_first(void) {
    const char *name = getenv("CLOISTER_SLOW_DISK");
    FILE *file = name == NULL ? NULL : fopen(name, "re");
    long wait = 0;
    if (file == NULL)
        return;
    if (fscanf(file, "%ld", &wait) != 1)
        wait = 0;
    fclose(file);
    if (wait > 0) {
        struct timespec time = {wait / 1000, wait % 1000 * 1000000};
        nanosleep(&time, NULL);
        count(name);
    }
}

static int sync_after(const char *name, int file) {
    int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    wait_first();
    return sync(file);
}

int fsync(int file) {
    return sync_after("fsync", file);
}

int fdatasync(int file) {
    return sync_after("fdatasync", file);
}
