/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/sender.c - connections: their records, how fast they may come, their answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "service/collect/collect.h"
#include "service/gates.h"

struct sender {
    struct lc_collect *collect;
    struct lc_session *session;
    struct lc_link all;
    struct lc_link waiting; /* for what becomes of its records */
    struct lc_link stalled; /* for room */
    struct lc_link slowed;  /* it is over its rate */
    struct lc_guest guest;
    struct lc_shipper shipper;
    bool is_handed; /* another worker has its connection now */
    char source[LC_ADDR_TEXT_MAX];
};

/* ---- sessions ---- */

/* It comes back when it may send again; without memory for that, it need not wait. */
static lc_err slow_down(struct sender *s, struct lc_time until)
{
    struct lc_collect *c = s->collect;
    bool sooner = !c->is_set || until.ns < c->looks_again.ns;

    if (sooner && lc_timer_set(c->worker->loop, &c->speed_up, until) != LC_OK)
        return LC_OK;
    if (sooner)
        c->looks_again = until;
    c->is_set = true;
    lc_count(&c->worker->counters.slowed, 1);
    if (!lc_link_is_linked(&s->slowed))
        lc_list_add_last(&c->slowed, &s->slowed);
    return LC_EWAIT;
}

void lc_collect_speed_up(struct lc_timer *timer)
{
    struct lc_collect *c = LC_CONTAINER(timer, struct lc_collect, speed_up);
    struct lc_link now, *link;

    c->is_set = false;
    lc_list_take_all(&c->slowed, &now);
    while ((link = lc_list_take_first(&now)) != NULL)
        lc_session_retry(LC_CONTAINER(link, struct sender, slowed)->session);
}

static const char *on_refuses(void *user, const struct lc_arrival *a)
{
    struct sender *s = user;
    const char *reason =
        lc_porter_refuses_message(lc_collect_porter(s->collect), a->record.message);

    if (reason != NULL)
        lc_count(&s->collect->worker->counters.refused_messages, 1);
    return reason;
}

static lc_err on_record(void *user, const struct lc_arrival *a, uint64_t *ret_id)
{
    struct sender *s = user;
    struct lc_collect *c = s->collect;
    uint64_t octets = lc_porter_limits_flow(lc_collect_porter(c)) ? lc_intake_octets(a) : 0;
    struct lc_time until;
    lc_err e = lc_porter_may_send(lc_collect_porter(c), &s->guest, octets,
                                  lc_loop_now(c->worker->loop), &until);

    if (e == LC_EWAIT && slow_down(s, until) == LC_EWAIT)
        return LC_EWAIT;
    e = lc_intake_append(&c->intake, a, NULL, ret_id);
    if (e == LC_OK)
        lc_guest_sent(&s->guest, octets);
    if (e == LC_EWAIT && !lc_link_is_linked(&s->stalled))
        lc_list_add_last(&c->stalled, &s->stalled);
    else if (e == LC_OK && !lc_link_is_linked(&s->waiting) && a->owed)
        lc_list_add_last(&c->waiting, &s->waiting);
    return e;
}

static void on_closed(void *user, lc_err why)
{
    struct sender *s = user;
    struct lc_collect *c = s->collect;

    if (!s->is_handed) {
        lc_count(&c->worker->counters.logs_closed, 1);
        lc_porter_leave(lc_collect_porter(c), &s->guest);
    }
    if (why != LC_OK)
        lc_log(c->worker->site->log, LC_LEVEL_DEBUG, "collect.closed",
               LC_LOG_TEXT("source", s->source), LC_LOG_ERR("cause", why));
    lc_link_remove(&s->waiting);
    lc_link_remove(&s->stalled);
    lc_link_remove(&s->slowed);
    lc_link_remove(&s->all);
    lc_shipper_left(&s->shipper);
    free(s);
    lc_collect_check_idle(c);
}

static void on_broken(void *user, const char *what)
{
    struct sender *s = user;

    lc_log(s->collect->worker->site->log, LC_LEVEL_WARN, "collect.broken",
           LC_LOG_TEXT("source", s->source), LC_LOG_TEXT("what", what));
}

