/* SPDX-License-Identifier: Apache-2.0
 *
 * base/sender.h - who numbers its records so that each is stored once, and how far it has come.
 *
 * WHAT    A sender (a relay's shard, a followed file) is named by 16 octets that it chose once, and
 *         counts its records from 1 on. Its position says which of them are stored.
 * WHO     proto/ carries them, store/ keeps them.
 */
#ifndef LC_BASE_SENDER_H
#define LC_BASE_SENDER_H

#include <stdint.h>

struct lc_sender_id {
    uint8_t octets[16];
};

struct lc_sender_position {
    uint64_t epoch; /* changes when the sender had to begin its count anew */
    uint64_t upto;  /* all records up to this sequence are dealt with; 0: none */
};

#endif
