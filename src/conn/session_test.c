/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/text_test.c - sessions on real sockets and a real loop, with a service that only takes
 * notes.
 *
 * The peer is a second stream on the same loop. It sends its input in parts, each when the session
 * has received all of the one before, then shuts its side; the test ends when both are closed.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "conn/session.h"

#define PARTS_MAX 4

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

struct world {
    int64_t skew_ns;
    struct lc_clock clock;
    struct lc_loop *loop;
    struct lc_conn_counters counters;
    struct lc_arrival_context arrivals;
    struct lc_dynbuf scratch;
    struct lc_session_config config;
    struct lc_session *session;
    struct lc_stream *peer;
    struct lc_dynbuf said; /* what the service was told */
    struct lc_dynbuf got;  /* what the peer received */
    struct lc_task turn;
    struct lc_slice parts[PARTS_MAX];
    size_t part_count, part; /* parts sent */
    uint64_t sent;
    unsigned open;
    /* How the service behaves. */
    uint64_t ids, answered;  /* records taken; answered for */
    uint64_t answer_from;    /* with so many waiting, or at the end, the outcome is told */
    unsigned no_room;        /* records that find no room before the next one does */
    unsigned question_turns; /* an answer takes so many turns */
    unsigned question_left;
    bool question_v1, asking;
    bool stay;       /* the peer doesn't shut its side */
    int64_t jump_ns; /* the clock moves before the second part is sent */
};

static lc_err say(struct world *w, const char *what, struct lc_slice s)
{
    return lc_dynbuf_printf(&w->said, "%s%.*s\n", what, (int)s.n, (const char *)s.p);
}

static lc_err on_record(void *user, const struct lc_arrival *a, uint64_t *ret_id)
{
    struct world *w = user;
    if (w->no_room > 0) {
        w->no_room--;
        return LC_EWAIT;
    }
    assert_lc_ok(say(w, a->truncated ? "cut " : "", a->record.message));
    *ret_id = ++w->ids;
    return LC_OK;
}

static void on_question(void *user, const struct lc_query_request *request)
{
    struct world *w = user;
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

static void closed(struct world *w)
{
    if (--w->open == 0)
        lc_loop_stop(w->loop);
}

static void on_closed(void *user, lc_err why)
{
    struct world *w = user;
    LC_UNUSED(why);
    w->session = NULL;
    closed(w);
}

static void on_broken(void *user, const char *what)
{
    assert_lc_ok(say(user, "broken: ", lc_slice_cstr(what)));
}

static const struct lc_session_handler handler = {
    .record = on_record,
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
    struct world *w = user;
    assert_lc_ok(lc_dynbuf_append(&w->got, in));
    return in.n;
}

static void peer_eof(void *user, struct lc_slice rest)
{
    struct world *w = user;
    assert_int_equal(rest.n, 0);
    lc_stream_close(w->peer, LC_TIME_NEVER);
}

static void peer_drain(void *user)
{
    LC_UNUSED(user);
}

static void peer_closed(void *user, lc_err why)
{
    struct world *w = user;
    LC_UNUSED(why);
    w->peer = NULL;
    closed(w);
}

static const struct lc_stream_events peer_events = {peer_data, peer_eof, peer_drain, peer_closed};

static bool session_has_all(const struct world *w)
{
    return lc_loop_stats(w->loop).received_octets - w->got.n == w->sent;
}

static void send_next(struct world *w)
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

static void answer_question(struct world *w)
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
    struct world *w = LC_CONTAINER(task, struct world, turn);
    if (w->open == 0)
        return;
    send_next(w);
    if (w->session != NULL)
        lc_session_retry(w->session);
    if (w->session != NULL)
        answer_question(w);
    if (w->session != NULL && w->ids - w->answered > 0 &&
        (w->ids - w->answered >= w->answer_from || w->part > w->part_count)) {
        w->answered = w->ids;
        lc_session_outcome(w->session, w->ids, LC_OK);
    }
    lc_loop_post(w->loop, &w->turn);
}

/* ---- the test's own ---- */

