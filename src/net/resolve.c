/* SPDX-License-Identifier: Apache-2.0
 *
 * net/resolve.c - the table of names, and the threads that ask.
 *
 * One lock holds everything together: the names, who waits for each, and what has arrived at the
 * ports. It is held for moments only, never while DNS is asked or a user is called.
 */
#include "net/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define DEFAULT_THREADS    4
#define DEFAULT_KEEP_MS    10000
#define DEFAULT_FAILURE_MS 1000

enum state { QUEUED, ASKING, KNOWN };

struct name {
    struct lc_link link; /* QUEUED: of `queue`; KNOWN: of `kept`, oldest first; ASKING: of none */
    struct lc_link waiting; /* struct lc_resolve */
    char host[sizeof((struct lc_endpoint *)0)->host];
    enum state state;
    struct lc_time expires;
    lc_err err;
    struct lc_diag diag;
    size_t count;
    struct lc_addr addrs[LC_RESOLVE_ADDRESSES];
};

struct thread {
    struct lc_resolver *resolver;
    pthread_t id;
    bool busy; /* it asks */
};

struct lc_resolver {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct lc_resolver_config config;
    bool closed;
    unsigned users;  /* the owner, and the threads that ask: the last one frees */
    unsigned idle;   /* threads that wait */
    unsigned queued; /* names in `queue` */
    struct lc_link queue;
    struct lc_link kept;
    struct name *names[LC_RESOLVE_NAMES];
    struct lc_resolver_stats stats;
    struct thread threads[LC_RESOLVE_THREADS];
};

static lc_err ask_system(void *state, const struct lc_endpoint *ep, struct lc_addr *ret, size_t max,
                         size_t *ret_count, struct lc_diag *diag)
{
    LC_UNUSED(state);
    return lc_addr_resolve(ep, ret, max, ret_count, diag);
}

lc_err lc_resolver_new(const struct lc_resolver_config *config, struct lc_resolver **ret)
{
    struct lc_resolver *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    struct lc_resolver_config *c = &r->config;
    if (config != NULL)
        *c = *config;
    if (c->threads == 0)
        c->threads = DEFAULT_THREADS;
    if (c->threads > LC_RESOLVE_THREADS)
        c->threads = LC_RESOLVE_THREADS;
    if (c->keep_ms == 0)
        c->keep_ms = DEFAULT_KEEP_MS;
    if (c->keep_failure_ms == 0)
        c->keep_failure_ms = DEFAULT_FAILURE_MS;
    if (c->clock == NULL)
        c->clock = &lc_clock_system;
    if (c->resolve == NULL)
        c->resolve = ask_system;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    lc_link_init(&r->queue);
    lc_link_init(&r->kept);
    r->users = 1;
    *ret = r;
    return LC_OK;
}

/* ---- the table ---- */

static struct name **slot_of(struct lc_resolver *r, const char *host)
{
    for (size_t i = 0; i < r->stats.names; i++)
        if (strcmp(r->names[i]->host, host) == 0)
            return &r->names[i];
    return NULL;
}

static void forget(struct lc_resolver *r, struct name **slot)
{
    struct name *n = *slot;
    LC_ASSERT(n->state != ASKING && !lc_link_is_linked(&n->waiting));
    if (n->state == QUEUED)
        r->queued--;
    lc_link_remove(&n->link);
    free(n);
    *slot = r->names[--r->stats.names];
}

/* The name, if it is asked for already, or kept and still fresh. */
static struct name *find(struct lc_resolver *r, const char *host)
{
    struct name **slot = slot_of(r, host);
    if (slot == NULL)
        return NULL;
    if ((*slot)->state != KNOWN ||
        !lc_time_reached((*slot)->expires, lc_monotonic(r->config.clock)))
        return *slot;
    forget(r, slot);
    return NULL;
}

