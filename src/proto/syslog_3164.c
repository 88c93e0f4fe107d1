/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/syslog_3164.c - BSD syslog, as RFC 3164 describes it and as senders write it.
 *
 * The form is `[<time> [<host>]] [<tag>[[<pid>]][:]] <message>`, and nothing marks which parts are
 * there. A part is taken only where it cannot well be something else: in doubt it stays in the
 * message, where it can still be found. Understood besides the RFC's own: RFC 3339 times (rsyslog,
 * syslog-ng), a year behind the day or behind the time, fractions of a second, and no host (the C
 * library's syslog(), logger on /dev/log, Cisco ASA).
 */
#include "base/time.h"
#include "proto/syslog_priv.h"

#define AHEAD_MAX_NS (INT64_C(7) * 24 * 3600 * LC_NS_PER_S)
#define HOST_MAX     255
#define TAG_MAX      128
#define CONTAINER_ID 12  /* octets of the short id of a container */
#define PID_MAX      128 /* PROCID of RFC 5424 */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Exactly `n` digits. */
static bool take_digits(struct lc_slice *s, unsigned n, unsigned *ret)
{
    uint64_t value;
    if (s->n < n || lc_slice_u64(lc_slice(s->p, n), &value) != LC_OK)
        return false;
    *s = lc_slice_from(*s, n);
    *ret = (unsigned)value;
    return true;
}

/* `Mmm` and a space. */
static bool take_month(struct lc_slice *s, unsigned *ret)
{
    static const char names[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
    if (s->n < 4)
        return false;
    for (unsigned i = 0; i < 12; i++) {
        if (memcmp(s->p, names + 4 * (size_t)i, 4) == 0) {
            *s = lc_slice_from(*s, 4);
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

/* ` 1`, `01`, `1` or `21`, and a space. */
static bool take_day(struct lc_slice *s, unsigned *ret)
{
    lc_syslog_take(s, ' ');
    return (take_digits(s, 2, ret) || take_digits(s, 1, ret)) && lc_syslog_take(s, ' ');
}

/* Whether nothing, a space, or the colon of Cisco and a space come next. */
static bool is_word_end(struct lc_slice s)
{
    lc_syslog_take(&s, ':');
    return s.n == 0 || s.p[0] == ' ';
}

/* A word of four digits. */
static bool take_year(struct lc_slice *s, int *ret)
{
    struct lc_slice rest = *s;
    unsigned year;
    if (!take_digits(&rest, 4, &year) || !is_word_end(rest))
        return false;
    *s = rest;
    *ret = (int)year;
    return true;
}

/* hh:mm:ss with an optional fraction. */
static bool take_time_of_day(struct lc_slice *s, struct lc_civil *c)
{
    if (!take_digits(s, 2, &c->hour) || !lc_syslog_take(s, ':') || !take_digits(s, 2, &c->minute) ||
        !lc_syslog_take(s, ':') || !take_digits(s, 2, &c->second))
        return false;
    if (s->n < 2 || s->p[0] != '.' || !is_digit(s->p[1]))
        return true;
    *s = lc_slice_from(*s, 1);
    uint32_t unit = LC_NS_PER_S / 10;
    for (; s->n > 0 && is_digit(s->p[0]); *s = lc_slice_from(*s, 1), unit /= 10)
        c->ns += (s->p[0] - (uint32_t)'0') * unit;
    return true;
}

/* ` UTC` or ` GMT`. Other abbreviations mean several zones each and are not understood. */
static bool take_utc(struct lc_slice *s)
{
    struct lc_slice utc = LC_LIT(" UTC"), gmt = LC_LIT(" GMT");
    if ((!lc_slice_starts(*s, utc) && !lc_slice_starts(*s, gmt)) ||
        !is_word_end(lc_slice_from(*s, utc.n)))
        return false;
    *s = lc_slice_from(*s, utc.n);
    return true;
}

/* Without a year: the last one that doesn't put it into the future. A sender's clock may be ahead
 * a little, and over New Year that counts; more than a week ahead it is rather an old log that is
 * sent again. A 29th of February may have to go back eight years. */
static bool date_without_year(struct lc_civil c, int64_t now_ns, int64_t *ret_ns)
{
    int this_year = lc_civil_from_ns(now_ns).year;
    for (c.year = this_year + 1; c.year >= this_year - 8; c.year--)
        if (lc_civil_to_ns(&c, ret_ns) == LC_OK && *ret_ns <= now_ns + AHEAD_MAX_NS)
            return true;
    return false;
}

/* RFC 3164 section 4.1.2, with a year behind the day (Cisco) or behind the time. */
static bool take_bsd_time(struct lc_slice *s, const struct lc_syslog_context *ctx, int64_t *ret_ns)
{
    struct lc_civil c = {0};
    struct lc_slice rest = *s;
    if (!take_month(&rest, &c.month) || !take_day(&rest, &c.day))
        return false;
    bool has_year = take_year(&rest, &c.year) && lc_syslog_take(&rest, ' ');
    if (!take_time_of_day(&rest, &c))
        return false;
    struct lc_slice behind = rest;
    if (!has_year && lc_syslog_take(&behind, ' ') && take_year(&behind, &c.year)) {
        has_year = true;
        rest = behind;
    }
    int64_t offset_ns = ctx->utc_offset_s * LC_NS_PER_S;
    if (take_utc(&rest))
        offset_ns = 0;
    int64_t local_ns;
    if (has_year ? lc_civil_to_ns(&c, &local_ns) != LC_OK
                 : !date_without_year(c, ctx->received_ns + offset_ns, &local_ns))
        return false;
    if (__builtin_sub_overflow(local_ns, offset_ns, ret_ns))
        return false;
    *s = rest;
    return true;
}

/* A time of either form, and what must follow it: a space, the colon of Cisco, or nothing. */
static bool take_time(struct lc_slice *s, const struct lc_syslog_context *ctx, int64_t *ret_ns,
                      bool *ret_colon)
{
    struct lc_slice rest = *s;
    size_t used;
    int64_t ns;
    if (lc_iso_parse(rest, ctx->utc_offset_s, &ns, &used) == LC_OK)
        rest = lc_slice_from(rest, used);
    else if (!take_bsd_time(&rest, ctx, &ns))
        return false;
    *ret_colon = lc_syslog_take(&rest, ':');
    if (rest.n > 0 && !lc_syslog_take(&rest, ' '))
        return false;
    *s = rest;
    *ret_ns = ns;
    return true;
}

/* Names and addresses; also what relays make of them: `user@host`, `host/relay`. */
static bool is_host_octet(uint8_t c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr(".-_:/@", c) != NULL);
}

/* A word and the space behind it, unless the word is more likely a tag (`tag:`, `tag[pid]`), which
 * stands here when there is no host. */
static bool take_host(struct lc_slice *s, struct lc_slice *ret)
{
    size_t n = 0;
    while (n < s->n && is_host_octet(s->p[n]))
        n++;
    if (n == 0 || n > HOST_MAX || n == s->n || s->p[n] != ' ' || s->p[n - 1] == ':')
        return false;
    *ret = lc_slice(s->p, n);
    *s = lc_slice_from(*s, n + 1);
    /* Cisco ASA with a device id: `<time> <host> : %ASA-...` */
    if (lc_slice_starts(*s, LC_LIT(": ")))
        *s = lc_slice_from(*s, 2);
    return true;
}

/* What names of programs are made of, and the %FACILITY-SEVERITY-MNEMONIC of Cisco. */
static bool is_tag_octet(uint8_t c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("._-/%()@+~", c) != NULL);
}

/* `[pid]`; an empty one is nobody's. */
static bool take_pid(struct lc_slice *s, struct lc_slice *ret)
{
    struct lc_slice rest = *s, pid;
    if (!lc_syslog_take(&rest, '[') || !lc_slice_cut(&rest, ']', &pid) || pid.n > PID_MAX)
        return false;
    for (size_t i = 0; i < pid.n; i++)
        if (pid.p[i] <= ' ' || pid.p[i] >= 0x7F)
            return false;
    *s = rest;
    *ret = pid;
    return true;
}

/* `tag: `, `tag[pid]: `, `tag[pid]:` or `tag[pid] `. A tag holds a letter: of numbers (sequence
 * numbers of routers, times) every message would make a stream of its own. But Docker's, the id of
 * a container, may be without one by chance, as in `123456789012[877]: `. */
static bool take_tag(struct lc_slice *s, struct lc_slice *ret_tag, struct lc_slice *ret_pid)
{
    size_t n = 0;
    bool named = false;
    for (; n < s->n && is_tag_octet(s->p[n]); n++)
        named = named || is_letter(s->p[n]);
    if (n == 0 || n > TAG_MAX)
        return false;
    struct lc_slice rest = lc_slice_from(*s, n), pid = LC_LIT("");
    bool has_pid = take_pid(&rest, &pid);
    bool colon = lc_syslog_take(&rest, ':');
    if (named ? !has_pid && !colon : n != CONTAINER_ID || !has_pid || !colon)
        return false;
    if (!lc_syslog_take(&rest, ' ') && rest.n > 0 && !(has_pid && colon))
        return false;
    *ret_tag = lc_slice(s->p, n);
    *ret_pid = pid;
    *s = rest;
    return true;
}

void lc_syslog_3164(struct lc_slice text, const struct lc_syslog_context *ctx,
                    struct lc_record *ret)
{
    struct lc_slice host, tag, pid;
    int64_t time_ns;
    bool no_host;
    if (take_time(&text, ctx, &time_ns, &no_host)) {
        ret->time_ns = time_ns;
        if (!no_host && take_host(&text, &host) && !lc_syslog_is_nil(host))
            ret->stream.host = host;
    }
    if (take_tag(&text, &tag, &pid)) {
        ret->stream.app = tag;
        if (pid.n > 0 && !lc_syslog_is_nil(pid))
            ret->pid = pid;
    }
    ret->message = lc_syslog_without_bom(text);
}
