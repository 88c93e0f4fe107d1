/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "service/relay/relay.h"

#define CONNECT_MS 10000
#define HELLO_MS   30000 /* an older connection of this sender may have to be drained first */
#define STORED_MS  60000 /* without an answer to what was sent */
#define ZSTD_LEVEL 1     /* costs little beside what it saves on the way */

#define FILES_ROWS   32768u /* of all links: what they hold of segments */
#define FILES_OCTETS (32u << 20)
#define FILES_LEAST  1024u

/* ---- what is on its way ---- */

static void forget_flight(struct lc_relay_link *l)
{
    l->flight_first = l->flight_count = 0;
    l->flight_octets = 0;
}

/* What was read and not acknowledged is read again. */
static void go_back(struct lc_relay_link *l)
{
    forget_flight(l);
    lc_batch_writer_done(&l->batch);
    lc_batch_writer_init(&l->batch);
    l->is_full = false;
    l->cursor = l->acked;
}

static void ack_upto(struct lc_relay_link *l, uint64_t id)
{
    if (id <= l->acked)
        return;
    l->acked = id;
    l->relay->is_dirty = true;
}

/* Records that are not sent, for the query or because they are gone, are dealt with when those
 * before them are. */
static void ack_passed(struct lc_relay_link *l)
{
    if (l->phase == LC_LINK_OPEN && l->flight_count == 0 && l->batch.count == 0)
        ack_upto(l, l->cursor);
}

static void on_stored(struct lc_relay_link *l, uint64_t upto)
{
    while (l->flight_count > 0 && l->flight[l->flight_first].last <= upto) {
        const struct lc_flight *f = &l->flight[l->flight_first];

        lc_count(&lc_relay_counters(l->relay)->relay_acknowledged, f->count);
        l->flight_octets -= f->octets;
        l->flight_first = (l->flight_first + 1) % LC_RELAY_FLIGHT;
        l->flight_count--;
    }
    if (lc_id_make(upto, l->shard) <= l->cursor)
        ack_upto(l, lc_id_make(upto, l->shard));

    struct lc_time deadline = LC_TIME_NEVER;

    if (l->flight_count > 0)
        deadline = lc_time_add_ms(lc_loop_now(l->relay->loop), STORED_MS);
    lc_stream_deadline(l->stream, deadline);
}

/* ---- what the target says ---- */

/* This store was put back to an earlier state: what it stores now has numbers that the target has
 * seen already. */
static void begin_epoch(struct lc_relay_link *l, uint64_t epoch)
{
    struct lc_relay *r = l->relay;

    lc_log(r->site->log, LC_LEVEL_ERROR, "relay.numbers_again", LC_LOG_U64("shard", l->shard),
           LC_LOG_U64("epoch", epoch),
           LC_LOG_TEXT("why", "the target knows more of this store than there is"));
    r->epoch = epoch;
    (void)!lc_relay_save(r); /* told in the log; without it this comes again */
    lc_relay_failed(l, "it knows more of this store than there is: the count begins anew");
}

static void on_welcome(struct lc_relay_link *l, const struct lc_sender_position *at)
{
    struct lc_relay *r = l->relay;
    uint64_t upto = at->epoch == r->epoch ? lc_id_make(at->upto, l->shard) : 0;

    if (upto > l->end) {
        begin_epoch(l, at->epoch + 1);
        return;
    }
    l->phase = LC_LINK_OPEN;
    ack_upto(l, upto);
    l->cursor = l->acked;
    if (l->sent > l->acked && l->sent_to != (int)r->target && l->doubted < l->sent)
        l->doubted = l->sent;
    l->sent_to = (int)r->target;
    lc_stream_deadline(l->stream, LC_TIME_NEVER);
    lc_relay_works(l);
}

static void on_error(struct lc_relay_link *l, struct lc_slice payload)
{
    char why[160];
    unsigned code = 0;
    struct lc_slice text = LC_LIT("");

    if (lc_batch_read_error(payload, &code, &text) != LC_OK)
        text = LC_LIT("an error that is not well-formed");
    snprintf(why, sizeof why, "it says: %.*s", (int)(text.n < 120 ? text.n : 120),
             (const char *)text.p);
    lc_relay_failed(l, why);
}

