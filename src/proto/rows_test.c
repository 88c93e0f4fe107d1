/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/rows_test.c - records as rows, in text and in JSON.
 */
#include "base/test.h"

#include <stdio.h>

#include "base/time.h"
#include "proto/text.h"

#define TIME_NS INT64_C(1640995200250000000)

typedef lc_err row_writer(struct lc_dynbuf *out, const struct lc_record *r);

static void check(row_writer *row, const struct lc_record *r, const char *expected)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 4096);
    assert_lc_ok(lc_dynbuf_append(&out, LC_LIT("before,")));
    assert_lc_ok(row(&out, r));
    struct lc_slice written = lc_dynbuf_slice(&out);
    assert_true(lc_slice_starts(written, LC_LIT("before,")));
    assert_slice(lc_slice_from(written, 7), expected);
    lc_dynbuf_done(&out);
}

static void v1(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = {.id = 9,
                          .time_ns = TIME_NS,
                          .level = LC_LEVEL_ERROR,
                          .message = LC_LIT("Database: connection failed")};
    check(lc_row_v1, &r, "LOG:1640995200:ERROR:Database: connection failed\n");
    r.level = LC_LEVEL_NONE;
    r.message = LC_LIT("");
    check(lc_row_v1, &r, "LOG:1640995200::\n");
    r.message = LC_LIT("\na\r\nb\\n\r");
    check(lc_row_v1, &r, "LOG:1640995200::\\na\\r\\nb\\n\\r\n");
    r.message = LC_LIT("x");
    r.time_ns = 999999999;
    check(lc_row_v1, &r, "LOG:0::x\n");
    r.time_ns = INT64_MAX;
    check(lc_row_v1, &r, "LOG:9223372036::x\n");
}

static void v2(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = {.id = 12345,
                          .time_ns = TIME_NS,
                          .level = LC_LEVEL_ERROR,
                          .message = LC_LIT("로그|b\n\xFF")};
    check(lc_row_v2, &r, "12345|ERROR|1640995200.25|로그|b\\n\xFF\n");
    r.time_ns = 1640995200 * LC_NS_PER_S;
    r.level = LC_LEVEL_NONE;
    r.id = UINT64_MAX;
    check(lc_row_v2, &r, "18446744073709551615||1640995200|로그|b\\n\xFF\n");
}

#define JSON(more) "{\"_time\":\"2022-01-01T00:00:00.250000000Z\"," more "}\n"
#define RECEIVED   "\"received\":\"2022-01-01T00:00:01Z\""

static struct lc_record record(struct lc_slice message)
{
    return (struct lc_record){.id = 7,
                              .time_ns = TIME_NS,
                              .received_ns = 1640995201 * LC_NS_PER_S,
                              .level = LC_LEVEL_NONE,
                              .message = message};
}

static void json(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = record(LC_LIT("x"));
    check(lc_row_json, &r, JSON("\"_msg\":\"x\",\"id\":\"7\"," RECEIVED));
    r.level = LC_LEVEL_WARN;
    r.stream.space = LC_LIT("main");
    r.stream.host = LC_LIT("h");
    r.stream.app = LC_LIT("a");
    r.stream.facility = LC_LIT("auth");
    r.pid = LC_LIT("12");
    r.source = LC_LIT("[::1]:5");
    r.message = LC_LIT("");
    check(
        lc_row_json, &r,
        JSON(
            "\"_msg\":\"\",\"id\":\"7\",\"level\":\"WARN\",\"space\":\"main\",\"host\":\"h\","
            "\"app\":\"a\",\"facility\":\"auth\",\"pid\":\"12\",\"source\":\"[::1]:5\"," RECEIVED));
}

static void json_octets(void **state)
{
    LC_UNUSED(state);
    const struct {
        struct lc_slice message;
        const char *expected;
    } cases[] = {
        {LC_LIT("안녕 🙂"), "\"_msg\":\"안녕 🙂\""},
        {LC_LIT("\"q\" \\ /"), "\"_msg\":\"\\\"q\\\" \\\\ /\""},
        {LC_LIT("\b\f\n\r\t"), "\"_msg\":\"\\b\\f\\n\\r\\t\""},
        {LC_LIT("\0\x01\x1B\x1F\x7F"), "\"_msg\":\"\\u0000\\u0001\\u001b\\u001f\x7F\""},
        {LC_LIT("a\xFF"), "\"_msg_base64\":\"Yf8=\""},
        {LC_LIT("\xED\xA0\x80"), "\"_msg_base64\":\"7aCA\""}, /* a surrogate is not UTF-8 */
        {LC_LIT("\xC0\x80"), "\"_msg_base64\":\"wIA=\""},     /* nor is an overlong form */
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_record r = record(cases[i].message);
        char expected[256];
        snprintf(expected, sizeof expected, JSON("%s,\"id\":\"7\"," RECEIVED), cases[i].expected);
        check(lc_row_json, &r, expected);
    }
}

