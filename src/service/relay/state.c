/* SPDX-License-Identifier: Apache-2.0
 *
 * service/relay/state.c - the state file: which target was talked to, and what of each shard is
 * dealt with. Lines of text, so that people can read it; replaced as a whole.
 *
 *   logcaster relay 1
 *   epoch 1
 *   target HOST:PORT
 *   shard 0 acked 4711 doubted 0
 *   end
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/relay/relay.h"

#define HEAD      "logcaster relay 1"
#define STATE_MAX (128u << 10) /* LC_SHARDS_MAX lines and some */

/* ---- reading ---- */

static bool take_number(struct lc_slice *line, const char *name, uint64_t *ret)
{
    struct lc_slice word = {0};

    if (!lc_slice_cut(line, ' ', &word) || !lc_slice_eq(word, lc_slice_cstr(name)))
        return false;
    if (!lc_slice_cut(line, ' ', &word)) {
        word = *line;
        line->n = 0;
    }
    return lc_slice_u64(word, ret) == LC_OK;
}

static bool take_line(struct lc_relay *r, struct lc_slice line, bool apply)
{
    struct lc_slice target = lc_slice_from(line, line.n < 7 ? 0 : 7);
    uint64_t shard, acked, doubted;

    if (lc_slice_starts(line, LC_LIT("target "))) {
        for (unsigned i = 0; apply && i < r->target_count; i++) {
            if (lc_slice_eq(target, lc_slice_cstr(r->config->to.items[i])))
                r->saved_target = (int)i;
        }
        return true;
    }
    if (lc_slice_starts(line, LC_LIT("epoch ")))
        return take_number(&line, "epoch", apply ? &r->epoch : &shard);
    if (!take_number(&line, "shard", &shard) || !take_number(&line, "acked", &acked) ||
        !take_number(&line, "doubted", &doubted))
        return false;
    if (apply && shard < r->link_count) {
        struct lc_relay_link *l = &r->links[shard];

        l->acked = l->saved = l->cursor = l->counted = acked;
        l->doubted = doubted;
    }
    return true;
}

/* Whether all of it is as we write it. */
static bool take_all(struct lc_relay *r, struct lc_slice text, bool apply)
{
    struct lc_slice line;

    if (!lc_slice_cut(&text, '\n', &line) || !lc_slice_eq(line, LC_LIT(HEAD)))
        return false;
    while (lc_slice_cut(&text, '\n', &line)) {
        if (lc_slice_eq(line, LC_LIT("end")))
            return text.n == 0;
        if (!take_line(r, line, apply))
            return false;
    }
    return false;
}

static lc_err read_file(const char *path, char *text, size_t cap, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;
    size_t at = 0;

    if (fd < 0)
        return -errno;
    while (at < cap && (n = read(fd, text + at, cap - at)) > 0)
        at += (size_t)n;

    lc_err e = n < 0 ? -errno : LC_OK;

    close(fd);
    *ret_n = at;
    return e;
}

void lc_relay_load(struct lc_relay *r)
{
    char *text = malloc(STATE_MAX);
    size_t n = 0;
    lc_err e = text == NULL ? -ENOMEM : read_file(r->path, text, STATE_MAX, &n);

    if (e == LC_OK && !take_all(r, lc_slice(text, n), false))
        e = LC_ECORRUPT;
    if (e == LC_OK)
        (void)take_all(r, lc_slice(text, n), true);
    else if (e != -ENOENT)
        lc_log(r->site->log, LC_LEVEL_WARN, "relay.state_lost", LC_LOG_TEXT("file", r->path),
               LC_LOG_ERR("cause", e));
    free(text);
}

/* ---- writing ---- */

static lc_err print_state(const struct lc_relay *r, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, HEAD "\nepoch %llu\n", (unsigned long long)r->epoch);

    if (e == LC_OK && r->saved_target >= 0)
        e = lc_dynbuf_printf(out, "target %s\n", r->config->to.items[r->saved_target]);
    for (unsigned i = 0; e == LC_OK && i < r->link_count; i++) {
        const struct lc_relay_link *l = &r->links[i];

        e = lc_dynbuf_printf(out, "shard %u acked %llu doubted %llu\n", i,
                             (unsigned long long)l->acked, (unsigned long long)l->doubted);
    }
    return e == LC_OK ? lc_dynbuf_printf(out, "end\n") : e;
}

static lc_err write_file(const char *path, struct lc_slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    lc_err e = LC_OK;

    if (fd < 0)
        return -errno;
    while (text.n > 0 && e == LC_OK) {
        ssize_t n = write(fd, text.p, text.n);

        if (n < 0 && errno != EINTR)
            e = -errno;
        else if (n > 0)
            text = lc_slice_from(text, (size_t)n);
    }
    if (e == LC_OK && fsync(fd) != 0)
        e = -errno;
    close(fd);
    return e;
}

static lc_err sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lc_err e = LC_OK;

    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        e = -errno;
    close(fd);
    return e;
}

static lc_err replace_file(struct lc_relay *r, struct lc_slice text)
{
    char next[sizeof r->path + 4];

    snprintf(next, sizeof next, "%s.new", r->path);

    lc_err e = write_file(next, text);

    if (e == LC_OK && rename(next, r->path) != 0)
        e = -errno;
    return e == LC_OK ? sync_dir(r->site->config.data_dir) : e;
}

/* Only what the file says counts after a crash: so nothing is released before. */
static void release(struct lc_relay *r)
{
    for (unsigned i = 0; i < r->link_count; i++) {
        struct lc_relay_link *l = &r->links[i];

        if (l->acked > l->saved && r->site->config.spool_octets != 0)
            lc_store_release(r->site->store, l->shard, l->acked);
        l->saved = l->acked;
    }
}

lc_err lc_relay_save(struct lc_relay *r)
{
    struct lc_dynbuf text;

    lc_dynbuf_init(&text, STATE_MAX);

    lc_err e = print_state(r, &text);

    if (e == LC_OK)
        e = replace_file(r, lc_dynbuf_slice(&text));
    if (e == LC_OK)
        release(r);
    else
        lc_log(r->site->log, LC_LEVEL_ERROR, "relay.state_not_saved", LC_LOG_TEXT("file", r->path),
               LC_LOG_ERR("cause", e));
    r->is_dirty = e != LC_OK;
    lc_dynbuf_done(&text);
    return e;
}
