/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/refuse.h"

#include "conn/answers.h"
#include "proto/batch.h"

static lc_err refuse_http1(const char *why, struct lc_dynbuf *out)
{
    return lc_dynbuf_printf(out,
                            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
                            "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                            strlen(why) + 1, why);
}

/* RFC 9113 section 3.4: the server's preface is a SETTINGS frame; section 6.8: GOAWAY with
 * HTTP_1_1_REQUIRED (0xd), last stream 0, and the reason as debug data. */
static lc_err refuse_http2(const char *why, struct lc_dynbuf *out)
{
    uint8_t frames[] = {0, 0, 0, 4, 0, 0, 0, 0,   0, /* SETTINGS, empty */
                        0, 0, 0, 7, 0, 0, 0, 0,   0, /* GOAWAY */
                        0, 0, 0, 0, 0, 0, 0, 0x0d};  /* its last stream and error */
    size_t n = strlen(why);

    frames[9 + 1] = (uint8_t)((n + 8) >> 8);
    frames[9 + 2] = (uint8_t)(n + 8);
    lc_err e = lc_dynbuf_append(out, lc_slice(frames, sizeof frames));
    return e == LC_OK ? lc_dynbuf_append(out, lc_slice(why, n)) : e;
}

lc_err lc_refuse(enum lc_protocol protocol, const char *why, struct lc_dynbuf *out)
{
    /* RFC 8446 section 6: a fatal alert, handshake_failure. */
    static const uint8_t alert[] = {0x15, 3, 1, 0, 2, 2, 40};

    char text[512];
    size_t n;

    switch (protocol) {
    case LC_PROTO_FRAMES:
        n = lc_answer_error(LC_ANSWER_FRAME, 0, 0, why, text, sizeof text);
        return lc_dynbuf_append(out, lc_slice(text, n));
    case LC_PROTO_BINARY_V1:
        n = lc_answer_error(LC_ANSWER_BINARY1, 0, 0, why, text, sizeof text);
        return lc_dynbuf_append(out, lc_slice(text, n));
    case LC_PROTO_BINARY_V2:
        return lc_batch_put_error(out, 0, LC_BATCH_ERROR_REFUSED, why);
    case LC_PROTO_TLS:
        return lc_dynbuf_append(out, lc_slice(alert, sizeof alert));
    case LC_PROTO_HTTP1:
        return refuse_http1(why, out);
    case LC_PROTO_HTTP2:
        return refuse_http2(why, out);
    case LC_PROTO_IRC:
        return lc_dynbuf_printf(out, "ERROR :%s\r\n", why);
    default:
        return lc_dynbuf_printf(out, "ERROR|%s\n", why);
    }
}
