/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/replay.c - runs a fuzz target over its corpus, without libFuzzer: what was once found stays
 * found, in every `make check`.
 *
 * Usage: replay_<target> CORPUS-DIRECTORY. Prints TAP.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The file's octets in memory that ends where they end, so that the sanitizer sees a step past
 * them. NULL: cannot be read. */
static uint8_t *read_input(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    uint8_t *p = NULL;
    long n = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (n >= 0)
        p = malloc(n > 0 ? (size_t)n : 1);
    rewind(f);
    if (p != NULL && fread(p, 1, (size_t)n, f) != (size_t)n) {
        free(p);
        p = NULL;
    }
    fclose(f);
    *ret_n = (size_t)n;
    return p;
}

static int replay(const char *path)
{
    size_t n;
    uint8_t *p = read_input(path, &n);
    if (p == NULL) {
        perror(path);
        return -1;
    }
    /* standard error is shown only when the test fails: then its last line is the culprit */
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(p, n);
    free(p);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    struct dirent **entries;
    int count = scandir(argv[1], &entries, is_input, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: no corpus\n", argv[1]);
        return 2;
    }
    int failed = 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        failed |= replay(path);
        free(entries[i]);
    }
    free(entries);
    printf("1..1\n%s 1 - %d inputs\n", failed ? "not ok" : "ok", count);
    return failed ? 1 : 0;
}
