/* SPDX-License-Identifier: Apache-2.0
 *
 * service/relay/test_target.h - for tests: somebody who takes binary v2 as a server does, and
 * behaves as badly as the test likes.
 *
 * WHAT    Keeps for each sender which sequences it has, how often, and with which doubts. One
 *         thread; blocking sockets, one connection after the other or several at once.
 */
#ifndef LC_SERVICE_RELAY_TEST_TARGET_H
#define LC_SERVICE_RELAY_TEST_TARGET_H

#include "base/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "proto/batch.h"

#define TARGET_SENDERS     8u
#define TARGET_SEQUENCES   (1u << 16)
#define TARGET_CONNECTIONS 16u

struct target_sender {
    struct lc_sender_id id;
    struct lc_sender_position at;
    uint8_t times[TARGET_SEQUENCES]; /* that this sequence was stored */
    bool doubted[TARGET_SEQUENCES];
};

struct target_peer {
    int fd;
    struct target_sender *sender; /* NULL: no HELLO yet */
    struct lc_dynbuf in;
};

struct lc_test_target {
    int listen_fd, stop_fds[2];
    char address[64];
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t has_more; /* something was stored */
    struct target_sender senders[TARGET_SENDERS];
    unsigned sender_count;
    uint64_t stored, batches, hellos, compressed;
    char last_message[128], last_field[128];
    /* how it behaves */
    unsigned cut_every;  /* batches after which a connection is cut; 0: never */
    bool cut_before_ack; /* stored, but nobody is told */
    bool is_mute;        /* stores and says nothing */
    bool is_full;        /* stores nothing and says so */
    struct target_peer peers[TARGET_CONNECTIONS];
    unsigned peer_count;
};

void lc_test_target_start(struct lc_test_target *t); /* again after stop: at the same address */
void lc_test_target_stop(struct lc_test_target *t);  /* all connections break */
void lc_test_target_done(struct lc_test_target *t);
/* Waits until so many different records are stored. */
void lc_test_target_wait(struct lc_test_target *t, uint64_t records);
uint64_t lc_test_target_twice(struct lc_test_target *t);   /* stored more than once */
uint64_t lc_test_target_doubted(struct lc_test_target *t); /* and of all, those in doubt */

#endif