/* False: the link is gone. */
static bool on_message(struct lc_relay_link *l, const struct lc_batch_message *m)
{
    struct lc_sender_position at;
    uint64_t upto;

    if (m->command == LC_BATCH_ERROR) {
        on_error(l, m->payload);
        return false;
    }
    if (m->command == LC_BATCH_WELCOME && l->phase == LC_LINK_HELLO &&
        lc_batch_read_welcome(m->payload, &at) == LC_OK) {
        on_welcome(l, &at);
        return l->stream != NULL;
    }
    if (m->command == LC_BATCH_STORED && l->phase == LC_LINK_OPEN &&
        lc_batch_read_stored(m->payload, &upto) == LC_OK) {
        on_stored(l, upto);
        return true;
    }
    lc_relay_failed(l, "it answers what was not asked");
    return false;
}

static size_t on_data(void *user, struct lc_slice in)
{
    struct lc_relay_link *l = user;
    size_t used = 0;

    for (;;) {
        struct lc_batch_message m;
        size_t n;
        lc_err e = lc_batch_take(lc_slice_from(in, used), &m, &n);

        if (e == LC_EMORE)
            break;
        if (e != LC_OK) {
            lc_relay_failed(l, "what it answers is not binary v2: is it a LogCaster log address?");
            return in.n;
        }
        used += n;
        if (!on_message(l, &m))
            return in.n;
    }
    lc_loop_post(l->relay->loop, &l->relay->committed);
    return used;
}

static void on_eof(void *user, struct lc_slice rest)
{
    LC_UNUSED(rest);
    lc_relay_failed(user, "it has closed the connection");
}

static void on_drain(void *user)
{
    struct lc_relay_link *l = user;

    lc_loop_post(l->relay->loop, &l->relay->committed);
}

static void on_close(void *user, lc_err why)
{
    struct lc_relay_link *l = user;
    char text[96];

    l->stream = NULL;
    if (why == -ETIMEDOUT)
        snprintf(text, sizeof text, "no answer in time");
    else
        snprintf(text, sizeof text, "%s", lc_strerror(why));
    lc_relay_failed(l, text);
}

static const struct lc_stream_events events = {
    .on_data = on_data, .on_eof = on_eof, .on_drain = on_drain, .on_close = on_close};

/* After a stream was left: it tells nobody anything any more. */
static size_t ignore_data(void *user, struct lc_slice in)
{
    LC_UNUSED(user);
    return in.n;
}
static void ignore_eof(void *user, struct lc_slice rest)
{
    LC_UNUSED(user);
    LC_UNUSED(rest);
}
static void ignore_drain(void *user)
{
    LC_UNUSED(user);
}
static void ignore_close(void *user, lc_err why)
{
    LC_UNUSED(user);
    LC_UNUSED(why);
}
static const struct lc_stream_events no_events = {.on_data = ignore_data,
                                                  .on_eof = ignore_eof,
                                                  .on_drain = ignore_drain,
                                                  .on_close = ignore_close};

/* ---- connecting ---- */

static void say_hello(struct lc_relay_link *l)
{
    struct lc_relay *r = l->relay;
    const struct lc_batch_hello hello = {
        .sender = l->sender, .epoch = r->epoch, .name = lc_slice_cstr(r->config->name)};

    lc_dynbuf_consume(&r->out, r->out.n);

    lc_err e = lc_batch_put_hello(&r->out, ++l->messages, &hello);

    if (e == LC_OK)
        e = lc_stream_write(l->stream, lc_dynbuf_slice(&r->out));
    if (e != LC_OK)
        lc_relay_failed(l, lc_strerror(e));
}

static void on_connected(void *user, const struct lc_connected *c)
{
    struct lc_relay_link *l = user;
    struct lc_relay *r = l->relay;
    const struct lc_stream_config config = {.out_high = LC_RELAY_WINDOW,
                                            .out_max = 2 * LC_RELAY_WINDOW};

    l->race = NULL;
    if (c->err != LC_OK) {
        lc_relay_failed(l, c->why);
        return;
    }

    lc_err e = lc_stream_open(r->loop, c->fd, &c->addr, &config, &events, l, &l->stream);

    if (e != LC_OK) {
        l->stream = NULL;
        lc_relay_failed(l, lc_strerror(e));
        return;
    }
    l->phase = LC_LINK_HELLO;
    l->messages = 0;
    lc_stream_deadline(l->stream, lc_time_add_ms(lc_loop_now(r->loop), HELLO_MS));
    say_hello(l);
}

static void connect_to_target(struct lc_relay_link *l)
{
    struct lc_relay *r = l->relay;
    lc_err e =
        lc_connect(r->connector, &r->targets[r->target],
                   lc_time_add_ms(lc_loop_now(r->loop), CONNECT_MS), on_connected, l, &l->race);

    if (e == LC_OK) {
        l->phase = LC_LINK_CONNECTING;
        return;
    }
    l->race = NULL;
    lc_relay_failed(l, lc_strerror(e));
}

