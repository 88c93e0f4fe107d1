/* SPDX-License-Identifier: Apache-2.0
 *
 * net/stream.h - one byte stream with a peer: TCP or a Unix stream socket, through layers.
 *
 * WHAT    Octets come in by on_data() and go out by a bounded queue of shared buffers. A layer
 *         (TLS later; a byte-transforming one in the tests) may stand between socket and user;
 *         the user cannot tell.
 * THREAD  The loop's thread only.
 * OWNS    Its descriptor. The user owns nothing of a stream after on_close().
 */
#ifndef LC_NET_STREAM_H
#define LC_NET_STREAM_H

#include "base/buf.h"
#include "net/addr.h"
#include "net/loop.h"

struct lc_stream;

struct lc_stream_events {
    /* `in` is all that has come and was not yet consumed, contiguous, borrowed for this call.
     * Returns how many octets of it are spent; the rest is kept and comes again together with
     * what follows (at least one octet more, or after lc_stream_resume()). When nothing is
     * spent although in_max octets are there, and it was not paused, the stream closes with
     * LC_ELIMIT. */
    size_t (*on_data)(void *user, struct lc_slice in);
    /* The peer will send no more (FIN, or the layer's end). `rest` is what was never consumed.
     * Output still works (half-close); the user closes. */
    void (*on_eof)(void *user, struct lc_slice rest);
    /* The output queue was over its high mark and is now under the low one. Also when the peer
     * takes no more at all: sending gives -EPIPE then, but what the peer sent before is still to
     * be received. */
    void (*on_drain)(void *user);
    /* The last call, exactly once, never from inside another lc_stream_ function: LC_OK after
     * lc_stream_close() (-ETIMEDOUT or -errno when not all that was queued could be sent),
     * -ETIMEDOUT when the deadline passed, LC_ELIMIT, an error of the layer, or -errno. */
    void (*on_close)(void *user, lc_err why);
    /* What is spoken on it, for who lists sockets: a static text, or NULL: not known yet. The
     * member may be NULL. */
    const char *(*protocol)(const void *user);
};

/* One layer's rules; `state` is made by open(), per stream. Both directions append to `out`, which
 * is bounded (LC_ELIMIT then ends the stream): at most 4 octets for each that is given. wrap/unwrap
 * may keep octets back in their state; unwrap returns LC_EEND when it has seen the layer's own end:
 * what it appended still counts, nothing after it does. open, close and end may be NULL. */
struct lc_layer {
    const char *name;
    lc_err (*open)(void **ret_state);
    void (*close)(void *state);
    lc_err (*unwrap)(void *state, struct lc_slice in, struct lc_dynbuf *out); /* from the socket */
    lc_err (*wrap)(void *state, struct lc_slice in, struct lc_dynbuf *out);   /* to the socket */
    lc_err (*end)(void *state, struct lc_dynbuf *out); /* before half-close, as close_notify */
};

struct lc_stream_config {
    size_t in_max;                /* unconsumed octets kept, at most; 0: 64 KiB + 4 KiB */
    size_t out_high;              /* queued octets at which lc_stream_is_full(); 0: 1 MiB */
    size_t out_low;               /* 0: a quarter of out_high */
    size_t out_max;               /* over it sends fail with LC_ELIMIT; 0: 4 times out_high */
    const struct lc_layer *layer; /* NULL: none */
};

/* Takes `fd` (a connected, non-blocking socket) in every case: it is closed on failure too.
 * Receiving starts at once. `config` and `peer` are copied, `events` must stay. LC_ELIMIT:
 * max_connections are open. */
LC_MUST_CHECK lc_err lc_stream_open(struct lc_loop *loop, int fd, const struct lc_addr *peer,
                                    const struct lc_stream_config *config,
                                    const struct lc_stream_events *events, void *user,
                                    struct lc_stream **ret);

/* Connects to `addr`, then as lc_stream_open(). Octets may be queued at once. on_close() tells a
 * failure, also -ETIMEDOUT; once connected, the deadline is gone. */
LC_MUST_CHECK lc_err lc_stream_connect(struct lc_loop *loop, const struct lc_addr *addr,
                                       const struct lc_stream_config *config,
                                       const struct lc_stream_events *events, void *user,
                                       struct lc_time deadline, struct lc_stream **ret);

/* Queue octets; everything queued in one turn of the loop leaves in one send at its end.
 * lc_stream_write() copies, lc_stream_send() takes a reference of its own.
 * LC_ELIMIT: over out_max, nothing queued; -EPIPE: output is shut or the stream is closing. */
LC_MUST_CHECK lc_err lc_stream_write(struct lc_stream *s, struct lc_slice octets);
LC_MUST_CHECK lc_err lc_stream_send(struct lc_stream *s, struct lc_buf *buf);
bool lc_stream_is_full(const struct lc_stream *s);
size_t lc_stream_queued(const struct lc_stream *s);

/* Stops and starts on_data(); while paused the kernel's window closes on the peer. What was kept
 * is delivered again after resume, from the loop, not inside the call. */
void lc_stream_pause(struct lc_stream *s);
void lc_stream_resume(struct lc_stream *s);

/* Sends what is queued, then FIN. */
void lc_stream_shutdown(struct lc_stream *s);
/* Sends what is queued if that goes without waiting past `linger` (LC_TIME_NEVER: as long as the
 * peer reads), then FIN; waits up to 2 s for the peer to end too, so that no reset destroys the
 * last answers on their way, and closes. A time that has passed, as zero, closes at once and drops
 * the queue. No event but on_close() comes after this call. */
void lc_stream_close(struct lc_stream *s, struct lc_time linger);

/* When it passes, the stream closes with -ETIMEDOUT. LC_TIME_NEVER: none (the default). */
void lc_stream_deadline(struct lc_stream *s, struct lc_time deadline);

/* From here on events go to another user. */
void lc_stream_hand_over(struct lc_stream *s, const struct lc_stream_events *events, void *user);
/* Closes at once, and tells nobody, not even by on_close(). */
void lc_stream_abandon(struct lc_stream *s);
/* Open in both directions, nothing queued, nothing received that is not spent, in the kernel
 * neither (but octets that io_uring has taken from there show only in the next turn). */
bool lc_stream_is_quiet(const struct lc_stream *s);
/* Another descriptor of the same socket, to go on with elsewhere when this stream is closed at
 * once. What was received is not there any more. -errno. */
LC_MUST_CHECK lc_err lc_stream_duplicate(const struct lc_stream *s, int *ret_fd);
/* When it was made, by the loop's clock. */
struct lc_time lc_stream_opened(const struct lc_stream *s);

/* As it was given; valid as long as the stream. */
const struct lc_addr *lc_stream_peer(const struct lc_stream *s);
/* uid of the peer process of a Unix socket; false for TCP. */
bool lc_stream_peer_uid(const struct lc_stream *s, unsigned *ret_uid);

#endif