static void json_fields(void **state)
{
    LC_UNUSED(state);
    const struct {
        struct lc_field field;
        const char *expected;
    } cases[] = {
        {{LC_LIT("k"), LC_LIT("v"), LC_FIELD_STRING}, "\"k\":\"v\""},
        {{LC_LIT("k"), LC_LIT("12"), LC_FIELD_STRING}, "\"k\":\"12\""},
        {{LC_LIT("k"), LC_LIT(""), LC_FIELD_STRING}, "\"k\":\"\""},
        {{LC_LIT("k"), LC_LIT("0"), LC_FIELD_INT}, "\"k\":0"},
        {{LC_LIT("k"), LC_LIT("-12"), LC_FIELD_INT}, "\"k\":-12"},
        {{LC_LIT("k"), LC_LIT("99999999999999999999"), LC_FIELD_INT}, "\"k\":99999999999999999999"},
        {{LC_LIT("k"), LC_LIT("1.50e+10"), LC_FIELD_FLOAT}, "\"k\":1.50e+10"},
        {{LC_LIT("k"), LC_LIT("1E5"), LC_FIELD_FLOAT}, "\"k\":1E5"},
        /* numbers, but not of JSON */
        {{LC_LIT("k"), LC_LIT("007"), LC_FIELD_INT}, "\"k\":\"007\""},
        {{LC_LIT("k"), LC_LIT("+1"), LC_FIELD_INT}, "\"k\":\"+1\""},
        {{LC_LIT("k"), LC_LIT("-"), LC_FIELD_INT}, "\"k\":\"-\""},
        {{LC_LIT("k"), LC_LIT(""), LC_FIELD_INT}, "\"k\":\"\""},
        {{LC_LIT("k"), LC_LIT(".5"), LC_FIELD_FLOAT}, "\"k\":\".5\""},
        {{LC_LIT("k"), LC_LIT("1."), LC_FIELD_FLOAT}, "\"k\":\"1.\""},
        {{LC_LIT("k"), LC_LIT("1e"), LC_FIELD_FLOAT}, "\"k\":\"1e\""},
        {{LC_LIT("k"), LC_LIT("1e+"), LC_FIELD_FLOAT}, "\"k\":\"1e+\""},
        {{LC_LIT("k"), LC_LIT("NaN"), LC_FIELD_FLOAT}, "\"k\":\"NaN\""},
        {{LC_LIT("k"), LC_LIT("1,\"x\":2"), LC_FIELD_INT}, "\"k\":\"1,\\\"x\\\":2\""},
        {{LC_LIT("k"), LC_LIT("true"), LC_FIELD_BOOL}, "\"k\":true"},
        {{LC_LIT("k"), LC_LIT("false"), LC_FIELD_BOOL}, "\"k\":false"},
        {{LC_LIT("k"), LC_LIT("yes"), LC_FIELD_BOOL}, "\"k\":\"yes\""},
        {{LC_LIT("k"), LC_LIT(""), LC_FIELD_NULL}, "\"k\":null"},
        {{LC_LIT("k"), LC_LIT("\xFF"), LC_FIELD_STRING}, "\"k_base64\":\"/w==\""},
        {{LC_LIT("a\"b\n"), LC_LIT("v"), LC_FIELD_STRING}, "\"a\\\"b\\n\":\"v\""},
        {{LC_LIT("a\xFF"), LC_LIT("v"), LC_FIELD_STRING}, "\"a\xEF\xBF\xBD\":\"v\""},
        {{LC_LIT(""), LC_LIT("v"), LC_FIELD_STRING}, "\"\":\"v\""},
        /* names that could be taken for something of ours */
        {{LC_LIT("host"), LC_LIT("v"), LC_FIELD_STRING}, "\"field.host\":\"v\""},
        {{LC_LIT("_msg"), LC_LIT("1"), LC_FIELD_INT}, "\"field._msg\":1"},
        {{LC_LIT("k_base64"), LC_LIT("v"), LC_FIELD_STRING}, "\"field.k_base64_base64\":\"dg==\""},
        {{LC_LIT("field.k"), LC_LIT(""), LC_FIELD_NULL}, "\"field.field.k\":null"},
        {{LC_LIT("hosts"), LC_LIT("v"), LC_FIELD_STRING}, "\"hosts\":\"v\""},
        {{LC_LIT("fields"), LC_LIT("v"), LC_FIELD_STRING}, "\"fields\":\"v\""},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_record r = record(LC_LIT("x"));
        r.fields = &cases[i].field;
        r.field_count = 1;
        char expected[256];
        snprintf(expected, sizeof expected, JSON("\"_msg\":\"x\",\"id\":\"7\"," RECEIVED ",%s"),
                 cases[i].expected);
        check(lc_row_json, &r, expected);
    }
}

