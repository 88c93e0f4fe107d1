/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session_detect.c - how a session begins: the header of a trusted proxy, then which protocol.
 */
#include "conn/refuse.h"
#include "conn/session_impl.h"
#include "proto/proxy.h"

#define DETECT_MS 10000 /* docs/protocols.md, "Which protocol?" */

/* What stands in `speaks` of some service has its row here. */
static const struct lc_framing *const framings[LC_PROTO_COUNT] = {
    [LC_PROTO_LINES] = &lc_framing_lines,       [LC_PROTO_SYSLOG_COUNTED] = &lc_framing_counted,
    [LC_PROTO_FRAMES] = &lc_framing_prefixed,   [LC_PROTO_BINARY_V1] = &lc_framing_binary1,
    [LC_PROTO_FORWARD] = &lc_framing_forward,   [LC_PROTO_GELF] = &lc_framing_gelf,
    [LC_PROTO_BINARY_V2] = &lc_framing_batches,
};

static void refuse(struct lc_session *s, const char *why)
{
    if (lc_refuse(s->protocol, why, s->config->out) != LC_OK)
        lc_session_abort(s);
    s->quit = true;
}

static void refuse_protocol(struct lc_session *s)
{
    lc_count(&s->config->arrivals->counters->not_spoken, 1);
    if (s->protocol != LC_PROTO_PROXY) {
        refuse(s, s->config->not_spoken);
        return;
    }
    refuse(s, "the PROXY protocol is taken from trusted proxies only; this address is none");
    /* The answer goes to the proxy's client; who set the proxy up looks into our log. */
    s->handler->broken(s->user, "a PROXY header of a proxy that is not trusted");
}

void lc_session_begin(struct lc_session *s, enum lc_protocol protocol)
{
    char *counters = (char *)s->config->arrivals->counters;

    if (s->timer_set)
        lc_timer_cancel(s->config->loop, &s->detect_timer);
    s->timer_set = false;
    s->protocol = protocol;
    s->state = LC_SESSION_SPEAKING;
    if (!(s->config->speaks & LC_SPEAKS(protocol))) {
        refuse_protocol(s);
    } else {
        s->framing = framings[protocol];
        lc_count((lc_counter *)(void *)(counters + s->framing->counter), 1);
    }
}

static lc_err wait_for_more(struct lc_session *s)
{
    /* Without memory for the timer only the deadline is lost. */
    if (!s->timer_set &&
        lc_timer_set(s->config->loop, &s->detect_timer, lc_session_after(s, DETECT_MS)) == LC_OK)
        s->timer_set = true;
    return LC_EMORE;
}

/* A proxy that is believed speaks first of its client; then it is decided again. */
static lc_err take_proxy(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_proxied p;
    struct lc_addr client;
    lc_err e = lc_proxy_decode(in, &p, ret_used);

    if (e == LC_EMORE)
        return wait_for_more(s);
    s->trusted = false;
    if (e == LC_OK) {
        lc_count(&s->config->arrivals->counters->proxied, 1);
        if (p.n == 0)
            return LC_OK; /* the proxy speaks for itself */
        lc_addr_from_ip(p.octets, p.n, p.port, &client);
        if (!s->handler->proxied(s->user, &client))
            lc_session_abort(s);
        return LC_OK;
    }
    if (lc_proxy_begins(in) != LC_OK)
        return LC_OK; /* no header: it is a peer like others */
    s->protocol = LC_PROTO_PROXY;
    refuse(s, "the PROXY header is not well-formed");
    lc_session_break(s, "the PROXY header is not well-formed");
    return LC_OK;
}

/* Text from Windows may begin with a BOM, which would hide what its first line is. */
static lc_err skip_bom(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_slice bom = LC_LIT("\xEF\xBB\xBF");
    size_t n = in.n < bom.n ? in.n : bom.n;

    s->bom_seen = memcmp(in.p, bom.p, n) != 0 || n == bom.n;
    if (!s->bom_seen)
        return LC_EMORE;
    *ret_used = memcmp(in.p, bom.p, n) == 0 ? bom.n : 0;
    return LC_OK;
}

lc_err lc_session_detect(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    enum lc_protocol protocol = LC_PROTO_LINES;

    if (s->trusted)
        return take_proxy(s, in, ret_used);
    if (!s->bom_seen) {
        lc_err e = skip_bom(s, in, ret_used);

        if (e != LC_OK || *ret_used > 0)
            return e == LC_EMORE ? wait_for_more(s) : e;
    }
    if (lc_detect(in, s->config->speaks, &protocol) == LC_EMORE)
        return wait_for_more(s);
    lc_session_begin(s, protocol);
    return LC_OK;
}

void lc_session_detect_timeout(struct lc_timer *timer)
{
    struct lc_session *s = LC_CONTAINER(timer, struct lc_session, detect_timer);

    /* What has come is the beginning of a line: it is handled when its end comes. */
    s->timer_set = false;
    lc_session_begin(s, LC_PROTO_LINES);
    lc_session_settle(s);
}

/* The longest message of what is spoken. */
size_t lc_session_in_max(const struct lc_session_config *config)
{
    size_t max = config->line_max + 4096; /* a line and its end; a frame and its count */

    for (unsigned p = 0; p < LC_PROTO_COUNT; p++) {
        const struct lc_framing *f = framings[p];

        if (f != NULL && (config->speaks & LC_SPEAKS(p)) != 0 && f->message_max > max)
            max = f->message_max;
    }
    return max;
}