static lc_err add(struct lc_resolver *r, const char *host, struct name **ret)
{
    if (r->stats.names == LC_RESOLVE_NAMES) {
        if (!lc_link_is_linked(&r->kept))
            return LC_ELIMIT;
        forget(r, slot_of(r, LC_CONTAINER(r->kept.next, struct name, link)->host));
    }
    struct name *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    memcpy(n->host, host, strlen(host));
    lc_link_init(&n->waiting);
    lc_link_init(&n->link);
    lc_list_add_last(&r->queue, &n->link);
    r->queued++;
    r->names[r->stats.names++] = n;
    *ret = n;
    return LC_OK;
}

static void set_port(struct lc_addr *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &a->sa, sizeof in6);
        in6.sin6_port = htons(port);
        memcpy(&a->sa, &in6, sizeof in6);
    } else {
        struct sockaddr_in in;
        memcpy(&in, &a->sa, sizeof in);
        in.sin_port = htons(port);
        memcpy(&a->sa, &in, sizeof in);
    }
}

/* Puts the answer into the request, and the request where its loop takes it. */
static void answer(struct lc_resolve *q, const struct name *n)
{
    q->err = n->err;
    q->diag = n->diag;
    q->count = n->count;
    for (size_t i = 0; i < n->count; i++) {
        q->addrs[i] = n->addrs[i];
        q->addrs[i].transport = q->ep.transport;
        set_port(&q->addrs[i], q->ep.port);
    }
    lc_link_remove(&q->link);
    lc_list_add_last(&q->port->answered, &q->link);
    lc_loop_post(q->port->loop, &q->port->task);
}

/* ---- threads ---- */

