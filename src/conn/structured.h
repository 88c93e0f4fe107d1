/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/structured.h - what a loop needs to take Fluentd's protocol and GELF.
 *
 * WHAT    Scratch that is made when the first message needs it: most servers never see one.
 * WHO     framing_forward.c, framing_gelf.c, and conn/arrival.c, which ends it.
 * THREAD  As the arrival context that it is in.
 */
#ifndef LC_CONN_STRUCTURED_H
#define LC_CONN_STRUCTURED_H

#include "proto/forward.h"
#include "proto/gelf.h"

struct lc_structured {
    struct lc_forward_reader forward;
    struct lc_inflate gelf_inflate;
    struct lc_gelf_chunks *gelf_chunks;
    uint8_t gelf_room[LC_GELF_MAX];
};

#endif
