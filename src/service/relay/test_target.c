/* SPDX-License-Identifier: Apache-2.0 */
#include "service/relay/test_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HANGS_S 60

static void drop_peer(struct lc_test_target *t, unsigned i)
{
    close(t->peers[i].fd);
    lc_dynbuf_done(&t->peers[i].in);
    t->peers[i] = t->peers[--t->peer_count];
}

static struct target_sender *sender_of(struct lc_test_target *t, const struct lc_sender_id *id)
{
    for (unsigned i = 0; i < t->sender_count; i++)
        if (memcmp(&t->senders[i].id, id, sizeof *id) == 0)
            return &t->senders[i];
    assert_true(t->sender_count < TARGET_SENDERS);
    t->senders[t->sender_count].id = *id;
    return &t->senders[t->sender_count++];
}

static void say(const struct target_peer *p, struct lc_dynbuf *out)
{
    (void)!send(p->fd, out->p, out->n, MSG_NOSIGNAL);
    lc_dynbuf_done(out);
}

static void take_hello(struct lc_test_target *t, struct target_peer *p,
                       const struct lc_batch_message *m)
{
    struct lc_batch_hello hello;
    struct lc_dynbuf out;
    assert_lc_ok(lc_batch_read_hello(m->payload, &hello));
    p->sender = sender_of(t, &hello.sender);
    if (p->sender->at.epoch != hello.epoch)
        p->sender->at = (struct lc_sender_position){.epoch = hello.epoch};
    lc_dynbuf_init(&out, 4096);
    assert_lc_ok(lc_batch_put_welcome(&out, m->sequence, &p->sender->at));
    t->hellos++;
    say(p, &out);
}

static void keep(struct lc_test_target *t, struct target_sender *s, const struct lc_record *r,
                 uint64_t sequence, bool doubted)
{
    assert_true(sequence < TARGET_SEQUENCES);
    if (sequence <= s->at.upto)
        return;
    t->stored += s->times[sequence]++ == 0;
    s->doubted[sequence] = doubted;
    s->at.upto = sequence;
    snprintf(t->last_message, sizeof t->last_message, "%.*s", (int)r->message.n, r->message.p);
    for (size_t i = 0; i < r->field_count; i++)
        if (lc_slice_eq(r->fields[i].name, LC_LIT("relayed_by")))
            snprintf(t->last_field, sizeof t->last_field, "%.*s", (int)r->fields[i].value.n,
                     r->fields[i].value.p);
}

/* False: the connection is cut. */
static bool take_batch(struct lc_test_target *t, struct target_peer *p,
                       const struct lc_batch_message *m)
{
    struct lc_dynbuf scratch, out;
    struct lc_slice records;
    struct lc_batch_reader reader;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r;
    uint64_t sequence;
    lc_dynbuf_init(&scratch, LC_BATCH_MAX);
    lc_dynbuf_init(&out, 4096);
    assert_non_null(p->sender);
    t->batches++;
    t->compressed += (m->flags & LC_BATCH_ZSTD) != 0;
    if (t->is_full) {
        assert_lc_ok(lc_batch_put_error(&out, m->sequence, LC_BATCH_ERROR_FULL, NULL));
        say(p, &out);
        return true;
    }
    assert_lc_ok(lc_batch_open(m, &scratch, &records));
    assert_lc_ok(lc_batch_read(records, &reader));
    while (lc_batch_next(&reader, fields, &r, &sequence) == LC_OK)
        keep(t, p->sender, &r, sequence, (m->flags & LC_BATCH_DOUBTED) != 0);
    lc_dynbuf_done(&scratch);
    bool cut = t->cut_every != 0 && t->batches % t->cut_every == 0;
    if (t->is_mute || (cut && t->cut_before_ack))
        return !cut;
    assert_lc_ok(lc_batch_put_stored(&out, m->sequence, p->sender->at.upto));
    say(p, &out);
    return !cut;
}

static bool take(struct lc_test_target *t, struct target_peer *p)
{
    assert_lc_ok(lc_dynbuf_reserve(&p->in, 65536));
    ssize_t n = recv(p->fd, p->in.p + p->in.n, 65536, 0);
    if (n <= 0)
        return false;
    p->in.n += (size_t)n;
    struct lc_batch_message m;
    size_t used;
    bool stays = true;
    while (stays && lc_batch_take(lc_dynbuf_slice(&p->in), &m, &used) == LC_OK) {
        if (m.command == LC_BATCH_HELLO)
            take_hello(t, p, &m);
        else
            stays = take_batch(t, p, &m);
        lc_dynbuf_consume(&p->in, used);
    }
    return stays;
}

