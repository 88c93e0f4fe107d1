/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/follow.c - following one server.
 */
#include "cli/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS   30000
#define CURSOR_MAX     65536 /* octets: it has a number for each shard */
#define NEWEST_MAX     ((size_t)256 << 20)

/* ---- a try, on a thread of its own ---- */

static lc_err open_tail(struct lc_followed *f)
{
    struct lc_dynbuf request;
    lc_dynbuf_init(&request, LC_ASK_MAX + CURSOR_MAX);
    lc_err e = LC_OK;
    if (f->cursor.n > 0)
        e = lc_dynbuf_append(&request, lc_dynbuf_slice(&f->cursor));
    if (e == LC_OK && f->cursor.n > 0)
        e = lc_dynbuf_append(&request, LC_LIT("|"));
    if (e == LC_OK)
        e = lc_dynbuf_append(&request, f->query);
    if (e == LC_OK)
        e = lc_ask_open(&f->client, f->server, "TAIL", lc_dynbuf_slice(&request), "", &f->diag);
    else
        lc_diag_set(&f->diag, "no memory");
    lc_dynbuf_done(&request);
    return e;
}

static void remember(struct lc_follow_ids *ids, uint64_t id)
{
    ids->ids[ids->count++ % LC_FOLLOW_LINES_MAX] = id;
}

static bool is_known(const struct lc_follow_ids *ids, uint64_t id)
{
    size_t n = ids->count < LC_FOLLOW_LINES_MAX ? ids->count : LC_FOLLOW_LINES_MAX;
    for (size_t i = 0; i < n; i++)
        if (ids->ids[i] == id)
            return true;
    return false;
}

/* 0: it has none. */
static uint64_t id_of(struct lc_slice row)
{
    char text[24];
    uint64_t id;
    if (!lc_output_member(row, "id", text, sizeof text) ||
        lc_slice_u64(lc_slice_cstr(text), &id) != LC_OK)
        return 0;
    return id;
}

static lc_err keep_newest(struct lc_followed *f, struct lc_slice row)
{
    remember(f->seen, id_of(row));
    lc_err e = lc_held_add(&f->newest, row);
    if (e != LC_OK)
        lc_diag_set(&f->diag, "the newest records: %s", lc_strerror(e));
    return e;
}

static lc_err ask_newest(struct lc_followed *f)
{
    struct lc_client c;
    char suffix[40];
    snprintf(suffix, sizeof suffix, " | limit %" PRIu64, f->lines);
    lc_err e = lc_ask_open(&c, f->server, "QL", f->query, suffix, &f->diag);
    if (e != LC_OK)
        return e;
    while (e == LC_OK || e == LC_EMORE) {
        struct lc_slice row;
        e = lc_ask_take(&c, &row, &f->diag);
        if (e == LC_OK)
            e = keep_newest(f, row);
        else if (e == LC_EMORE && (e = lc_client_receive(&c)) != LC_OK)
            e = lc_ask_failed(e, &f->diag);
    }
    lc_client_close(&c);
    return e == LC_EEND ? LC_OK : e;
}

static void *try(void *arg)
{
    struct lc_followed *f = arg;
    lc_language_here();
    f->err = open_tail(f);
    if (f->err == LC_OK && f->lines > 0) {
        f->err = ask_newest(f);
        if (f->err != LC_OK)
            lc_client_close(&f->client);
    }
    eventfd_write(f->tried_fd, 1);
    return NULL;
}

static void start_try(struct lc_followed *f)
{
    int e = pthread_create(&f->thread, NULL, try, f);
    f->is_trying = e == 0;
    f->retry_at = LC_TIME_NEVER;
    if (e != 0) {
        f->err = -e;
        lc_diag_set(&f->diag, "no thread to connect by: %s", lc_strerror(-e));
        f->retry_at = lc_time_add_ms(lc_monotonic(&lc_clock_system), f->retry_ms);
    }
}

void lc_followed_begin(struct lc_followed *f, const char *server, struct lc_slice query,
                       uint64_t lines)
{
    *f = (struct lc_followed){.server = server,
                              .query = query,
                              .lines = lines,
                              .client.fd = -1,
                              .retry_at = LC_TIME_NEVER,
                              .retry_ms = RETRY_FIRST_MS};
    lc_dynbuf_init(&f->cursor, CURSOR_MAX);
    lc_held_init(&f->newest, lines, NEWEST_MAX);
    f->seen = calloc(1, sizeof *f->seen);
    f->since_cursor = calloc(1, sizeof *f->since_cursor);
    f->tried_fd = eventfd(0, EFD_CLOEXEC);
    if (f->seen != NULL && f->since_cursor != NULL && f->tried_fd >= 0) {
        start_try(f);
        return;
    }
    f->err = f->tried_fd >= 0 ? -ENOMEM : -errno;
    lc_diag_set(&f->diag, "%s: %s", server, lc_strerror(f->err));
}

