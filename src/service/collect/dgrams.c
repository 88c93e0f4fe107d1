/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/collect/collect.h"
#include "service/gates.h"

/* A batch that came while the shard had no room: kept here, and then nothing more is received, so
 * that the kernel's buffer is the queue. What doesn't fit is dropped and counted. */
#define HELD_MAX (8u << 20)

struct held {
    uint32_t n;
    bool truncated;
    uint8_t source_n;
    char source[LC_ADDR_TEXT_MAX];
    /* n octets follow */
};

struct lc_dgram_in {
    struct lc_intake *intake;
    struct lc_porter *porter;
    enum lc_service_id service;
    struct lc_guest *guest; /* who sent what is being taken; NULL: nobody is to be looked at */
    struct lc_dgram *socket;
    struct lc_datagram_rules rules;
    struct lc_dynbuf held;
    uint64_t dropped; /* by the kernel, as far as it was counted */
    struct lc_addr from;
    char source[LC_ADDR_TEXT_MAX]; /* of `from`: one sender mostly sends many */
    size_t source_n;
    bool paused;
};

/* What is over its rate is dropped: datagrams cannot be slowed. */
static lc_err record(void *user, const struct lc_arrival *a)
{
    struct lc_dgram_in *in = user;
    struct lc_counters *counters = &in->intake->worker->counters;
    struct lc_time now = lc_loop_now(in->intake->worker->loop), until;
    uint64_t octets, id;
    lc_err e;

    if (lc_porter_refuses_message(in->porter, a->record.message) != NULL) {
        lc_count(&counters->refused_messages, 1);
        return LC_EPROTO;
    }
    if (in->guest == NULL)
        return lc_intake_append(in->intake, a, NULL, &id);
    octets = lc_intake_octets(a);
    if (lc_porter_may_send(in->porter, in->guest, octets, now, &until) != LC_OK) {
        lc_count(&counters->datagrams_over_rate, 1);
        return LC_ELIMIT;
    }
    e = lc_intake_append(in->intake, a, NULL, &id);
    if (e == LC_OK)
        lc_guest_sent(in->guest, octets);
    return e;
}

static void find_source(struct lc_dgram_in *in, const struct lc_datagram *d)
{
    if (d->from->transport == LC_UNIX_DGRAM) {
        in->source_n = d->has_uid
                           ? (size_t)snprintf(in->source, sizeof in->source, "unix:%u", d->uid)
                           : (size_t)snprintf(in->source, sizeof in->source, "unix:");
    } else if (in->source_n == 0 || in->from.len != d->from->len ||
               memcmp(&in->from.sa, &d->from->sa, d->from->len) != 0) {
        in->from = *d->from;
        in->source_n = lc_addr_format(d->from, in->source);
    }
}

static void drop(struct lc_dgram_in *in, uint64_t n)
{
    lc_count(&in->intake->worker->counters.datagrams_dropped, n);
    lc_log(in->intake->worker->site->log, LC_LEVEL_WARN, "collect.datagrams_dropped",
           LC_LOG_U64("datagrams", n), LC_LOG_SLICE("source", lc_slice(in->source, in->source_n)));
}

/* False: its sender is not let in. */
static bool find_guest(struct lc_dgram_in *in, const struct lc_datagram *d)
{
    struct lc_peer peer = lc_peer_of((const struct sockaddr *)&d->from->sa);
    enum lc_verdict verdict;

    in->guest = NULL;
    if (!lc_porter_looks_at_datagrams(in->porter))
        return true;
    peer.has_uid = peer.is_unix && d->has_uid;
    peer.uid = peer.has_uid ? d->uid : 0;
    in->guest = lc_porter_source(in->porter, &peer, &verdict);
    if (in->guest == NULL)
        lc_gates_refused(in->intake->worker, in->service, verdict,
                         lc_slice(in->source, in->source_n));
    return in->guest != NULL;
}

static void hold(struct lc_dgram_in *in, const struct lc_datagram *d, struct lc_slice rest)
{
    struct held head = {
        .n = (uint32_t)rest.n, .truncated = d->truncated, .source_n = (uint8_t)in->source_n};

    memcpy(head.source, in->source, in->source_n);
    if (lc_dynbuf_reserve(&in->held, sizeof head + rest.n) != LC_OK ||
        lc_dynbuf_append(&in->held, lc_slice(&head, sizeof head)) != LC_OK ||
        lc_dynbuf_append(&in->held, rest) != LC_OK)
        drop(in, 1);
}