static void turn(struct lc_test_target *t, const struct pollfd *fds)
{
    if (fds[1].revents != 0 && t->peer_count < TARGET_CONNECTIONS) {
        struct target_peer *p = &t->peers[t->peer_count];
        *p = (struct target_peer){.fd = accept(t->listen_fd, NULL, NULL)};
        lc_dynbuf_init(&p->in, 2 * (LC_BATCH_HEADER + LC_BATCH_MAX));
        t->peer_count += p->fd >= 0;
    }
    for (unsigned i = t->peer_count; i-- > 0;)
        if (fds[2 + i].revents != 0 && !take(t, &t->peers[i]))
            drop_peer(t, i);
}

static void *run(void *arg)
{
    struct lc_test_target *t = arg;
    struct pollfd fds[2 + TARGET_CONNECTIONS];
    for (;;) {
        memset(fds, 0, sizeof fds);
        fds[0] = (struct pollfd){.fd = t->stop_fds[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = t->listen_fd, .events = POLLIN};
        for (unsigned i = 0; i < t->peer_count; i++)
            fds[2 + i] = (struct pollfd){.fd = t->peers[i].fd, .events = POLLIN};
        poll(fds, 2 + t->peer_count, -1);
        if (fds[0].revents != 0)
            break;
        pthread_mutex_lock(&t->lock);
        turn(t, fds);
        pthread_cond_broadcast(&t->has_more);
        pthread_mutex_unlock(&t->lock);
    }
    while (t->peer_count > 0)
        drop_peer(t, 0);
    return NULL;
}

void lc_test_target_start(struct lc_test_target *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int on = 1;
    unsigned port = 0;
    if (t->address[0] == 0) {
        pthread_mutex_init(&t->lock, NULL);
        pthread_cond_init(&t->has_more, NULL);
    } else {
        assert_int_equal(sscanf(t->address, "127.0.0.1:%u", &port), 1);
    }
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons((uint16_t)port);
    t->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(t->listen_fd >= 0);
    setsockopt(t->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(t->listen_fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(t->listen_fd, 16), 0);
    assert_int_equal(getsockname(t->listen_fd, (struct sockaddr *)&a, &n), 0);
    snprintf(t->address, sizeof t->address, "127.0.0.1:%u", ntohs(a.sin_port));
    assert_int_equal(pipe(t->stop_fds), 0);
    assert_int_equal(pthread_create(&t->thread, NULL, run, t), 0);
    t->runs = true;
}

void lc_test_target_stop(struct lc_test_target *t)
{
    if (!t->runs)
        return;
    assert_int_equal(write(t->stop_fds[1], "", 1), 1);
    pthread_join(t->thread, NULL);
    close(t->listen_fd);
    close(t->stop_fds[0]);
    close(t->stop_fds[1]);
    t->runs = false;
}

void lc_test_target_done(struct lc_test_target *t)
{
    lc_test_target_stop(t);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->has_more);
}

void lc_test_target_wait(struct lc_test_target *t, uint64_t records)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANGS_S;
    int e = 0;
    pthread_mutex_lock(&t->lock);
    while (t->stored < records && e == 0)
        e = pthread_cond_timedwait(&t->has_more, &t->lock, &until);
    uint64_t stored = t->stored;
    pthread_mutex_unlock(&t->lock);
    if (stored < records)
        fail_msg("%llu of %llu records have come", (unsigned long long)stored,
                 (unsigned long long)records);
}

static uint64_t count(struct lc_test_target *t, bool twice)
{
    uint64_t n = 0;
    pthread_mutex_lock(&t->lock);
    for (unsigned i = 0; i < t->sender_count; i++)
        for (size_t k = 0; k < TARGET_SEQUENCES; k++)
            n += twice ? t->senders[i].times[k] > 1 : t->senders[i].doubted[k];
    pthread_mutex_unlock(&t->lock);
    return n;
}

uint64_t lc_test_target_twice(struct lc_test_target *t)
{
    return count(t, true);
}

uint64_t lc_test_target_doubted(struct lc_test_target *t)
{
    return count(t, false);
}
