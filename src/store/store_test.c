/* SPDX-License-Identifier: Apache-2.0
 *
 * store/store_test.c - records of every kind, for the tests of the store.
 */
#include "store/store_test.h"

#include <stdio.h>

#include "base/cursor.h"
#include "base/hash.h"

#define VARIANTS 37u

static struct lc_slice variant(const char *const *texts, size_t count, unsigned i)
{
    return lc_slice_cstr(texts[i % count]);
}

/* A name of its own for each i. */
static struct lc_slice own_name(unsigned i)
{
    static char names[LC_TEST_RECORDS][8];
    char *name = names[i % LC_TEST_RECORDS];
    if (name[0] == '\0')
        snprintf(name, sizeof names[0], "n%u", i % LC_TEST_RECORDS);
    return lc_slice_cstr(name);
}

static size_t fill_fields(unsigned i, struct lc_field *fields)
{
    static const uint8_t binary[] = {0, 1, 0xFF, 0xFE, '\n', '\r', 0x80};
    static const struct lc_field all[] = {
        {{(const uint8_t *)"s", 1}, {(const uint8_t *)"string", 6}, LC_FIELD_STRING},
        {{(const uint8_t *)"i", 1}, {(const uint8_t *)"-42", 3}, LC_FIELD_INT},
        {{(const uint8_t *)"f", 1}, {(const uint8_t *)"1.5e3", 5}, LC_FIELD_FLOAT},
        {{(const uint8_t *)"b", 1}, {(const uint8_t *)"true", 4}, LC_FIELD_BOOL},
        {{(const uint8_t *)"z", 1}, {(const uint8_t *)"", 0}, LC_FIELD_NULL},
        {{binary, sizeof binary}, {binary, sizeof binary}, LC_FIELD_STRING},
    };
    size_t count = i % (LC_ARRAY_LEN(all) + 1);
    for (size_t k = 0; k < count; k++)
        fields[k] = all[(k + i) % LC_ARRAY_LEN(all)];
    if (i % 5 == 0)
        fields[count++] = (struct lc_field){own_name(i), own_name(i + 1), LC_FIELD_STRING};
    if (i == 5)
        for (; count < LC_FIELDS_MAX; count++)
            fields[count] =
                (struct lc_field){own_name((unsigned)count), lc_slice("", 0), LC_FIELD_STRING};
    return count;
}

struct lc_record lc_test_record(unsigned i, struct lc_field *fields)
{
    static const char *const hosts[] = {"web-1", "web-2", "", "데이터베이스"};
    static const char *const apps[] = {"nginx", "sshd", "kernel", "", "app"};
    static const char *const messages[] = {
        "GET /index.html 200", "", "결제 요청이 처리되었습니다", "bad \x80\xFF octets", "a\nb\r\nc",
    };
    static char text[300]; /* longer than any name with a number */
    memset(text, 'x', sizeof text);
    bool is_long = i % VARIANTS == VARIANTS - 1;
    struct lc_record r = {
        .time_ns = (int64_t)i * 1000000007,
        .received_ns = (int64_t)i * 1000000007 + (int64_t)(i % 3) - 1,
        .level = i % 10 == 9 ? LC_LEVEL_NONE : (enum lc_level)(i % 10 % LC_LEVEL_COUNT),
        .stream =
            {
                .space = i % 7 == 0 ? LC_LIT("other") : lc_slice(NULL, 0),
                .host =
                    is_long ? lc_slice(text, sizeof text) : variant(hosts, LC_ARRAY_LEN(hosts), i),
                .app = variant(apps, LC_ARRAY_LEN(apps), i / 2),
                .facility = i % 11 == 0 ? LC_LIT("auth") : lc_slice(NULL, 0),
            },
        .pid = i % 2 == 0 ? own_name(i) : lc_slice(NULL, 0),
        .source = i % 4 == 0 ? own_name(i / 8) : lc_slice(NULL, 0),
        .message =
            is_long ? lc_slice(text, sizeof text) : variant(messages, LC_ARRAY_LEN(messages), i),
    };
    r.field_count = fill_fields(i, fields);
    r.fields = fields;
    return r;
}

void lc_test_records_equal(const struct lc_record *got, const struct lc_record *expected)
{
    struct lc_slice space = expected->stream.space.n == 0 ? LC_LIT("main") : expected->stream.space;
    assert_true(got->time_ns == expected->time_ns && got->received_ns == expected->received_ns);
    assert_int_equal(got->level, expected->level);
    assert_slice_eq(got->stream.space, space);
    assert_slice_eq(got->stream.host, expected->stream.host);
    assert_slice_eq(got->stream.app, expected->stream.app);
    assert_slice_eq(got->stream.facility, expected->stream.facility);
    assert_slice_eq(got->pid, expected->pid);
    assert_slice_eq(got->source, expected->source);
    assert_slice_eq(got->message, expected->message);
    assert_int_equal(got->field_count, expected->field_count);
    for (size_t i = 0; i < expected->field_count; i++) {
        assert_slice_eq(got->fields[i].name, expected->fields[i].name);
        assert_slice_eq(got->fields[i].value, expected->fields[i].value);
        assert_int_equal(got->fields[i].type, expected->fields[i].type);
    }
}

void lc_test_seal(uint8_t *p, size_t n)
{
    struct lc_writer w = lc_writer(p + n - sizeof(uint32_t), sizeof(uint32_t));
    lc_write_u32_le(&w, lc_crc32c(0, lc_slice(p, n - sizeof(uint32_t))));
}