static void count_kernel_drops(struct lc_dgram_in *in)
{
    uint64_t dropped = lc_dgram_dropped(in->socket);

    if (dropped > in->dropped)
        drop(in, dropped - in->dropped);
    in->dropped = dropped;
}

static void on_datagrams(void *user, const struct lc_datagram *d, size_t n)
{
    struct lc_dgram_in *in = user;

    lc_arrival_now(in->rules.arrivals);
    lc_count(&in->rules.arrivals->counters->datagrams, n);
    for (size_t i = 0; i < n; i++) {
        size_t done = 0;

        find_source(in, &d[i]);
        if (!find_guest(in, &d[i]))
            continue;
        if (in->held.n == 0)
            done = in->rules.take(&in->rules, d[i].data, lc_slice(in->source, in->source_n),
                                  d[i].truncated);
        if (done < d[i].data.n)
            hold(in, &d[i], lc_slice_from(d[i].data, done));
    }
    if (in->socket == NULL)
        return; /* it is being closed, and gives us the last */
    count_kernel_drops(in);
    if (in->held.n > 0 && !in->paused) {
        in->paused = true;
        lc_dgram_pause(in->socket);
    }
}

/* Takes what is held, in order, until there is no room again. */
static void take_held(struct lc_dgram_in *in)
{
    size_t at = 0;

    in->guest = NULL; /* they have been let in; the store itself has slowed them since */
    lc_arrival_now(in->rules.arrivals);
    while (at < in->held.n) {
        struct held head;

        memcpy(&head, in->held.p + at, sizeof head);

        uint8_t *data = in->held.p + at + sizeof head;
        size_t done = in->rules.take(&in->rules, lc_slice(data, head.n),
                                     lc_slice(head.source, head.source_n), head.truncated);

        if (done < head.n) {
            /* Only part of it is left: its head moves up to that. */
            head.n -= (uint32_t)done;
            memcpy(data + done - sizeof head, &head, sizeof head);
            at += done;
            break;
        }
        at += sizeof head + head.n;
    }
    lc_dynbuf_consume(&in->held, at);
}

void lc_dgram_in_retry(struct lc_dgram_in *d)
{
    if (d->held.n == 0)
        return;
    take_held(d);
    if (d->held.n > 0 || d->socket == NULL)
        return;
    d->paused = false;
    lc_dgram_resume(d->socket);
}

lc_err lc_dgram_in_open(struct lc_intake *intake, struct lc_porter *porter,
                        enum lc_service_id service, const struct lc_datagram_rules *rules, int fd,
                        struct lc_dgram_in **ret)
{
    struct lc_worker *w = intake->worker;
    struct lc_dgram_in *d = calloc(1, sizeof *d);

    if (d == NULL) {
        close(fd);
        return -ENOMEM;
    }
    d->intake = intake;
    d->porter = porter;
    d->service = service;
    d->rules = *rules;
    d->rules.record = record;
    d->rules.user = d;
    lc_dynbuf_init(&d->held, HELD_MAX);

    lc_err e = lc_dgram_open(w->loop, fd, on_datagrams, d, &d->socket);

    if (e != LC_OK) {
        free(d);
        return e;
    }
    *ret = d;
    return LC_OK;
}

void lc_dgram_in_close(struct lc_dgram_in *d)
{
    struct lc_dgram *socket = d->socket;

    count_kernel_drops(d);
    d->socket = NULL;
    lc_dgram_close(socket);
    take_held(d);
}

bool lc_dgram_in_is_empty(const struct lc_dgram_in *d)
{
    return d->held.n == 0;
}

void lc_dgram_in_free(struct lc_dgram_in *d)
{
    for (size_t at = 0; at < d->held.n;) {
        struct held head;

        memcpy(&head, d->held.p + at, sizeof head);
        at += sizeof head + head.n;
        drop(d, 1);
    }
    lc_dynbuf_done(&d->held);
    free(d);
}
