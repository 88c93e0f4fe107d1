/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_networks.c - lists of networks: a list holds an address when one of its words does, and
 * every address that a word begins or ends with.
 */
#include <stdlib.h>

#include "access/networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define WORDS_MAX 64

struct words {
    struct lc_networks *set[WORDS_MAX];
    size_t count;
};

/* Each word as a set of its own; what parses in a list parses alone. */
static void split(char *text, struct words *w)
{
    for (char *save, *word = strtok_r(text, ", \t\r\n", &save);
         word != NULL && w->count < WORDS_MAX; word = strtok_r(NULL, ", \t\r\n", &save)) {
        const char *one = word;
        lc_err e = lc_networks_parse(&one, 1, &w->set[w->count], NULL);

        LC_ASSERT(e == LC_OK);
        w->count++;
    }
}

static void compare(const struct lc_networks *all, const struct words *w,
                    const struct lc_peer *peer)
{
    bool in_one = false;

    for (size_t i = 0; i < w->count; i++)
        in_one |= lc_networks_has(w->set[i], peer);
    LC_ASSERT(lc_networks_has(all, peer) == in_one || w->count == WORDS_MAX);
}

/* Addresses made of the input's own octets, and their neighbours. */
static void probe(const struct lc_networks *all, const struct words *w, const uint8_t *p, size_t n)
{
    struct lc_peer peer = {.is_unix = true};

    compare(all, w, &peer);
    peer.is_unix = false;
    for (size_t at = 0; at + sizeof peer.ip <= n; at += sizeof peer.ip / 2) {
        memcpy(peer.ip, p + at, sizeof peer.ip);
        compare(all, w, &peer);
        memset(peer.ip, 0, 10);
        peer.ip[10] = peer.ip[11] = 0xff;
        for (int step = 0; step < 3; step++, peer.ip[15]++)
            compare(all, w, &peer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct words w = {.count = 0};
    struct lc_networks *all = NULL;
    struct lc_diag diag = {.column = 0};
    char *text = malloc(n + 1);
    const char *one = text;

    if (text == NULL)
        return 0;
    memcpy(text, p, n);
    text[n] = 0;
    if (lc_networks_parse(&one, 1, &all, &diag) == LC_OK) {
        split(text, &w);
        probe(all, &w, p, n);
    } else {
        LC_ASSERT(diag.text[0] != 0 && diag.column <= n);
    }
    for (size_t i = 0; i < w.count; i++)
        lc_networks_free(w.set[i]);
    lc_networks_free(all);
    free(text);
    return 0;
}