static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->clock = (struct lc_clock){skewed_monotonic, system_wall, NULL, &w->skew_ns};
    const struct lc_loop_config loop = {.clock = &w->clock};
    struct lc_diag diag;
    assert_lc_ok(lc_loop_new(&loop, &w->loop, &diag));
    w->arrivals.clock = &w->clock;
    w->arrivals.counters = &w->counters;
    lc_dynbuf_init(&w->scratch, 2 * LC_ANSWERS_OCTETS_MAX);
    lc_dynbuf_init(&w->said, 64 << 20);
    lc_dynbuf_init(&w->got, 64 << 20);
    lc_task_init(&w->turn, on_turn);
    w->config = (struct lc_session_config){
        .loop = w->loop,
        .arrivals = &w->arrivals,
        .out = &w->scratch,
        .speaks = LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED),
        .line_max = 64 << 10,
        .acks = LC_ACKS_ON,
        .not_spoken = "not here",
        .out_high = 256 << 10,
        .out_max = (256 << 10) + 2 * LC_ANSWERS_OCTETS_MAX,
    };
}

static void end(struct world *w)
{
    lc_loop_free(w->loop);
    lc_dynbuf_done(&w->scratch);
    lc_dynbuf_done(&w->said);
    lc_dynbuf_done(&w->got);
}

/* A whole session. */
static void run(struct world *w)
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

static void part(struct world *w, struct lc_slice s)
{
    assert_true(w->part_count < PARTS_MAX);
    w->parts[w->part_count++] = s;
}

/* The same whatever the splits. */
static void splits(struct lc_slice input, size_t line_max, const char *said, const char *got)
{
    for (size_t at = 0; at < input.n; at++) {
        struct world w;
        begin(&w);
        w.config.line_max = line_max;
        if (at > 0)
            part(&w, lc_slice(input.p, at));
        part(&w, lc_slice_from(input, at));
        run(&w);
        assert_slice(lc_dynbuf_slice(&w.said), said);
        assert_slice(lc_dynbuf_slice(&w.got), got);
        end(&w);
    }
}

static void each_line_is_told_apart_in_every_split(void **state)
{
    LC_UNUSED(state);
    splits(LC_LIT("LOG:1640995200:INFO:a\r\nPING\n\nLOG|WARN|2|b|c\nplain\n<13>kern: d\n"
                  "LOG|bad\nAUTH|me\nlast"),
           1000, "a\nb|c\nplain\nd\nlast\n",
           "ACK\nPONG\nOK|2\nACK\n"
           "ERROR|expected LOG|<level>|<unix seconds>|<message>\nERROR|no accounts are set up\n"
           "ACK\n");
}

static void quit_closes_after_all_answers(void **state)
{
    LC_UNUSED(state);
    splits(LC_LIT("one\nPING\nQUIT\nnever seen\n"), 1000, "one\n", "ACK\nPONG\n");
}

static void frames_are_counted_in_every_split(void **state)
{
    LC_UNUSED(state);
    splits(LC_LIT("17 <13>1 - - - - - -18 <13>1 - - - - - -\n5 PING\n<13>x: line\n9 <13>y: b\n"),
           1000, "\n\nPING\nline\nb\n", "");
}

static void both_framings_may_be_mixed(void **state)
{
    LC_UNUSED(state);
    splits(LC_LIT("<13>x: a\n9 <13>y: b\n<13>z: c\n9 <13>y: d\n"), 1000, "a\nb\nc\nd\n", "");
}

static void what_is_too_long_is_cut_or_refused(void **state)
{
    LC_UNUSED(state);
    splits(LC_LIT("LOG:1:INFO:0123456789\nLOG|INFO|1|0123456789\n0123456789ABCDEFGHIJ\n"
                  "<13>x: 0123456789ABCDEF\nok\n"),
           16, "cut 0123456789ABCDEF\ncut 012345678\nok\n",
           "ERROR:line is longer than 16 octets\nERROR|line is longer than 16 octets\nACK\nACK\n");
    splits(LC_LIT("24 <13>x: 0123456789ABCDEF\n9 <13>y: b\n"), 16, "cut 012345678\nb\n", "");
}

