/* SPDX-License-Identifier: Apache-2.0
 *
 * base/err.h - errors as values, assertions, and the detail for humans.
 *
 * WHAT    One int says what happened: 0, -errno, or one of ours below -10000;
 *         the ranges cannot meet. Code and text stand in one list.
 * WHO     Every room.
 * NOT     Nothing here logs or exits, except a failed assertion, which is a
 *         bug of ours and never the fault of a peer, a disk or a configuration.
 */
#ifndef LC_BASE_ERR_H
#define LC_BASE_ERR_H

#include <stddef.h>

typedef int lc_err;

#define LC_OK 0

#define LC_ERRORS(X)                                                                               \
    X(EMORE, -10000, "needs more octets")                                                          \
    X(EPROTO, -10001, "peer broke the protocol")                                                   \
    X(ELIMIT, -10002, "configured limit reached")                                                  \
    X(ECORRUPT, -10003, "stored data fails its checksum")                                          \
    X(EFULL, -10004, "log storage full")                                                           \
    X(EWAIT, -10005, "no room until earlier work is done")                                         \
    X(EEND, -10006, "no more")                                                                     \
    X(ESYNTAX, -10007, "not well-formed")                                                          \
    X(EINUSE, -10008, "in use by another process")                                                 \
    X(EVERSION, -10009, "written by an unknown version")                                           \
    X(EGONE, -10010, "no longer stored")                                                           \
    X(ESELECT, -10011, "select(2) takes only descriptors below 1024: use another --io")

#define LC_ERR_ENUM(name, code, text) LC_##name = (code),
enum { LC_ERRORS(LC_ERR_ENUM) };
#undef LC_ERR_ENUM

#define LC_MUST_CHECK   __attribute__((warn_unused_result))
#define LC_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define LC_UNUSED(x)    ((void)(x))
#define LC_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define LC_LIKELY(x)    __builtin_expect(!!(x), 1)
#define LC_UNLIKELY(x)  __builtin_expect(!!(x), 0)

/* The owner of an embedded member, as in the kernel's container_of. */
#define LC_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A static text for `e`: ours, or strerror() of -e, in the language of this thread. Never NULL. Any
 * thread. */
const char *lc_strerror(lc_err e);

/* Stays in release builds. Ends the process with file, line and expression. */
#define LC_ASSERT(cond)                                                                            \
    do {                                                                                           \
        if (LC_UNLIKELY(!(cond)))                                                                  \
            lc_assert_failed(#cond, __FILE__, __LINE__);                                           \
    } while (0)

/* For checks that walk whole structures: debug builds only. */
#ifdef LC_SLOW_CHECKS
#define LC_ASSERT_SLOW(cond) LC_ASSERT(cond)
#else
#define LC_ASSERT_SLOW(cond) ((void)0)
#endif

__attribute__((noreturn)) void lc_assert_failed(const char *cond, const char *file, int line);

/* What a human is told beside an error: which thing was wrong, and where.
 * The caller owns it; NULL is accepted wherever a lc_diag is. */
struct lc_diag {
    char text[480];
    unsigned line;   /* 1-based; 0: no place in a text is meant */
    unsigned column; /* 1-based, in octets */
};

/* Sets the text, in the language of this thread (base/text.h): `fmt` is translated, and of "%s" its
 * argument. Cuts it at the end of the array, never inside a UTF-8 character. */
LC_PRINTF(2, 3) void lc_diag_set(struct lc_diag *diag, const char *fmt, ...);

#endif
