/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/test_session.h - streams decoded into text, for the tests and fuzz targets of the codecs.
 *
 * WHAT    A session of lines and a stream of counted syslog frames, as conn/ would read them; what
 *         comes out is said in words, one line for each thing found. Octets are as they came, but
 *         NUL is said as \0.
 */
#ifndef LC_PROTO_TEST_SESSION_H
#define LC_PROTO_TEST_SESSION_H

#include "base/test.h"
#include "proto/json_line.h"
#include "proto/syslog.h"

struct lc_test_session {
    size_t limit; /* octets of a line or frame */
    struct lc_syslog_context syslog;

    /* the session's own */
    size_t scanned;
    size_t skip; /* octets of a frame that was too long */
    bool skipping, broken;
    struct lc_syslog_scratch scratch;
    struct lc_members members;
};

/* Their argument is a struct lc_test_session. */
extern const struct lc_test_codec lc_test_lines;
extern const struct lc_test_codec lc_test_frames;

/* Every part of the record that is set, on one line without its end. */
void lc_test_say_record(struct lc_dynbuf *said, const struct lc_record *r);
void lc_test_say(struct lc_dynbuf *said, const char *name, struct lc_slice value);

#endif