static void a_frame_that_breaks_off_keeps_what_came(void **state)
{
    LC_UNUSED(state);
    splits(LC_LIT("100 <13>x: broken"), 1000, "cut broken\n", "");
}

static void other_protocols_are_refused_while_they_still_send(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    part(&w, LC_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    part(&w, LC_LIT("more of it\r\n"));
    run(&w);
    assert_memory_equal(w.got.p, "HTTP/1.1 403 Forbidden\r\n", 24);
    assert_slice(lc_dynbuf_slice(&w.said), "");
    assert_int_equal(lc_counted(&w.counters.not_spoken), 1);
    end(&w);
}

static void after_the_deadline_it_is_lines(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    w.jump_ns = 11 * LC_NS_PER_S;
    part(&w, LC_LIT("9 "));
    part(&w, LC_LIT("<13>y: b"));
    part(&w, LC_LIT("\n"));
    run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "9 <13>y: b\n");
    end(&w);
}

static void lines_that_find_no_room_are_kept_in_order(void **state)
{
    LC_UNUSED(state);
    for (unsigned no_room = 1; no_room < 5; no_room++) {
        struct world w;
        begin(&w);
        w.no_room = no_room;
        part(&w, LC_LIT("LOG|||a\nLOG|||b\n"));
        part(&w, LC_LIT("LOG|||c\nd"));
        run(&w);
        assert_slice(lc_dynbuf_slice(&w.said), "a\nb\nc\nd\n");
        assert_slice(lc_dynbuf_slice(&w.got), "OK|1\nOK|2\nOK|3\nACK\n");
        assert_int_equal(lc_counted(&w.counters.v2), 3);
        end(&w);
    }
}

static void a_single_line_is_acknowledged_a_stream_is_not(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    w.config.acks = LC_ACKS_AUTO;
    part(&w, LC_LIT("hello\n"));
    run(&w);
    assert_slice(lc_dynbuf_slice(&w.got), "ACK\n");
    end(&w);

    begin(&w);
    w.config.acks = LC_ACKS_AUTO;
    part(&w, LC_LIT("hello\nworld\n"));
    run(&w);
    assert_slice(lc_dynbuf_slice(&w.got), "");
    assert_slice(lc_dynbuf_slice(&w.said), "hello\nworld\n");
    end(&w);
}

static void waiting_answers_slow_the_sender_down(void **state)
{
    LC_UNUSED(state);
    enum { LINES = 50000, MOST = LC_ANSWERS_OCTETS_MAX / LC_ANSWER_MAX };
    struct world w;
    struct lc_dynbuf input, expected;
    begin(&w);
    lc_dynbuf_init(&input, 64 << 20);
    lc_dynbuf_init(&expected, 64 << 20);
    for (unsigned i = 1; i <= LINES; i++) {
        assert_lc_ok(lc_dynbuf_append(&input, LC_LIT("LOG|||x\n")));
        assert_lc_ok(lc_dynbuf_printf(&expected, "OK|%u\n", i));
    }
    w.answer_from = MOST; /* nothing is answered before: the session has to stop by itself */
    part(&w, lc_dynbuf_slice(&input));
    part(&w, LC_LIT(""));
    w.stay = false;
    run(&w);
    assert_slice_eq(lc_dynbuf_slice(&w.got), lc_dynbuf_slice(&expected));
    assert_int_equal(w.ids, LINES);
    lc_dynbuf_done(&input);
    lc_dynbuf_done(&expected);
    end(&w);
}

static void questions_are_answered_in_turn(void **state)
{
    LC_UNUSED(state);
    for (unsigned turns = 0; turns < 4; turns++) {
        struct world w;
        begin(&w);
        w.question_turns = turns;
        part(&w, LC_LIT("LOG|||x\nQUERY|KEYWORD|a\nPING\nQUERY|COUNT|b\nROWS|json\nSTATS\n"));
        run(&w);
        assert_slice(lc_dynbuf_slice(&w.got), "OK|1\nanswer\nPONG\nanswer\nOK\nSTATS|a=1\n");
        end(&w);
    }
}