/* Away: the next try is due after a wait that doubles each time. */
static void lose(struct lc_followed *f)
{
    f->is_open = false;
    for (size_t i = 0; i < f->since_cursor->count && i < LC_FOLLOW_LINES_MAX; i++)
        remember(f->seen, f->since_cursor->ids[i]);
    f->since_cursor->count = 0;
    f->retry_at = lc_time_add_ms(lc_monotonic(&lc_clock_system), f->retry_ms);
    f->retry_ms = 2 * f->retry_ms < RETRY_MAX_MS ? 2 * f->retry_ms : RETRY_MAX_MS;
}

void lc_followed_settle(struct lc_followed *f)
{
    eventfd_t ended;
    if (!f->is_trying)
        return;
    pthread_join(f->thread, NULL);
    eventfd_read(f->tried_fd, &ended);
    f->is_trying = false;
    f->lines = 0; /* who joins later begins with what comes then */
    if (f->err != LC_OK) {
        /* it may be another store than the cursor is of: then from what comes now */
        if (f->err == LC_ESYNTAX)
            f->cursor.n = 0;
        lose(f);
        return;
    }
    f->is_open = true;
    f->retry_ms = RETRY_FIRST_MS;
}

void lc_followed_tell(struct lc_followed *f)
{
    if (!f->is_open && !f->was_missed)
        fprintf(stderr,
                lc_text("logcaster: %s is missing: %s; it is asked again until it is there\n"),
                f->server, f->diag.text);
    else if (f->is_open && f->was_missed)
        fprintf(stderr, lc_text("logcaster: %s is there again\n"), f->server);
    f->was_missed = !f->is_open;
}

/* ---- following ---- */

int lc_followed_fd(const struct lc_followed *f)
{
    if (f->is_trying)
        return f->tried_fd;
    return f->is_open ? f->client.fd : -1;
}

static lc_err take_row(struct lc_followed *f, struct lc_slice text,
                       lc_err (*row)(void *arg, struct lc_slice row), void *arg)
{
    uint64_t id = id_of(text);
    if (is_known(f->seen, id))
        return LC_OK;
    remember(f->since_cursor, id);
    return row(arg, text);
}

static void keep_cursor(struct lc_followed *f, struct lc_slice cursor)
{
    f->since_cursor->count = 0;
    f->cursor.n = 0;
    if (lc_dynbuf_append(&f->cursor, cursor) != LC_OK)
        f->cursor.n = 0;
}

/* CURSOR and MISSED stand between rows; a row is a JSON object. */
static lc_err take_line(struct lc_followed *f, struct lc_slice line,
                        lc_err (*row)(void *arg, struct lc_slice row), void *arg)
{
    if (lc_slice_starts(line, LC_LIT("{")))
        return take_row(f, line, row, arg);
    if (lc_slice_starts(line, LC_LIT("CURSOR|")))
        keep_cursor(f, lc_slice_from(line, 7));
    else if (lc_slice_starts(line, LC_LIT("MISSED|")))
        fprintf(
            stderr,
            lc_text("logcaster: %s: %.*s records came and were removed before they were read\n"),
            f->server, (int)line.n - 7, line.p + 7);
    return LC_OK;
}

static lc_err take_lines(struct lc_followed *f, lc_err (*row)(void *arg, struct lc_slice row),
                         void *arg)
{
    lc_err received = lc_client_receive(&f->client);
    lc_err e = LC_OK, taken;
    struct lc_slice line;
    while ((taken = lc_ask_take(&f->client, &line, &f->diag)) == LC_OK && e == LC_OK)
        e = take_line(f, line, row, arg);
    if (e != LC_OK || (received == LC_OK && taken == LC_EMORE))
        return e;
    if (taken == LC_EEND)
        lc_diag_set(&f->diag, "the server ended the tail");
    else if (taken == LC_EMORE)
        lc_ask_failed(received, &f->diag);
    lc_client_close(&f->client);
    lose(f);
    return LC_OK;
}

lc_err lc_followed_go_on(struct lc_followed *f, bool is_readable, struct lc_time now,
                         lc_err (*row)(void *arg, struct lc_slice row), void *arg)
{
    lc_err e = LC_OK;
    if (f->is_trying && is_readable)
        lc_followed_settle(f);
    else if (f->is_open && is_readable)
        e = take_lines(f, row, arg);
    else if (!f->is_trying && !f->is_open && lc_time_reached(f->retry_at, now))
        start_try(f);
    if (!f->is_trying)
        lc_followed_tell(f);
    return e;
}

void lc_followed_end(struct lc_followed *f)
{
    lc_followed_settle(f);
    if (f->is_open)
        lc_client_close(&f->client);
    if (f->tried_fd >= 0)
        close(f->tried_fd);
    lc_dynbuf_done(&f->cursor);
    lc_held_done(&f->newest);
    free(f->seen);
    free(f->since_cursor);
}
