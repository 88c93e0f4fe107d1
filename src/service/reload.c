/* SPDX-License-Identifier: Apache-2.0
 *
 * service/reload.c - another configuration for a server that runs.
 *
 * WHAT    A generation is built: what can be reloaded from what was read, the rest as it was at the
 *         start. Each worker takes it by a task on its own thread; when all have, the one before is
 *         freed. So nobody ever reads a configuration that changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/gates.h"
#include "service/options.h"
#include "service/server_impl.h"

#define VALUE_MAX 256 /* octets of a value in the log */

/* ---- what has changed ---- */

static void print_value(const struct lc_option_ref *o, const struct lc_server_config *c,
                        struct lc_dynbuf *out)
{
    lc_err e = LC_OK;

    out->n = 0;
    if ((o->row->flags & LC_OPTION_SECRET) != 0) {
        e = lc_dynbuf_append(out, LC_LIT("(secret)"));
    } else {
        for (size_t i = 0; e == LC_OK; i++) {
            if (i > 0 && lc_option_is_list(o->row->kind) && out->n > 0)
                e = lc_dynbuf_append(out, LC_LIT(","));
            if (e == LC_OK)
                e = lc_option_print(o, c, i, out);
        }
        if (out->n > 0 && out->p[out->n - 1] == ',')
            out->n--;
    }
    (void)e; /* what is too long for a log is cut */
}

static void tell_change(struct lc_log *log, const struct lc_option_ref *o, const char *event,
                        const struct lc_server_config *from, const struct lc_server_config *to)
{
    struct lc_log_site each = {0}; /* every option is told, however many have changed */
    char key[LC_OPTION_NAME_MAX];
    struct lc_dynbuf a, b;

    lc_dynbuf_init(&a, VALUE_MAX);
    lc_dynbuf_init(&b, VALUE_MAX);
    lc_option_key(o, key);
    print_value(o, from, &a);
    print_value(o, to, &b);

    const struct lc_log_field fields[] = {LC_LOG_TEXT("option", key),
                                          LC_LOG_SLICE("from", lc_dynbuf_slice(&a)),
                                          LC_LOG_SLICE("to", lc_dynbuf_slice(&b))};

    lc_log_tell(&each, log, LC_LEVEL_NOTICE, event, fields, LC_ARRAY_LEN(fields));
    lc_dynbuf_done(&a);
    lc_dynbuf_done(&b);
}

/* Makes `given` of the generation, and tells what is different. */
static void merge(struct lc_server *s, const struct lc_server_config *read, struct lc_generation *g)
{
    const struct lc_server_config *now = s->now != NULL ? &s->now->given : &s->given;
    struct lc_option_ref o = {0};
    uint64_t changed = 0, restart = 0;

    g->given = s->given;
    while (lc_option_next(&lc_server_options, &o)) {
        bool can = (o.row->flags & LC_OPTION_RELOAD) != 0;

        if (can)
            lc_option_copy(&o, &g->given, read);
        if (lc_option_same(&o, can ? now : &s->given, read))
            continue;
        changed += can;
        restart += !can;
        tell_change(s->site.log, &o, can ? "config.changed" : "config.needs_restart",
                    can ? now : &s->given, read);
    }
    lc_log(s->site.log, LC_LEVEL_INFO, "config.reloaded", LC_LOG_U64("changed", changed),
           LC_LOG_U64("need_restart", restart));
}

/* ---- generations ---- */

static void release(const struct lc_server *s, struct lc_generation *g)
{
    if (g != NULL && s->given.release != NULL)
        s->given.release(g->owner);
    free(g);
}

static void apply_to_all(struct lc_server *s, const struct lc_server_config *c)
{
    lc_err e = lc_store_retain(s->site.store, c->retain_octets, c->retain_ns);
    struct lc_diag diag = {.column = 0};

    if (e != LC_OK)
        lc_log(s->site.log, LC_LEVEL_ERROR, "config.retention", LC_LOG_ERR("cause", e));
    if (lc_gates_reload(&s->site, c, &diag) != LC_OK)
        lc_log(s->site.log, LC_LEVEL_ERROR, "config.access", LC_LOG_TEXT("cause", diag.text));
    lc_log_set_level(s->site.log, (enum lc_level)c->log_level);
}

void lc_server_reload(struct lc_server *s, const struct lc_server_config *config, void *owner)
{
    struct lc_generation *g = calloc(1, sizeof *g);

    LC_ASSERT(s->reloading == 0);
    if (g == NULL) {
        lc_log(s->site.log, LC_LEVEL_ERROR, "config.refused", LC_LOG_ERR("cause", -ENOMEM));
        if (s->given.release != NULL)
            s->given.release(owner);
        return;
    }
    g->owner = owner;
    merge(s, config, g);
    g->config = g->given;
    lc_server_resolve(&g->config);
    apply_to_all(s, &g->config);
    s->next = g;
    s->reloading = s->site.worker_count;
    for (unsigned i = 0; i < s->site.worker_count; i++)
        lc_worker_run_reload(s->runs[i], &g->config, s->reloaded_fd);
}

int lc_server_reload_fd(const struct lc_server *s)
{
    return s->reloaded_fd;
}

bool lc_server_reloaded(struct lc_server *s)
{
    eventfd_t taken;

    if (s->reloading > 0 && eventfd_read(s->reloaded_fd, &taken) == 0)
        s->reloading -= (unsigned)taken;
    if (s->reloading == 0 && s->next != NULL) {
        release(s, s->now);
        s->now = s->next;
        s->next = NULL;
    }
    return s->reloading == 0;
}

void lc_server_drop_generations(struct lc_server *s)
{
    release(s, s->now);
    release(s, s->next);
    s->now = s->next = NULL;
}
