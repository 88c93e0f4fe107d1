/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/test_conn.h"

#include <stdlib.h>
#include <sys/socket.h>

static struct lc_time skewed_monotonic(void *state)
{
    struct lc_time t = lc_monotonic(&lc_clock_system);
    t.ns += *(const int64_t *)state;
    return t;
}

static int64_t system_wall(void *state)
{
    LC_UNUSED(state);
    return lc_wall_ns(&lc_clock_system);
}

static lc_err say(struct lc_test_conn *w, const char *what, struct lc_slice s)
{
    return lc_dynbuf_printf(&w->said, "%s%.*s\n", what, (int)s.n, (const char *)s.p);
}

static lc_err on_record(void *user, const struct lc_arrival *a, uint64_t *ret_id)
{
    struct lc_test_conn *w = user;
    if (w->no_room > 0) {
        w->no_room--;
        return LC_EWAIT;
    }
    assert_lc_ok(say(w, a->truncated ? "cut " : "", a->record.message));
    *ret_id = ++w->ids;
    return LC_OK;
}

static void let_in(struct lc_test_conn *w)
{
    w->at_the_door = false;
    w->stored = w->batched;
    lc_session_welcome(w->session, &(struct lc_sender_position){w->epoch, w->batched});
}

static void on_hello(void *user, const struct lc_batch_hello *hello)
{
    struct lc_test_conn *w = user;
    assert_lc_ok(say(w, "hello ", hello->name));
    w->epoch = hello->epoch;
    w->at_the_door = true;
    w->hello_left = w->hello_turns;
    if (w->hello_turns == 0)
        let_in(w);
}

/* A message says what becomes of its record. */
static lc_err on_batched(void *user, struct lc_arrival *a, uint64_t sequence, bool doubted)
{
    struct lc_test_conn *w = user;
    if (w->no_room > 0) {
        w->no_room--;
        return LC_EWAIT;
    }
    if (lc_slice_eq(a->record.message, LC_LIT("full")))
        return LC_EFULL;
    if (lc_slice_eq(a->record.message, LC_LIT("too many")))
        return LC_ELIMIT;
    assert_lc_ok(
        lc_dynbuf_printf(&w->said, "%llu%s ", (unsigned long long)sequence, doubted ? "?" : ""));
    assert_lc_ok(say(w, "", a->record.message));
    w->batched = sequence;
    return LC_OK;
}

static void on_question(void *user, const struct lc_query_request *request)
{
    struct lc_test_conn *w = user;
    size_t sent;
    assert_lc_ok(say(w, "? ", request->parameter));
    w->asking = true;
    w->question_v1 = request->v1;
    w->question_left = w->question_turns;
    if (w->question_turns > 0)
        return;
    w->asking = false;
    assert_lc_ok(lc_session_reply(w->session, LC_LIT("answer\n"), &sent));
    lc_session_done(w->session, request->v1);
}

static void on_interrupted(void *user)
{
    assert_lc_ok(say(user, "interrupted", LC_LIT("")));
}

static void on_peer_ended(void *user)
{
    assert_lc_ok(say(user, "peer ended", LC_LIT("")));
}

static lc_err on_stats(void *user, struct lc_dynbuf *out)
{
    LC_UNUSED(user);
    return lc_dynbuf_append(out, LC_LIT("STATS|a=1\n"));
}

static void on_rows(void *user, bool json)
{
    assert_lc_ok(say(user, json ? "json" : "text", LC_LIT("")));
}

static void on_drained(void *user)
{
    LC_UNUSED(user);
}

static void closed(struct lc_test_conn *w)
{
    if (--w->open == 0)
        lc_loop_stop(w->loop);
}

static void on_closed(void *user, lc_err why)
{
    struct lc_test_conn *w = user;
    LC_UNUSED(why);
    w->session = NULL;
    closed(w);
}

static bool on_trusted(void *user, const struct lc_addr *peer)
{
    struct lc_test_conn *w = user;
    LC_UNUSED(peer);
    return w->trusts;
}

/* 192.0.2.66 is not let in. */
static bool on_proxied(void *user, const struct lc_addr *client)
{
    struct lc_test_conn *w = user;
    char text[LC_ADDR_TEXT_MAX];
    struct lc_slice s = lc_slice(text, lc_addr_format(client, text));
    assert_lc_ok(say(w, "client ", s));
    return !lc_slice_starts(s, LC_LIT("192.0.2.66:"));
}

static void on_broken(void *user, const char *what)
{
    assert_lc_ok(say(user, "broken: ", lc_slice_cstr(what)));
}