static bool on_trusted(void *user, const struct lc_addr *peer)
{
    const struct sender *s = user;

    return lc_gates_trust(s->collect->worker, s->collect->kind->id, peer);
}

static bool on_proxied(void *user, const struct lc_addr *client)
{
    struct sender *s = user;

    lc_addr_format(client, s->source);
    lc_session_source(s->session, lc_slice_cstr(s->source));
    return lc_gates_proxied(s->collect->worker, s->collect->kind->id, client, &s->guest);
}

/* ---- batches ---- */

/* Its records belong into the shard of another worker, and so does it. */
static lc_err hand_over(struct sender *s, struct lc_collect *to, const struct lc_batch_hello *hello)
{
    struct lc_handed *h = calloc(1, sizeof *h);
    lc_err e;

    if (h == NULL)
        return -ENOMEM;
    h->peer = *lc_stream_peer(lc_session_stream(s->session));
    e = lc_session_release(s->session, &h->fd, &h->sequence);
    if (e != LC_OK) {
        free(h);
        return e;
    }
    h->guest = s->guest;
    h->hello = *hello;
    h->hello.name = LC_LIT("");
    memcpy(h->source, s->source, sizeof h->source);
    s->is_handed = true;
    lc_count(&s->collect->worker->counters.handed_over, 1);
    lc_handed_post(&to->handed, to->worker->loop, h);
    return LC_OK;
}

static void on_hello(void *user, const struct lc_batch_hello *hello)
{
    struct sender *s = user;
    struct lc_collect *c = s->collect;
    unsigned owner = lc_sender_shard(&hello->sender, c->worker->site->worker_count);
    lc_err e;

    if (c->site->of[owner] == c || s->shipper.state != LC_SHIPPER_NONE) {
        lc_shipper_hello(&c->batching, &s->shipper, s->session, hello);
        return;
    }
    e = hand_over(s, c->site->of[owner], hello);
    if (e != LC_OK) {
        lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.not_accepted",
               LC_LOG_TEXT("source", s->source), LC_LOG_ERR("cause", e));
        lc_session_turn_away(s->session, LC_BATCH_ERROR_FULL, lc_strerror(e));
    }
}

/* LC_OK: it may be appended, or needs no appending any more (*ret_done). */
static lc_err look_at_batched(struct sender *s, const struct lc_arrival *a, uint64_t sequence,
                              uint64_t octets, bool *ret_done)
{
    struct lc_collect *c = s->collect;
    struct lc_time until;

    *ret_done = true;
    if (lc_shipper_has_stored(&c->batching, &s->shipper, sequence))
        return LC_OK;
    if (on_refuses(s, a) != NULL) {
        lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.passed_over",
               LC_LOG_TEXT("sender", s->shipper.text), LC_LOG_U64("sequence", sequence));
        return lc_shipper_pass(&c->batching, &s->shipper, sequence);
    }
    *ret_done = false;
    if (lc_porter_may_send(lc_collect_porter(c), &s->guest, octets, lc_loop_now(c->worker->loop),
                           &until) == LC_EWAIT)
        return slow_down(s, until);
    return LC_OK;
}

static lc_err on_batched(void *user, struct lc_arrival *a, uint64_t sequence, bool doubted)
{
    struct sender *s = user;
    struct lc_collect *c = s->collect;
    uint64_t octets = lc_porter_limits_flow(lc_collect_porter(c)) ? lc_intake_octets(a) : 0;
    bool done;
    lc_err e = look_at_batched(s, a, sequence, octets, &done);

    if (e == LC_OK && !done) {
        e = lc_shipper_append(&c->batching, &s->shipper, a, sequence, doubted);
        if (e == LC_OK)
            lc_guest_sent(&s->guest, octets);
    }
    if (e == LC_EWAIT && !lc_link_is_linked(&s->slowed) && !lc_link_is_linked(&s->stalled))
        lc_list_add_last(&c->stalled, &s->stalled);
    return e;
}

static const struct lc_session_handler handler = {
    .trusted = on_trusted,
    .proxied = on_proxied,
    .refuses = on_refuses,
    .record = on_record,
    .hello = on_hello,
    .batched = on_batched,
    .broken = on_broken,
    .closed = on_closed,
};

