/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/syslog.c - what every syslog message has: its PRI, and its frame in a stream.
 */
#include "proto/syslog.h"

#include "proto/syslog_priv.h"

#define PRI_MAX       191 /* RFC 5424 section 6.2.1: 23 * 8 + 7 */
#define PRI_DIGITS    3
#define LENGTH_DIGITS (LC_SYSLOG_COUNT_MAX - 1)

static size_t digits(struct lc_slice s, size_t max)
{
    size_t n = 0;
    while (n < s.n && n < max && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

static bool take_pri(struct lc_slice *s, unsigned *ret)
{
    if (s->n == 0 || s->p[0] != '<')
        return false;
    struct lc_slice rest = lc_slice_from(*s, 1);
    size_t n = digits(rest, PRI_DIGITS);
    uint64_t pri;
    if (n == rest.n || rest.p[n] != '>' || lc_slice_u64(lc_slice(rest.p, n), &pri) != LC_OK ||
        pri > PRI_MAX)
        return false;
    *s = lc_slice_from(rest, n + 1);
    *ret = (unsigned)pri;
    return true;
}

/* Without what senders put behind a message to frame it, also where the transport frames it: LF or
 * CR LF (RFC 6587 section 3.4.2), or the NUL of a C string. */
static struct lc_slice without_end(struct lc_slice s)
{
    if (s.n > 0 && s.p[s.n - 1] == '\0')
        s.n--;
    if (s.n == 0 || s.p[s.n - 1] != '\n')
        return s;
    s.n--;
    if (s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

size_t lc_syslog_message_end(struct lc_slice in)
{
    struct lc_slice rest = in;
    const uint8_t *lf;
    while (rest.n > 0 && (lf = memchr(rest.p, '\n', rest.n)) != NULL) {
        rest = lc_slice_from(in, (size_t)(lf + 1 - in.p));
        struct lc_slice next = rest;
        unsigned pri;
        if (take_pri(&next, &pri))
            return in.n - rest.n;
    }
    return in.n;
}

lc_err lc_syslog_decode(struct lc_slice message, const struct lc_syslog_context *ctx,
                        struct lc_syslog_scratch *scratch, struct lc_record *ret)
{
    unsigned pri;
    if (!take_pri(&message, &pri))
        return LC_ESYNTAX;
    ret->level = lc_level_from_severity(pri & 7);
    ret->stream.facility = lc_syslog_facility(pri >> 3);
    struct lc_slice text = without_end(message);
    if (!lc_syslog_5424(text, ctx, scratch, ret))
        lc_syslog_3164(text, ctx, ret);
    return LC_OK;
}

lc_err lc_syslog_frame(struct lc_slice in, size_t limit, struct lc_slice *ret_message,
                       size_t *ret_used, size_t *ret_length)
{
    size_t n = digits(in, LENGTH_DIGITS);
    if (n > 0 && in.p[0] == '0')
        return LC_ESYNTAX;
    if (n == in.n && n < LENGTH_DIGITS + 1)
        return LC_EMORE;
    uint64_t length;
    if (in.p[n] != ' ' || lc_slice_u64(lc_slice(in.p, n), &length) != LC_OK)
        return LC_ESYNTAX;
    n++;
    if (length > limit) {
        *ret_used = n;
        *ret_length = (size_t)length;
        return LC_ELIMIT;
    }
    if (in.n - n < length)
        return LC_EMORE;
    *ret_message = lc_slice(in.p + n, (size_t)length);
    *ret_used = n + (size_t)length;
    return LC_OK;
}

/* RFC 5424 table 1, in the words of syslog.conf; 12 to 15 as they have become usual. */
struct lc_slice lc_syslog_facility(unsigned facility)
{
    static const char *const names[] = {
        "kern",   "user",   "mail",     "daemon", "auth",   "syslog",   "lpr",     "news",
        "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "security", "console", "solaris-cron",
        "local0", "local1", "local2",   "local3", "local4", "local5",   "local6",  "local7",
    };
    return facility < LC_ARRAY_LEN(names) ? lc_slice_cstr(names[facility]) : LC_LIT("");
}