static const struct lc_session_handler handler = {
    .trusted = on_trusted,
    .proxied = on_proxied,
    .record = on_record,
    .hello = on_hello,
    .batched = on_batched,
    .question = on_question,
    .interrupted = on_interrupted,
    .peer_ended = on_peer_ended,
    .stats = on_stats,
    .rows = on_rows,
    .broken = on_broken,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- the peer ---- */

static size_t peer_data(void *user, struct lc_slice in)
{
    struct lc_test_conn *w = user;
    assert_lc_ok(lc_dynbuf_append(&w->got, in));
    return in.n;
}

static void peer_eof(void *user, struct lc_slice rest)
{
    struct lc_test_conn *w = user;
    assert_int_equal(rest.n, 0);
    lc_stream_close(w->peer, LC_TIME_NEVER);
}

static void peer_drain(void *user)
{
    LC_UNUSED(user);
}

static void peer_closed(void *user, lc_err why)
{
    struct lc_test_conn *w = user;
    LC_UNUSED(why);
    w->peer = NULL;
    closed(w);
}

static const struct lc_stream_events peer_events = {
    .on_data = peer_data, .on_eof = peer_eof, .on_drain = peer_drain, .on_close = peer_closed};

static bool session_has_all(const struct lc_test_conn *w)
{
    return lc_loop_stats(w->loop).received_octets - w->got.n == w->sent;
}

static void send_next(struct lc_test_conn *w)
{
    if (w->peer == NULL || w->part > w->part_count)
        return;
    if (w->part > 0 && w->session != NULL && !session_has_all(w) && w->answer_from == 0)
        return;
    if (w->part == 1 && w->jump_ns > 0) {
        w->skew_ns += w->jump_ns;
        w->jump_ns = 0;
        return; /* timers fire before the next turn */
    }
    if (w->part < w->part_count) {
        assert_lc_ok(lc_stream_write(w->peer, w->parts[w->part]));
        w->sent += w->parts[w->part].n;
    } else if (!w->stay) {
        lc_stream_shutdown(w->peer);
    }
    w->part++;
}

static void answer_question(struct lc_test_conn *w)
{
    size_t sent;
    if (!w->asking || w->question_left-- > 0)
        return;
    w->asking = false;
    assert_lc_ok(lc_session_reply(w->session, LC_LIT("answer\n"), &sent));
    lc_session_done(w->session, w->question_v1);
}

/* Once in each turn of the loop. */
static void on_turn(struct lc_task *task)
{
    struct lc_test_conn *w = LC_CONTAINER(task, struct lc_test_conn, turn);
    if (w->open == 0)
        return;
    send_next(w);
    if (w->session != NULL)
        lc_session_retry(w->session);
    if (w->session != NULL)
        answer_question(w);
    if (w->session != NULL && w->at_the_door && w->hello_left-- == 0)
        let_in(w);
    if (w->session != NULL && w->batched > w->stored && w->part > w->part_count) {
        w->stored = w->batched;
        lc_session_stored(w->session, w->batched, true);
    }
    if (w->session != NULL && w->ids - w->answered > 0 &&
        (w->ids - w->answered >= w->answer_from || w->part > w->part_count)) {
        w->answered = w->ids;
        lc_session_outcome(w->session, w->ids, w->refuses);
    }
    lc_loop_post(w->loop, &w->turn);
}

/* ---- the test's own ---- */

void lc_test_conn_begin(struct lc_test_conn *w)
{
    memset(w, 0, sizeof *w);
    w->clock = (struct lc_clock){skewed_monotonic, system_wall, NULL, &w->skew_ns};
    const struct lc_loop_config loop = {.clock = &w->clock};
    struct lc_diag diag;
    assert_lc_ok(lc_loop_new(&loop, &w->loop, &diag));
    w->arrivals.clock = &w->clock;
    w->arrivals.counters = &w->counters;
    lc_dynbuf_init(&w->scratch, 2 * LC_ANSWERS_OCTETS_MAX);
    lc_dynbuf_init(&w->records, LC_BATCH_MAX);
    lc_dynbuf_init(&w->said, 64 << 20);
    lc_dynbuf_init(&w->got, 64 << 20);
    lc_task_init(&w->turn, on_turn);
    w->config = (struct lc_session_config){
        .loop = w->loop,
        .arrivals = &w->arrivals,
        .out = &w->scratch,
        .records = &w->records,
        .speaks = LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED),
        .line_max = 64 << 10,
        .acks = LC_ACKS_ON,
        .not_spoken = "not here",
        .out_high = 256 << 10,
        .out_max = (256 << 10) + 2 * LC_ANSWERS_OCTETS_MAX,
    };
}

void lc_test_conn_end(struct lc_test_conn *w)
{
    lc_loop_free(w->loop);
    lc_arrival_done(&w->arrivals);
    lc_dynbuf_done(&w->scratch);
    lc_dynbuf_done(&w->records);
    lc_dynbuf_done(&w->said);
    lc_dynbuf_done(&w->got);
}

void lc_test_conn_run(struct lc_test_conn *w)
{
    const struct lc_addr nobody = {.transport = LC_UNIX_STREAM};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    const struct lc_stream_config config = {.out_high = 32u << 20};
    assert_lc_ok(lc_session_open(&w->config, &handler, w, fds[0], &nobody, &w->session));
    assert_lc_ok(lc_stream_open(w->loop, fds[1], &nobody, &config, &peer_events, w, &w->peer));
    w->open = 2;
    lc_loop_post(w->loop, &w->turn);
    assert_lc_ok(lc_loop_run(w->loop));
}

void lc_test_conn_part(struct lc_test_conn *w, struct lc_slice s)
{
    assert_true(w->part_count < LC_TEST_PARTS_MAX);
    w->parts[w->part_count++] = s;
}

void lc_test_conn_splits(struct lc_slice input, void (*set)(struct lc_test_conn *w),
                         const char *said, struct lc_slice got)
{
    for (size_t at = 0; at < input.n; at++) {
        struct lc_test_conn w;
        lc_test_conn_begin(&w);
        if (set != NULL)
            set(&w);
        if (at > 0)
            lc_test_conn_part(&w, lc_slice(input.p, at));
        lc_test_conn_part(&w, lc_slice_from(input, at));
        lc_test_conn_run(&w);
        assert_slice(lc_dynbuf_slice(&w.said), said);
        assert_slice_eq(lc_dynbuf_slice(&w.got), got);
        lc_test_conn_end(&w);
    }
}