static void v1_closes_when_nothing_more_waits(void **state)
{
    LC_UNUSED(state);
    for (unsigned turns = 0; turns < 3; turns++) {
        struct world w;
        begin(&w);
        w.question_turns = turns;
        w.stay = true; /* so it must be the session that closes */
        part(&w, LC_LIT("QUERY:a\nQUERY:b\n"));
        run(&w);
        assert_slice(lc_dynbuf_slice(&w.got), "answer\nanswer\n");
        end(&w);
    }
}

static void what_is_not_granted_is_refused(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    w.config.no_questions = "ask elsewhere";
    part(&w, LC_LIT("QUERY:a\nQUERY|COUNT|b\nSTATS\nROWS|json\nPING\n"));
    run(&w);
    assert_slice(lc_dynbuf_slice(&w.got), "ERROR:ask elsewhere\nERROR|ask elsewhere\n"
                                          "ERROR|ask elsewhere\nERROR|ask elsewhere\nPONG\n");
    assert_int_equal(lc_counted(&w.counters.not_granted), 4);
    end(&w);

    begin(&w);
    w.config.no_records = "send elsewhere";
    w.stay = true;
    part(&w, LC_LIT("LOG:1:INFO:a\nLOG|||b\nhello\n"));
    run(&w);
    assert_slice(lc_dynbuf_slice(&w.got),
                 "ERROR:send elsewhere\nERROR|send elsewhere\nERROR:Invalid query format\n");
    assert_slice(lc_dynbuf_slice(&w.said), "");
    end(&w);
}

static void a_line_interrupts_a_question(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    w.question_turns = 20;
    part(&w, LC_LIT("QUERY|TAIL|a\n"));
    part(&w, LC_LIT("\nPI"));
    part(&w, LC_LIT("NG\n"));
    run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "? a\ninterrupted\npeer ended\n");
    assert_slice(lc_dynbuf_slice(&w.got), "answer\nPONG\n");
    end(&w);
}

/* A line of which no end comes while the question is answered. */
static void a_long_line_interrupts_a_question(void **state)
{
    LC_UNUSED(state);
    static const size_t line_max[] = {16, 64 << 10};
    static char line[20000];
    memset(line, 'x', sizeof line);
    for (size_t i = 0; i < LC_ARRAY_LEN(line_max); i++) {
        struct world w;
        begin(&w);
        w.config.line_max = line_max[i];
        w.question_turns = 20;
        part(&w, LC_LIT("QUERY|TAIL|a\n"));
        part(&w, lc_slice(line, i == 0 ? 17 : sizeof line));
        part(&w, LC_LIT("\nPING\n"));
        run(&w);
        assert_memory_equal(w.said.p, "? a\ninterrupted\n", 16);
        assert_memory_equal(w.got.p, "answer\n", 7);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_told_apart_in_every_split),
        cmocka_unit_test(quit_closes_after_all_answers),
        cmocka_unit_test(frames_are_counted_in_every_split),
        cmocka_unit_test(both_framings_may_be_mixed),
        cmocka_unit_test(what_is_too_long_is_cut_or_refused),
        cmocka_unit_test(a_frame_that_breaks_off_keeps_what_came),
        cmocka_unit_test(other_protocols_are_refused_while_they_still_send),
        cmocka_unit_test(after_the_deadline_it_is_lines),
        cmocka_unit_test(lines_that_find_no_room_are_kept_in_order),
        cmocka_unit_test(a_single_line_is_acknowledged_a_stream_is_not),
        cmocka_unit_test(waiting_answers_slow_the_sender_down),
        cmocka_unit_test(questions_are_answered_in_turn),
        cmocka_unit_test(v1_closes_when_nothing_more_waits),
        cmocka_unit_test(what_is_not_granted_is_refused),
        cmocka_unit_test(a_line_interrupts_a_question),
        cmocka_unit_test(a_long_line_interrupts_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
