/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/msgpack.h - a cursor over MessagePack (github.com/msgpack/msgpack, spec.md), all types.
 *
 * WHAT    Gives one value's head after the other; slices point into the input. Nothing is
 *         allocated, nothing recurses, and no count in the input is believed before that many
 *         octets have come.
 * WHO     forward.c.
 */
#ifndef LC_PROTO_MSGPACK_H
#define LC_PROTO_MSGPACK_H

#include "proto/members.h"

enum lc_msgpack_kind {
    LC_MSGPACK_NIL,
    LC_MSGPACK_BOOL,   /* u: 0 or 1 */
    LC_MSGPACK_UINT,   /* u */
    LC_MSGPACK_INT,    /* i, below zero */
    LC_MSGPACK_FLOAT,  /* f */
    LC_MSGPACK_STRING, /* octets: UTF-8, says the sender */
    LC_MSGPACK_BINARY, /* octets */
    LC_MSGPACK_ARRAY,  /* count values follow */
    LC_MSGPACK_MAP,    /* count pairs of values follow */
    LC_MSGPACK_EXT,    /* octets, of the type `ext` */
};

struct lc_msgpack_value {
    enum lc_msgpack_kind kind;
    int8_t ext;
    bool is_single; /* FLOAT: of 32 bits */
    uint32_t count;
    union {
        uint64_t u;
        int64_t i;
        double f;
        struct lc_slice octets;
    };
};

/* The value at the beginning of `in`; of arrays and maps only the head. LC_EMORE: not all of it is
 * there. LC_ESYNTAX: the octet 0xC1, which nothing begins with. */
LC_MUST_CHECK lc_err lc_msgpack_next(struct lc_slice in, struct lc_msgpack_value *ret,
                                     size_t *ret_used);

/* How far a value that comes in pieces has been looked at; zeroed for a new one. */
struct lc_msgpack_extent {
    size_t at;
    uint64_t pending; /* values that must still follow there */
};

/* The octets of the whole value at the beginning of `in`, with all that is inside it. `so_far` is
 * kept by the caller while the same input grows, so that each value is looked at once.
 * LC_OK: *ret_used, and so_far is zeroed again. LC_EMORE. LC_ESYNTAX. LC_ELIMIT: it has more than
 * `limit` octets. */
LC_MUST_CHECK lc_err lc_msgpack_whole(struct lc_slice in, size_t limit,
                                      struct lc_msgpack_extent *so_far, size_t *ret_used);

/* The members of the map that `in` is, added to `m`. Maps inside it are flattened; arrays, empty
 * maps and what is deeper than LC_MEMBERS_DEPTH become JSON text. Times (extension type -1, and
 * type 0 of Fluentd) become text of RFC 3339; the octets of other extensions, and binary, strings.
 * LC_ESYNTAX: not one whole map. */
LC_MUST_CHECK lc_err lc_msgpack_members(struct lc_slice in, struct lc_members *m);

/* The array or map that `in` is as JSON text, appended; octets that are no UTF-8 are U+FFFD.
 * LC_ESYNTAX: not one whole array or map. LC_ELIMIT: deeper than 64, or `out` is full. */
LC_MUST_CHECK lc_err lc_msgpack_json(struct lc_slice in, struct lc_dynbuf *out);

/* A time: unix seconds as number, or one of the extensions above. False: it is none. */
bool lc_msgpack_time(const struct lc_msgpack_value *v, int64_t *ret_ns);

#endif