static void tell_source(struct sender *s, const struct lc_addr *peer)
{
    unsigned uid;

    if (lc_stream_peer_uid(lc_session_stream(s->session), &uid))
        snprintf(s->source, sizeof s->source, "unix:%u", uid);
    else
        lc_addr_format(peer, s->source);
    lc_session_source(s->session, lc_slice_cstr(s->source));
}

static void begin_sender(struct sender *s)
{
    lc_link_init(&s->all);
    lc_link_init(&s->waiting);
    lc_link_init(&s->stalled);
    lc_link_init(&s->slowed);
    lc_list_add_last(&s->collect->all, &s->all);
}

static void not_accepted(struct lc_collect *c, struct sender *s, struct lc_guest *guest, lc_err e)
{
    lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.not_accepted", LC_LOG_ERR("cause", e));
    lc_porter_leave(lc_collect_porter(c), guest);
    free(s);
}

static void adopt(struct lc_collect *c, struct lc_handed *h)
{
    struct sender *s = calloc(1, sizeof *s);
    lc_err e = c->draining ? LC_EEND : -ENOMEM;

    if (s == NULL || c->draining) {
        close(h->fd);
    } else {
        s->collect = c;
        s->guest = h->guest;
        memcpy(s->source, h->source, sizeof s->source);
        e = lc_session_adopt(&c->session, &handler, s, h->fd, &h->peer, h->sequence, &s->session);
    }
    if (e != LC_OK) {
        lc_count(&c->worker->counters.logs_closed, 1);
        not_accepted(c, s, &h->guest, e);
        return;
    }
    begin_sender(s);
    lc_session_source(s->session, lc_slice_cstr(s->source));
    lc_shipper_hello(&c->batching, &s->shipper, s->session, &h->hello);
}

void lc_collect_take_handed(struct lc_task *task)
{
    struct lc_handed_box *box = LC_CONTAINER(task, struct lc_handed_box, task);
    struct lc_collect *c = LC_CONTAINER(box, struct lc_collect, handed);
    struct lc_handed *h;

    while ((h = lc_handed_take(box)) != NULL) {
        adopt(c, h);
        free(h);
    }
}

void lc_collect_accept(void *state, int fd, const struct lc_addr *peer,
                       const struct lc_guest *guest)
{
    struct lc_collect *c = state;
    struct sender *s = calloc(1, sizeof *s);
    struct lc_guest leaves = *guest;
    lc_err e = -ENOMEM;

    if (s == NULL) {
        close(fd);
    } else {
        s->collect = c;
        s->guest = *guest;
        e = lc_session_open(&c->session, &handler, s, fd, peer, &s->session);
    }
    if (e != LC_OK) {
        not_accepted(c, s, &leaves, e);
        return;
    }
    begin_sender(s);
    lc_count(&c->worker->counters.logs_accepted, 1);
    tell_source(s, peer);
}

/* ---- all of them ---- */

void lc_collect_answer(struct lc_collect *c, const struct lc_outcome *outcome)
{
    struct lc_link now, *link;

    /* While one is answered it may go on to read, and so wait for the next outcome. */
    lc_list_take_all(&c->waiting, &now);
    while ((link = lc_list_take_first(&now)) != NULL) {
        struct sender *s = LC_CONTAINER(link, struct sender, waiting);

        if (lc_session_outcome(s->session, outcome->upto, outcome->err) && !lc_link_is_linked(link))
            lc_list_add_last(&c->waiting, link);
    }
}

void lc_collect_go_on(struct lc_collect *c)
{
    struct lc_link now, *link;

    lc_list_take_all(&c->stalled, &now);
    while ((link = lc_list_take_first(&now)) != NULL)
        lc_session_retry(LC_CONTAINER(link, struct sender, stalled)->session);
}

void lc_collect_drain_senders(struct lc_collect *c)
{
    for (struct lc_link *l = c->all.next; l != &c->all; l = l->next)
        lc_session_drain(LC_CONTAINER(l, struct sender, all)->session);
}

void lc_collect_drop_senders(struct lc_collect *c)
{
    for (struct lc_link *l = c->all.next; l != &c->all; l = l->next)
        lc_session_abort(LC_CONTAINER(l, struct sender, all)->session);
}