static void destroy(struct lc_resolver *r)
{
    for (size_t i = 0; i < r->stats.names; i++)
        free(r->names[i]);
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void note_answer(struct lc_resolver *r, struct name *n)
{
    bool found = n->err == LC_OK;
    n->state = KNOWN;
    if (r->closed) /* nobody waits, and what the configuration points to may be gone */
        return;
    n->expires = lc_time_add_ms(lc_monotonic(r->config.clock),
                                found ? r->config.keep_ms : r->config.keep_failure_ms);
    lc_list_add_last(&r->kept, &n->link);
    r->stats.failed += !found;
    while (lc_link_is_linked(&n->waiting))
        answer(LC_CONTAINER(n->waiting.next, struct lc_resolve, link), n);
}

/* With the lock, but not while it asks. */
static void ask_next(struct lc_resolver *r)
{
    struct name *n = LC_CONTAINER(lc_list_take_first(&r->queue), struct name, link);
    struct lc_endpoint ep = {.transport = LC_TCP};
    n->state = ASKING;
    r->queued--;
    memcpy(ep.host, n->host, sizeof ep.host);
    r->stats.asked++;
    pthread_mutex_unlock(&r->lock);
    /* nobody else touches what a name that is being asked for has to say */
    n->err = r->config.resolve(r->config.state, &ep, n->addrs, LC_RESOLVE_ADDRESSES, &n->count,
                               &n->diag);
    if (n->err != LC_OK)
        n->count = 0;
    pthread_mutex_lock(&r->lock);
    note_answer(r, n);
}

/* The owner joins a thread that waits, and lets one go that asks: DNS may take half a minute. */
static void *thread_main(void *arg)
{
    struct thread *self = arg;
    struct lc_resolver *r = self->resolver;
    pthread_mutex_lock(&r->lock);
    while (!r->closed) {
        if (!lc_link_is_linked(&r->queue)) {
            r->idle++;
            pthread_cond_wait(&r->work, &r->lock);
            r->idle--;
            continue;
        }
        self->busy = true;
        r->users++;
        ask_next(r);
        r->users--;
        if (r->closed) {
            bool last = r->users == 0;
            pthread_mutex_unlock(&r->lock);
            if (last)
                destroy(r);
            return NULL;
        }
        self->busy = false;
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static int make_thread(struct lc_resolver *r)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads of others */
    struct thread *t = &r->threads[r->stats.threads];
    t->resolver = r;
    int e = pthread_create(&t->id, NULL, thread_main, t);
    if (e == 0)
        r->stats.threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -e;
}

/* Somebody is to ask for what was just queued. */
static lc_err call_thread(struct lc_resolver *r)
{
    lc_err e = LC_OK;
    if (r->queued > r->idle && r->stats.threads < r->config.threads)
        e = make_thread(r);
    pthread_cond_signal(&r->work);
    return r->stats.threads > 0 ? LC_OK : e;
}

void lc_resolver_free(struct lc_resolver *r)
{
    if (r == NULL)
        return;
    pthread_t to_join[LC_RESOLVE_THREADS];
    unsigned joins = 0;
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    for (unsigned i = 0; i < r->stats.threads; i++) {
        if (r->threads[i].busy)
            pthread_detach(r->threads[i].id);
        else
            to_join[joins++] = r->threads[i].id;
    }
    pthread_cond_broadcast(&r->work);
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < joins; i++)
        pthread_join(to_join[i], NULL);
    pthread_mutex_lock(&r->lock);
    bool last = --r->users == 0;
    pthread_mutex_unlock(&r->lock);
    if (last)
        destroy(r);
}

struct lc_resolver_stats lc_resolver_stats(struct lc_resolver *r)
{
    pthread_mutex_lock(&r->lock);
    struct lc_resolver_stats stats = r->stats;
    pthread_mutex_unlock(&r->lock);
    return stats;
}

/* ---- a loop's side ---- */

static void run_port(struct lc_task *task)
{
    struct lc_resolve_port *port = LC_CONTAINER(task, struct lc_resolve_port, task);
    for (;;) {
        pthread_mutex_lock(&port->resolver->lock);
        struct lc_link *l = lc_list_take_first(&port->answered);
        pthread_mutex_unlock(&port->resolver->lock);
        if (l == NULL)
            return;
        struct lc_resolve *q = LC_CONTAINER(l, struct lc_resolve, link);
        q->port = NULL;
        q->done(q);
    }
}

void lc_resolve_port_open(struct lc_resolve_port *port, struct lc_resolver *r, struct lc_loop *loop)
{
    *port = (struct lc_resolve_port){.resolver = r, .loop = loop};
    lc_task_init(&port->task, run_port);
    lc_link_init(&port->answered);
}

void lc_resolve_port_close(struct lc_resolve_port *port)
{
    LC_ASSERT(!lc_link_is_linked(&port->answered));
}

static lc_err wait_for(struct lc_resolver *r, struct lc_resolve *q)
{
    struct name *n = find(r, q->ep.host);
    if (n != NULL) {
        r->stats.kept++;
    } else {
        lc_err e = add(r, q->ep.host, &n);
        if (e != LC_OK)
            return e;
        e = call_thread(r);
        if (e != LC_OK) {
            forget(r, slot_of(r, n->host));
            return e;
        }
    }
    lc_list_add_last(&n->waiting, &q->link);
    if (n->state == KNOWN)
        answer(q, n);
    return LC_OK;
}

lc_err lc_resolve_start(struct lc_resolve_port *port, struct lc_resolve *q,
                        const struct lc_endpoint *ep, void (*done)(struct lc_resolve *q))
{
    struct lc_resolver *r = port->resolver;
    q->done = done;
    q->ep = *ep;
    q->port = port;
    q->count = 0;
    lc_link_init(&q->link);
    pthread_mutex_lock(&r->lock);
    lc_err e = wait_for(r, q);
    if (e != LC_OK) {
        r->stats.refused++;
        q->port = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return e;
}

void lc_resolve_cancel(struct lc_resolve *q)
{
    struct lc_resolve_port *port = q->port;
    if (port == NULL)
        return;
    pthread_mutex_lock(&port->resolver->lock);
    lc_link_remove(&q->link);
    pthread_mutex_unlock(&port->resolver->lock);
    q->port = NULL;
}
