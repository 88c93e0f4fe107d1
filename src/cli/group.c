/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/group.c - asking several servers at once.
 */
#include "cli/group.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "base/text.h"
#include "cli/command.h"

struct opening {
    struct lc_member *member;
    const char *type, *suffix;
    struct lc_slice text;
};

static void *open_member(void *arg)
{
    const struct opening *o = arg;
    lc_language_here();
    struct lc_member *m = o->member;
    m->err = lc_ask_open(&m->client, m->server, o->type, o->text, o->suffix, &m->diag);
    m->is_open = m->err == LC_OK;
    if (m->is_open)
        m->client.in.max = LC_GROUP_HELD_MAX;
    return NULL;
}

void lc_group_open(struct lc_group *g, const struct lc_list *servers, const char *type,
                   struct lc_slice text, const char *suffix)
{
    struct opening openings[LC_LIST_MAX];
    pthread_t threads[LC_LIST_MAX];
    bool runs[LC_LIST_MAX] = {false};
    *g = (struct lc_group){.count = servers->count};
    for (size_t i = 0; i < g->count; i++) {
        g->members[i].server = servers->items[i];
        g->members[i].client.fd = -1;
        openings[i] = (struct opening){&g->members[i], type, suffix, text};
        runs[i] = g->count > 1 && pthread_create(&threads[i], NULL, open_member, &openings[i]) == 0;
    }
    for (size_t i = 0; i < g->count; i++) {
        if (runs[i])
            pthread_join(threads[i], NULL);
        else /* alone, or no thread could be had: then it takes its turn */
            open_member(&openings[i]);
    }
}

void lc_group_close(struct lc_group *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->members[i].is_open)
            lc_client_close(&g->members[i].client);
    g->count = 0;
}

size_t lc_group_present(const struct lc_group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++)
        n += g->members[i].err == LC_OK;
    return n;
}

/* What several say of the same question is said once. */
static bool was_told(const struct lc_group *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (g->members[i].err == LC_ESYNTAX &&
            strcmp(g->members[i].diag.text, g->members[n].diag.text) == 0)
            return true;
    return false;
}

void lc_group_tell_missing(struct lc_group *g)
{
    for (size_t i = 0; i < g->count && g->count > 1; i++) {
        struct lc_member *m = &g->members[i];
        if (m->err == LC_OK || m->told || (m->err == LC_ESYNTAX && was_told(g, i)))
            continue;
        fprintf(stderr,
                m->err == LC_ESYNTAX ? "logcaster: %s: %s\n"
                                     : lc_text("logcaster: %s is missing: %s\n"),
                m->server, m->diag.text);
        m->told = true;
    }
}

const struct lc_diag *lc_group_diag(const struct lc_group *g)
{
    size_t i = 0;
    while (i + 1 < g->count && g->members[i].err == LC_OK)
        i++;
    return &g->members[i].diag;
}

static void end(struct lc_member *m, lc_err e)
{
    m->err = e;
    m->is_open = false;
    lc_client_close(&m->client);
}

lc_err lc_group_line(struct lc_member *m, struct lc_slice *ret_line)
{
    if (!m->is_open)
        return LC_EEND;
    lc_err e = lc_ask_take(&m->client, ret_line, &m->diag);
    if (e == LC_OK || e == LC_EMORE)
        return e;
    end(m, e == LC_EEND ? LC_OK : e);
    return LC_EEND;
}

/* An end before END: what came before it is still in the buffer, and is given out first. */
static void receive(struct lc_member *m)
{
    lc_err e = lc_client_receive(&m->client);
    if (e == LC_OK || lc_client_has_line(&m->client))
        return;
    end(m, lc_ask_failed(e, &m->diag));
}

lc_err lc_group_wait(struct lc_group *g, int ms)
{
    struct pollfd fds[LC_LIST_MAX];
    for (size_t i = 0; i < g->count; i++) {
        const struct lc_member *m = &g->members[i];
        bool has_room = m->client.in.n - m->client.given < LC_GROUP_HELD_MAX / 2;
        fds[i] =
            (struct pollfd){.fd = m->is_open && has_room ? m->client.fd : -1, .events = POLLIN};
    }
    if (poll(fds, g->count, ms) < 0)
        return errno == EINTR ? LC_OK : -errno;
    for (size_t i = 0; i < g->count; i++)
        if (fds[i].revents != 0)
            receive(&g->members[i]);
    return LC_OK;
}
