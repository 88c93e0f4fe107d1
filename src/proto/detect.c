/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/detect.c - the table of first octets (docs/protocols.md, "Where to connect").
 */
#include "proto/detect.h"

#include "proto/proxy.h"

#define COUNT_DIGITS 10 /* of an octet count, as proto/syslog.h */

/* Like lc_detect(): LC_OK: it is; LC_EMORE: it may become; LC_ESYNTAX: it is not. */
typedef lc_err matcher(struct lc_slice in);

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 6587 section 3.4.1: a length without leading zero, a space, and the `<` of a PRI. */
static lc_err is_counted(struct lc_slice in)
{
    size_t n = 0;
    while (n < in.n && n < COUNT_DIGITS && is_digit(in.p[n]))
        n++;
    if (in.p[0] == '0' || n == 0)
        return LC_ESYNTAX;
    for (const char *end = " <"; *end != '\0'; end++, n++) {
        if (n == in.n)
            return LC_EMORE;
        if (in.p[n] != (uint8_t)*end)
            return LC_ESYNTAX;
    }
    return LC_OK;
}

/* `target SP version` of a whole line. */
static bool is_target_and_version(struct lc_slice s)
{
    struct lc_slice target;
    if (s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return lc_slice_cut(&s, ' ', &target) && target.n > 0 &&
           (lc_slice_eq(s, LC_LIT("HTTP/1.0")) || lc_slice_eq(s, LC_LIT("HTTP/1.1")));
}

static bool is_method_octet(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || c == '-';
}

/* RFC 9112 section 3: method, target and version of a whole line, which ends with LF or CR LF.
 * Methods are letters in capitals and '-', so that most log lines are known not to be a request
 * by their first word. */
static lc_err is_request_line(struct lc_slice in)
{
    size_t method = 0;
    while (method < in.n && is_method_octet(in.p[method]))
        method++;
    if (method == 0 || (method < in.n && in.p[method] != ' '))
        return LC_ESYNTAX;

    const uint8_t *end = memchr(in.p, '\n', in.n);
    if (end == NULL)
        return LC_EMORE;
    struct lc_slice rest = lc_slice_from(in, method + 1);
    rest.n = (size_t)(end - rest.p);
    return is_target_and_version(rest) ? LC_OK : LC_ESYNTAX;
}

/* A whole header of v1 that is well-formed; anything else that begins with PROXY is a line. */
static lc_err is_proxy_line(struct lc_slice in)
{
    struct lc_proxied proxied;
    size_t used;
    return in.p[0] == 'P' ? lc_proxy_decode(in, &proxied, &used) : LC_ESYNTAX;
}

/* A MessagePack array, or nil. */
static lc_err is_forward(struct lc_slice in)
{
    bool is_array = (in.p[0] & 0xF0) == 0x90 || in.p[0] == 0xDC || in.p[0] == 0xDD;
    return is_array || in.p[0] == 0xC0 ? LC_OK : LC_ESYNTAX;
}

/* sure: no line begins so by accident. A row is told by `begins` or by `match`. Of two rows that
 * fit, the first octets of the one must not suffice for the other, or it must stand first. */
static const struct row {
    enum lc_protocol protocol;
    bool sure;
    const char *begins;
    size_t n;
    matcher *match;
} rows[] = {
#define BEGINS(text) text, sizeof(text) - 1, NULL
#define MATCH(f)     NULL, 0, f
    {LC_PROTO_TLS, true, BEGINS("\x16\x03")}, /* RFC 8446 section 5.1: handshake, any version */
    {LC_PROTO_PROXY, true, BEGINS("\r\n\r\n\0\r\nQUIT\n")},
    {LC_PROTO_PROXY, true, MATCH(is_proxy_line)},
    {LC_PROTO_HTTP2, true, BEGINS("PRI * HTTP/2.0")},
    {LC_PROTO_IRC, false, BEGINS("CAP ")},
    {LC_PROTO_IRC, false, BEGINS("NICK ")},
    {LC_PROTO_IRC, false, BEGINS("USER ")},
    {LC_PROTO_IRC, false, BEGINS("PASS ")},
    {LC_PROTO_IRC, false, BEGINS("AUTHENTICATE ")},
    {LC_PROTO_FRAMES, false, BEGINS("\0")},
    {LC_PROTO_BINARY_V1, false, BEGINS("\1")},
    {LC_PROTO_BINARY_V2, false, BEGINS("\2")},
    {LC_PROTO_FORWARD, false, MATCH(is_forward)},
    {LC_PROTO_GELF, false, BEGINS("{")},
    {LC_PROTO_SYSLOG_COUNTED, false, MATCH(is_counted)},
    {LC_PROTO_HTTP1, true, MATCH(is_request_line)},
#undef BEGINS
#undef MATCH
};

static lc_err match(const struct row *row, struct lc_slice in)
{
    if (row->match != NULL)
        return row->match(in);
    size_t n = in.n < row->n ? in.n : row->n;
    if (memcmp(in.p, row->begins, n) != 0)
        return LC_ESYNTAX;
    return n == row->n ? LC_OK : LC_EMORE;
}

static bool competes(const struct row *row, unsigned speaks)
{
    return row->sure || (speaks & LC_SPEAKS(row->protocol)) != 0 ||
           (speaks & LC_SPEAKS(LC_PROTO_LINES)) == 0;
}

lc_err lc_detect(struct lc_slice in, unsigned speaks, enum lc_protocol *ret)
{
    LC_ASSERT(in.n > 0);
    bool full = in.n >= LC_DETECT_MAX;
    if (full)
        in.n = LC_DETECT_MAX;
    bool undecided = false;
    for (size_t i = 0; i < LC_ARRAY_LEN(rows); i++) {
        if (!competes(&rows[i], speaks))
            continue;
        lc_err e = match(&rows[i], in);
        if (e == LC_OK) {
            *ret = rows[i].protocol;
            return LC_OK;
        }
        undecided = undecided || e == LC_EMORE;
    }
    if (undecided && !full)
        return LC_EMORE;
    *ret = LC_PROTO_LINES;
    return LC_OK;
}

const char *lc_protocol_name(enum lc_protocol p)
{
    static const char *const names[] = {
#define LC_PROTOCOL_NAME(id, name) name,
        LC_PROTOCOLS(LC_PROTOCOL_NAME)
#undef LC_PROTOCOL_NAME
    };
    return names[p];
}
