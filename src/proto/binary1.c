/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/binary1.h"

#include "base/cursor.h"

#define VERSION 1

lc_err lc_binary1_next(struct lc_slice in, struct lc_binary1 *ret, size_t *ret_used)
{
    struct lc_reader r = lc_reader(in);
    struct lc_binary1 packet = {0};
    uint8_t version = lc_read_u8(&r);
    size_t length;

    packet.command = lc_read_u8(&r);
    length = lc_read_u16_be(&r);
    packet.sequence = lc_read_u32_be(&r);
    if (r.err != LC_OK)
        return LC_EMORE;
    if (version != VERSION) {
        *ret = packet;
        return LC_ESYNTAX;
    }
    packet.payload = lc_read_bytes(&r, length);
    if (r.err != LC_OK)
        return LC_EMORE;
    *ret = packet;
    *ret_used = LC_BINARY1_HEAD + length;
    return LC_OK;
}

lc_err lc_binary1_log(struct lc_slice payload, struct lc_binary1_log *ret, const char **ret_reason)
{
    struct lc_reader r = lc_reader(payload);
    struct lc_binary1_log log = {.level = lc_read_u8(&r), .seconds = lc_read_u32_be(&r)};
    size_t length = lc_read_u16_be(&r);

    if (r.err != LC_OK) {
        *ret_reason = "expected level u8, timestamp u32, msg_length u16, message";
        return LC_ESYNTAX;
    }
    if (length != lc_reader_left(&r)) {
        *ret_reason = "msg_length does not agree with the packet's length";
        return LC_ESYNTAX;
    }
    log.message = lc_read_bytes(&r, length);
    *ret = log;
    return LC_OK;
}

void lc_binary1_answer(uint8_t command, uint32_t sequence, enum lc_binary1_status status, size_t n,
                       uint8_t out[LC_BINARY1_ANSWER_HEAD])
{
    struct lc_writer w = lc_writer(out, LC_BINARY1_ANSWER_HEAD);

    LC_ASSERT(n <= LC_BINARY1_TEXT_MAX);
    lc_write_u8(&w, VERSION);
    lc_write_u8(&w, command | LC_BINARY1_ANSWER);
    lc_write_u16_be(&w, (uint16_t)(n + 1));
    lc_write_u32_be(&w, sequence);
    lc_write_u8(&w, (uint8_t)status);
}