/* ---- sending ---- */

/* The rest of an earlier batch that could not be sent as it was, or a new one. */
static lc_err send_batch(struct lc_relay_link *l)
{
    struct lc_relay *r = l->relay;
    uint64_t first = lc_id_make(l->batch.first, l->shard), last = l->batch.last;
    uint32_t count = l->batch.count;
    unsigned flags = first <= l->doubted ? LC_BATCH_DOUBTED : 0;

    lc_dynbuf_consume(&r->out, r->out.n);

    lc_err e = lc_batch_finish(&l->batch, ++l->messages, flags,
                               r->config->compress ? ZSTD_LEVEL : 0, &r->out);

    if (e == LC_OK)
        e = lc_stream_write(l->stream, lc_dynbuf_slice(&r->out));
    if (e != LC_OK)
        return e;
    l->flight[(l->flight_first + l->flight_count) % LC_RELAY_FLIGHT] =
        (struct lc_flight){last, count, r->out.n};
    l->flight_count++;
    l->flight_octets += r->out.n;
    l->is_full = false;
    if (lc_id_make(last, l->shard) > l->sent)
        l->sent = lc_id_make(last, l->shard);
    lc_count(&lc_relay_counters(r)->relay_sent, count);
    if (flags != 0)
        lc_count(&lc_relay_counters(r)->relay_doubted, count);
    if (l->flight_count == 1)
        lc_stream_deadline(l->stream, lc_time_add_ms(lc_loop_now(r->loop), STORED_MS));
    return LC_OK;
}

static bool may_send(const struct lc_relay_link *l)
{
    return l->phase == LC_LINK_OPEN && !l->relay->is_moving && !l->relay->is_paused &&
           l->flight_count < LC_RELAY_FLIGHT &&
           l->flight_octets < LC_RELAY_WINDOW / l->relay->link_count;
}

/* A batch that is not full waits for the answer to the one before it: under load batches become
 * large by themselves, and a single record goes at once. */
static lc_err feed(struct lc_relay_link *l, struct lc_snapshot *snap, bool *ret_more)
{
    lc_err e = LC_OK;

    *ret_more = false;
    while (e == LC_OK && may_send(l)) {
        if (!l->is_full)
            e = lc_feed_fill(l, snap, ret_more);
        if (e != LC_OK || *ret_more || l->batch.count == 0 || (!l->is_full && l->flight_count > 0))
            break;
        e = send_batch(l);
    }
    ack_passed(l);
    return e;
}

bool lc_link_go_on(struct lc_relay_link *l, struct lc_snapshot *snap)
{
    const struct lc_relay *r = l->relay;
    bool more = false;

    l->end = lc_snapshot_end(snap, l->shard);
    if (l->phase == LC_LINK_IDLE && !r->is_paused && !r->is_moving && l->cursor < l->end)
        connect_to_target(l);
    if (l->phase != LC_LINK_OPEN)
        return false;

    lc_err e = feed(l, snap, &more);

    if (e != LC_OK) {
        lc_relay_failed(l, lc_strerror(e));
        return false;
    }
    return more;
}

/* ---- begin and end ---- */

lc_err lc_link_open(struct lc_relay_link *l, struct lc_relay *r, unsigned shard)
{
    size_t rows = FILES_ROWS / r->link_count;

    *l = (struct lc_relay_link){.relay = r, .shard = shard, .sent_to = -1};
    l->sender = lc_store_as_sender(r->site->store, lc_slice_cstr(r->config->name), shard);
    lc_batch_writer_init(&l->batch);
    l->files =
        lc_tail_files_new(rows < FILES_LEAST ? FILES_LEAST : rows, FILES_OCTETS / r->link_count);
    return l->files == NULL ? -ENOMEM : LC_OK;
}

void lc_link_drop(struct lc_relay_link *l)
{
    if (l->race != NULL)
        lc_connect_cancel(l->race);
    l->race = NULL;
    if (l->stream != NULL) {
        lc_stream_hand_over(l->stream, &no_events, NULL);
        lc_stream_close(l->stream, (struct lc_time){0});
    }
    l->stream = NULL;
    l->phase = LC_LINK_IDLE;
    go_back(l);
}

void lc_link_close(struct lc_relay_link *l)
{
    if (l->relay == NULL)
        return;
    lc_batch_writer_done(&l->batch);
    lc_tail_files_free(l->files);
    l->relay = NULL;
}