/* Each member that a row may have is a name that no field gets. */
static void json_members_are_taken(void **state)
{
    LC_UNUSED(state);
    static const char *const members[] = {"_time", "_msg",     "id",  "level",  "space",   "host",
                                          "app",   "facility", "pid", "source", "received"};
    struct lc_record r = record(LC_LIT("x"));
    struct lc_field fields[LC_ARRAY_LEN(members)];
    r.fields = fields;
    r.field_count = LC_ARRAY_LEN(members);
    struct lc_dynbuf expected;
    lc_dynbuf_init(&expected, 4096);
    assert_lc_ok(lc_dynbuf_printf(&expected, "{\"_time\":\"2022-01-01T00:00:00.250000000Z\","
                                             "\"_msg\":\"x\",\"id\":\"7\"," RECEIVED));
    for (size_t i = 0; i < LC_ARRAY_LEN(members); i++) {
        fields[i] = (struct lc_field){lc_slice_cstr(members[i]), LC_LIT("v"), LC_FIELD_STRING};
        assert_lc_ok(lc_dynbuf_printf(&expected, ",\"field.%s\":\"v\"", members[i]));
    }
    assert_lc_ok(lc_dynbuf_append(&expected, LC_LIT("}\n\0")));
    check(lc_row_json, &r, (const char *)expected.p);
    lc_dynbuf_done(&expected);
}

static void strings(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 4096);
    assert_lc_ok(lc_json_string(&out, LC_LIT("a\xFF\xFE\xED\xA0\x80z\xE2\x82")));
    assert_slice(lc_dynbuf_slice(&out),
                 "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"
                 "\xEF\xBF\xBD\xEF\xBF\xBD\"");
    lc_dynbuf_done(&out);
}

/* Whatever the room that is left, either the whole row is there or nothing of it. */
static void a_full_buffer_holds_no_half_row(void **state)
{
    LC_UNUSED(state);
    static row_writer *const rows[] = {lc_row_v1, lc_row_v2, lc_row_json, lc_v2_encode};
    const struct lc_field fields[] = {{LC_LIT("k"), LC_LIT("\xFF\xFF\xFF"), LC_FIELD_STRING},
                                      {LC_LIT("n"), LC_LIT("1"), LC_FIELD_INT}};
    struct lc_record r = record(LC_LIT("a\rb\"c"));
    r.fields = fields;
    r.field_count = 2;
    for (size_t i = 0; i < LC_ARRAY_LEN(rows); i++) {
        lc_err e = LC_ELIMIT;
        size_t max = 0;
        for (; e != LC_OK; max++) {
            assert_true(max < 1000);
            struct lc_dynbuf out;
            lc_dynbuf_init(&out, max);
            e = rows[i](&out, &r);
            if (e != LC_OK) {
                assert_lc_err(e, LC_ELIMIT);
                assert_int_equal(out.n, 0);
            }
            lc_dynbuf_done(&out);
        }
        assert_true(max > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1),          cmocka_unit_test(v2),
        cmocka_unit_test(json),        cmocka_unit_test(json_octets),
        cmocka_unit_test(json_fields), cmocka_unit_test(json_members_are_taken),
        cmocka_unit_test(strings),     cmocka_unit_test(a_full_buffer_holds_no_half_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
