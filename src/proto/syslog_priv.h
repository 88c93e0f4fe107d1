/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/syslog_priv.h - the two shapes of what stands behind a PRI; for syslog.c only.
 */
#ifndef LC_PROTO_SYSLOG_PRIV_H
#define LC_PROTO_SYSLOG_PRIV_H

#include "proto/syslog.h"

/* RFC 5424's word for nothing; relays write it into RFC 3164 messages too. */
static inline bool lc_syslog_is_nil(struct lc_slice word)
{
    return word.n == 1 && word.p[0] == '-';
}

/* Spends `octet` at the start of *s, if it is there. */
static inline bool lc_syslog_take(struct lc_slice *s, uint8_t octet)
{
    if (s->n == 0 || s->p[0] != octet)
        return false;
    *s = lc_slice_from(*s, 1);
    return true;
}

/* RFC 5424 section 6.4: the BOM says that UTF-8 follows; it is not part of the text. */
static inline struct lc_slice lc_syslog_without_bom(struct lc_slice s)
{
    struct lc_slice bom = LC_LIT("\xEF\xBB\xBF");
    return lc_slice_starts(s, bom) ? lc_slice_from(s, bom.n) : s;
}

/* `text` is the message behind its PRI. False: it has no RFC 5424 header, and nothing is changed.
 * Structured data that is damaged, or more than the scratch can hold, stays in the message. */
bool lc_syslog_5424(struct lc_slice text, const struct lc_syslog_context *ctx,
                    struct lc_syslog_scratch *scratch, struct lc_record *ret);

/* Whatever else: what it does not recognise is the message. */
void lc_syslog_3164(struct lc_slice text, const struct lc_syslog_context *ctx,
                    struct lc_record *ret);

#endif
