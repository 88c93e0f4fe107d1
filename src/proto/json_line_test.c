/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/json_line_test.c - JSON lines: what is JSON (jansson must agree), what loggers write, and
 * rows of our own that come back as they were.
 */
#include "base/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "proto/json_read.h"
#include "proto/test_session.h"

#define SEOUL_S (9 * 3600)

static struct lc_members *members;

static int set_up(void **state)
{
    LC_UNUSED(state);
    members = malloc(sizeof *members);
    return members == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    LC_UNUSED(state);
    free(members);
    return 0;
}

/* ---- what is JSON ---- */

static bool is_value(struct lc_slice text)
{
    struct lc_json_reader r = lc_json_reader(text);
    struct lc_json_token t;
    lc_err e;
    while ((e = lc_json_next(&r, &t)) == LC_OK)
        ;
    return e == LC_EEND;
}

static bool is_value_to_jansson(struct lc_slice text)
{
    json_t *v = json_loadb((const char *)text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_decref(v);
    return v != NULL;
}

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Octets, NUL among them perhaps. */
struct text {
    const char *p;
    size_t n;
};

static const struct text good[] = {
    TEXT("{}"),
    TEXT("[]"),
    TEXT(" { } \r\n\t"),
    TEXT("{\"a\":1}"),
    TEXT("[1,2]"),
    TEXT("{\"a\":{\"b\":[{}]},\"c\":[]}"),
    TEXT("\"x\""),
    TEXT("0"),
    TEXT("-0"),
    TEXT("-1.5e+10"),
    TEXT("1E5"),
    TEXT("true"),
    TEXT("false"),
    TEXT("null"),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""),
    TEXT("\"안녕 🙂\""),
    TEXT("\"\\ud83d\\ude42\""),
    TEXT("\"\\u0000\""),
    TEXT("\"\x7F\""),
    TEXT("\"12345678\\\"1234567\\\\\""),
    TEXT("[[[[[[[[[[]]]]]]]]]]"),
};

static const struct text bad[] = {
    TEXT(""),
    TEXT(" "),
    TEXT("{"),
    TEXT("}"),
    TEXT("["),
    TEXT("]"),
    TEXT("{]"),
    TEXT("[}"),
    TEXT("{,}"),
    TEXT("[,]"),
    TEXT("[1,]"),
    TEXT("{\"a\":1,}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":}"),
    TEXT("{\"a\" 1}"),
    TEXT("{a:1}"),
    TEXT("{'a':1}"),
    TEXT("{1:1}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("[1 2]"),
    TEXT("{} {}"),
    TEXT("{}x"),
    TEXT("1 2"),
    TEXT("01"),
    TEXT("-"),
    TEXT("+1"),
    TEXT("1."),
    TEXT(".5"),
    TEXT("1e"),
    TEXT("1e+"),
    TEXT("0x1"),
    TEXT("NaN"),
    TEXT("Infinity"),
    TEXT("tru"),
    TEXT("truex"),
    TEXT("True"),
    TEXT("nul"),
    TEXT("\""),
    TEXT("\"a"),
    TEXT("\"\\\""),
    TEXT("\"\\x\""),
    TEXT("\"\\u12\""),
    TEXT("\"\\u12g4\""),
    TEXT("\"\\"),
    TEXT("\"\\u"),
    TEXT("\"a\tb\""),
    TEXT("\"a\nb\""),
    TEXT("\"\0\""),
    TEXT("\"\xFF\""),
    TEXT("\"\xED\xA0\x80\""),
    TEXT("\"\xC0\x80\""),
    TEXT("\"1234567\xFF\""),
    TEXT("\"12345678901\x1F\""),
    TEXT("\xEF\xBB\xBF{}"),
    TEXT("\f{}"),
    TEXT("// x\n{}"),
    TEXT("\0"),
    TEXT("{\"a\":1}\0"),
    TEXT("[1]]"),
    TEXT("\\u005b]"),
};

/* Every text is judged as jansson does, and so is each part of it; none is read past its end. */
static void judge(const struct text *texts, size_t count, bool expected)
{
    struct lc_test_guard guard;
    lc_test_guard_open(&guard, 256);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(is_value_to_jansson(lc_slice(texts[i].p, texts[i].n)), expected);
        for (size_t n = 1; n <= texts[i].n; n++) {
            struct lc_slice text = lc_test_guard_put(&guard, lc_slice(texts[i].p, n));
            if (is_value(text) != is_value_to_jansson(text))
                fail_msg("text %zu: %.*s", i, (int)text.n, (const char *)text.p);
        }
    }
    lc_test_guard_close(&guard);
}

static void grammar(void **state)
{
    LC_UNUSED(state);
    judge(good, LC_ARRAY_LEN(good), true);
    judge(bad, LC_ARRAY_LEN(bad), false);
}

static void depth_is_bounded(void **state)
{
    LC_UNUSED(state);
    uint8_t text[2 * (LC_JSON_DEPTH_MAX + 1)];
    memset(text, '[', LC_JSON_DEPTH_MAX + 1);
    memset(text + LC_JSON_DEPTH_MAX + 1, ']', LC_JSON_DEPTH_MAX + 1);
    assert_true(is_value(lc_slice(text + 1, sizeof text - 2)));
    assert_false(is_value(lc_slice(text, sizeof text)));
    struct lc_json_reader r = lc_json_reader(lc_slice(text, sizeof text));
    struct lc_json_token t;
    for (size_t i = 0; i < LC_JSON_DEPTH_MAX; i++)
        assert_lc_ok(lc_json_next(&r, &t));
    assert_lc_err(lc_json_next(&r, &t), LC_ELIMIT);
}

static void unescaping(void **state)
{
    LC_UNUSED(state);
    const struct {
        const char *escaped;
        struct lc_slice expected;
    } cases[] = {
        {"", LC_LIT("")},
        {"abc", LC_LIT("abc")},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", LC_LIT("\"\\/\b\f\n\r\t")},
        {"a\\u0041\\u00e9\\ubc14\\u0000b", LC_LIT("aA\xC3\xA9\xEB\xB0\x94\0b")},
        {"\\ud83d\\ude42", LC_LIT("\xF0\x9F\x99\x82")},
        {"\\uD83D\\uDE42", LC_LIT("\xF0\x9F\x99\x82")},
        /* half of a pair: U+FFFD */
        {"\\ud83dx", LC_LIT("\xEF\xBF\xBDx")},
        {"\\ude42\\ud83d", LC_LIT("\xEF\xBF\xBD\xEF\xBF\xBD")},
        {"\\ud83d\\ud83d\\ude42", LC_LIT("\xEF\xBF\xBD\xF0\x9F\x99\x82")},
        {"\\ud83d\\n", LC_LIT("\xEF\xBF\xBD\n")},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_dynbuf out;
        lc_dynbuf_init(&out, 64);
        assert_lc_ok(lc_dynbuf_append(&out, LC_LIT(">")));
        assert_lc_ok(lc_json_unescape(&out, lc_slice_cstr(cases[i].escaped)));
        assert_slice_eq(lc_slice_from(lc_dynbuf_slice(&out), 1), cases[i].expected);
        lc_dynbuf_done(&out);
    }
}

/* ---- what loggers write ---- */

static void decodes(const char *line, const char *expected)
{
    static struct lc_test_session s = {.limit = 4096, .syslog = {.utc_offset_s = SEOUL_S}};
    struct lc_dynbuf input;
    lc_dynbuf_init(&input, 8192);
    assert_lc_ok(lc_dynbuf_printf(&input, "%s\n", line));
    lc_test_splits(lc_dynbuf_slice(&input), &lc_test_lines, &s, expected);
    lc_dynbuf_done(&input);
}

static void loggers(void **state)
{
    LC_UNUSED(state);
    /* bunyan */
    decodes("{\"name\":\"shop\",\"hostname\":\"web-1\",\"pid\":812,\"level\":40,\"msg\":\"slow\","
            "\"time\":\"2026-11-20T18:00:00.250Z\",\"v\":0}",
            "json time=1795197600.250000000 level=[WARN] host=[web-1] app=[shop] pid=[812]"
            " name=[v] int=[0] message=[slow]\n");
    /* pino */
    decodes("{\"level\":60,\"time\":1795197600250,\"pid\":812,\"hostname\":\"web-1\","
            "\"err\":{\"type\":\"Error\",\"code\":7,\"fatal\":true,\"cause\":null},"
            "\"msg\":\"gone\"}",
            "json time=1795197600.250000000 level=[CRIT] host=[web-1] pid=[812]"
            " name=[err.type] value=[Error] name=[err.code] int=[7] name=[err.fatal] bool=[true]"
            " name=[err.cause] null=[] message=[gone]\n");
    /* zap */
    decodes("{\"level\":\"info\",\"ts\":1795197600.2501,\"caller\":\"a/b.go:7\",\"msg\":\"up\"}",
            "json time=1795197600.250100000 level=[INFO] name=[caller] value=[a/b.go:7]"
            " message=[up]\n");
    /* logrus */
    decodes("{\"level\":\"warning\",\"msg\":\"m\",\"time\":\"2026-11-21T03:00:00+09:00\"}",
            "json time=1795197600.000000000 level=[WARN] message=[m]\n");
    /* winston; `http` is a level of npm's and of nobody else */
    decodes("{\"level\":\"http\",\"message\":\"GET /\",\"service\":\"shop\","
            "\"timestamp\":\"2026-11-20T18:00:00.000Z\"}",
            "json time=1795197600.000000000 app=[shop] message=[GET /] level_text=[http]\n");
    /* logstash-logback-encoder */
    decodes("{\"@timestamp\":\"2026-11-21T03:00:00.123+0900\",\"@version\":\"1\","
            "\"message\":\"a\\tb\",\"logger_name\":\"x.Y\",\"level\":\"ERROR\","
            "\"level_value\":40000}",
            "json time=1795197600.123000000 level=[ERROR] name=[@version] value=[1]"
            " name=[logger_name] value=[x.Y] name=[level_value] int=[40000] message=[a\tb]\n");
    /* Elastic's common schema */
    decodes("{\"@timestamp\":\"2026-11-20T18:00:00Z\",\"log.level\":\"debug\",\"message\":\"m\","
            "\"service\":{\"name\":\"shop\"},\"host\":{\"name\":\"web-1\"},"
            "\"process\":{\"pid\":7}}",
            "json time=1795197600.000000000 level=[DEBUG] host=[web-1] app=[shop] pid=[7]"
            " message=[m]\n");
    /* Python, local time and a comma; Docker's json-file */
    decodes("{\"log\":\"line\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-21 03:00:00,123\"}",
            "json time=1795197600.123000000 name=[stream] value=[stderr] message=[line\n]\n");
    /* no message: the whole line is it */
    decodes("{\"event\":\"login\",\"_space\":\"web\",\"facility\":\"auth\"}",
            "json facility=[auth] name=[event] value=[login]"
            " message=[{\"event\":\"login\",\"_space\":\"web\",\"facility\":\"auth\"}]\n");
}

static void levels(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *number;
        enum lc_level level;
    } cases[] = {
        {"0", LC_LEVEL_EMERG},  {"3", LC_LEVEL_ERROR},  {"7", LC_LEVEL_DEBUG},
        {"8", LC_LEVEL_NONE},   {"9", LC_LEVEL_NONE},   {"10", LC_LEVEL_TRACE},
        {"20", LC_LEVEL_DEBUG}, {"30", LC_LEVEL_INFO},  {"35", LC_LEVEL_INFO},
        {"40", LC_LEVEL_WARN},  {"50", LC_LEVEL_ERROR}, {"60", LC_LEVEL_CRIT},
        {"69", LC_LEVEL_CRIT},  {"70", LC_LEVEL_NONE},  {"-1", LC_LEVEL_NONE},
        {"3.5", LC_LEVEL_NONE}, {"", LC_LEVEL_NONE},    {"99999999999999999999", LC_LEVEL_NONE},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++)
        assert_int_equal(lc_members_level(lc_slice_cstr(cases[i].number)), cases[i].level);
    decodes("{\"level\":99,\"msg\":\"m\"}", "json message=[m] level_text=[99]\n");
    decodes("{\"level\":\"6\",\"msg\":\"m\"}", "json level=[INFO] message=[m]\n");
    decodes("{\"level\":true,\"severity\":\"err\",\"msg\":\"m\"}",
            "json level=[ERROR] name=[level] bool=[true] message=[m]\n");
}

static void times(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1795197600", INT64_C(1795197600000000000)},
        {"1795197600.5", INT64_C(1795197600500000000)},
        {"1795197600123", INT64_C(1795197600123000000)},
        {"1795197600123.25", INT64_C(1795197600123250000)},
        {"1795197600123456", INT64_C(1795197600123456000)},
        {"1795197600123456789", INT64_C(1795197600123456789)},
        {"99999999999", -2},                           /* seconds, and out of range */
        {"100000000000", INT64_C(100000000000000000)}, /* milliseconds */
        {"31536000", INT64_C(31536000000000000)},
        {"9223372036854775807", INT64_MAX},
        {"2026-11-20T18:00:00Z", INT64_C(1795197600000000000)},
        {"2026-11-20 18:00:00z", INT64_C(1795197600000000000)},
        {"2026-11-21T03:00:00", INT64_C(1795197600000000000)},
        {"2026-11-21 03:00:00.5", INT64_C(1795197600500000000)},
        {"2026-11-20T10:00:00,5-0800", INT64_C(1795197600500000000)},
        {"31535999", -1},
        {"12", -1},
        {"-1795197600", -1},
        {"1.795e9", -1},
        {"", -1},
        {"x", -1},
        {"2026-11-20", -1},
        {"2026-11-20T18:00:00ZZ", -1},
        {"2026-11-20T18:00:00 UTC", -1},
        {"2026-13-20T18:00:00Z", -1},
        {"1795197600123.x", -1},
        {"1795197600.", -1},
        {"2026-11-20T18:00:00.0000000000000000000000000000000000Z", INT64_C(1795197600000000000)},
        {"2026-11-21T03:00:00.0000000000000000000000000000000000", INT64_C(1795197600000000000)},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        int64_t ns = 0;
        lc_err e = lc_members_time(lc_slice_cstr(cases[i].text), SEOUL_S, &ns);
        if (cases[i].ns >= 0 ? e != LC_OK || ns != cases[i].ns
                             : e != (cases[i].ns == -1 ? LC_ESYNTAX : LC_ELIMIT))
            fail_msg("%s: %d, %lld", cases[i].text, e, (long long)ns);
    }
    /* the first name that is a time is it; the others are fields */
    decodes("{\"time\":12,\"timestamp\":1795197600,\"ts\":\"x\",\"msg\":\"m\"}",
            "json time=1795197600.000000000 name=[time] int=[12] name=[ts] value=[x]"
            " message=[m]\n");
    decodes("{\"@timestamp\":1795197601,\"_time\":\"2026-11-20T18:00:00Z\",\"msg\":\"m\"}",
            "json time=1795197600.000000000 name=[@timestamp] int=[1795197601] message=[m]\n");
}

static void members_of_all_kinds(void **state)
{
    LC_UNUSED(state);
    decodes("{\"msg\":\"m\",\"i\":-7,\"f\":1.50,\"e\":1e3,\"t\":true,\"n\":null,\"s\":\"\","
            "\"a\":[1, {\"b\":2}],\"o\":{},\"u\\u00e9\":\"\\u00e9\",\"\":0}",
            "json name=[i] int=[-7] name=[f] float=[1.50] name=[e] float=[1e3] name=[t] bool=[true]"
            " name=[n] null=[] name=[s] value=[] name=[a] value=[[1, {\"b\":2}]] name=[o]"
            " value=[{}] name=[ué] value=[é] name=[] int=[0] message=[m]\n");
    /* eight names are joined, the ninth level is text */
    decodes("{\"msg\":\"m\",\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":"
            "{\"10\":1}},\"x\":2},\"y\":3}}}}}}}",
            "json name=[1.2.3.4.5.6.7.8.9] value=[{\"10\":1}] name=[1.2.3.4.5.6.7.x] int=[2]"
            " name=[1.2.3.4.5.6.y] int=[3] message=[m]\n");
    decodes("{\"a\":1,\"a\":2,\"b\":{\"c\":3},\"b.c\":\"4\",\"msg\":\"x\",\"msg\":\"y\"}",
            "json name=[a] int=[2] name=[b.c] value=[4] message=[y] repeated=3\n");
    /* empty words say nothing, an empty message is one */
    decodes("{\"host\":\"\",\"app\":\"\",\"level\":\"\",\"time\":\"\",\"msg\":\"\"}",
            "json message=[]\n");
    decodes("{\"message\":7,\"msg\":null,\"host\":null}",
            "json name=[msg] null=[] name=[host] null=[] message=[7]\n");
}

static void what_is_no_object_is_plain(void **state)
{
    LC_UNUSED(state);
    decodes("{not JSON}", "plain line=[{not JSON}]\n");
    decodes("{\"a\":1", "plain line=[{\"a\":1]\n");
    decodes("{\"a\":1} and more", "plain line=[{\"a\":1} and more]\n");
    decodes(" {\"a\":1}", "plain line=[ {\"a\":1}]\n");
    decodes("{\"a\":\"\xFF\"}", "plain line=[{\"a\":\"\xFF\"}]\n");
}

/* ---- limits ---- */

static void too_many_fields_are_cut(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf text;
    struct lc_record r = {.level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    static const unsigned counts[] = {250, 256, 257, 271, 272, 300};
    for (size_t c = 0; c < LC_ARRAY_LEN(counts); c++) {
        unsigned n = counts[c];
        lc_dynbuf_init(&text, 1 << 16);
        assert_lc_ok(lc_dynbuf_printf(&text, "{\"msg\":\"m\""));
        for (unsigned i = 0; i < n; i++)
            assert_lc_ok(lc_dynbuf_printf(&text, ",\"f%u\":%u", i, i));
        assert_lc_ok(lc_dynbuf_printf(&text, ",\"level\":\"info\"}"));
        assert_lc_ok(lc_json_line_decode(lc_dynbuf_slice(&text), 0, members, &r, &unplaced));
        assert_int_equal(r.field_count, n > LC_FIELDS_MAX ? LC_FIELDS_MAX : n);
        assert_int_equal(unplaced.is_cut, n > LC_FIELDS_MAX);
        assert_slice(r.fields[r.field_count - 1].name, n == 250 ? "f249" : "f255");
        assert_slice(r.message, "m");
        lc_dynbuf_done(&text);
    }
}

/* A deep object repeats long names for each of its leaves: more text than the scratch. */
static void too_much_text_is_cut(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf text;
    struct lc_record r = {.level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    lc_dynbuf_init(&text, 1 << 20);
    assert_lc_ok(lc_dynbuf_printf(&text, "{\"msg\":\"m\",\"%050000u\":{", 0u));
    for (unsigned i = 0; i < 100; i++)
        assert_lc_ok(lc_dynbuf_printf(&text, "%s\"f%u\":%u", i == 0 ? "" : ",", i, i));
    assert_lc_ok(lc_dynbuf_printf(&text, "},\"last\":1}"));
    assert_lc_ok(lc_json_line_decode(lc_dynbuf_slice(&text), 0, members, &r, &unplaced));
    assert_true(unplaced.is_cut);
    assert_in_range(r.field_count, 20, 30);
    assert_slice(r.fields[r.field_count - 1].name, "last");
    assert_slice(r.message, "m");
    lc_dynbuf_done(&text);
}

/* What is left out for want of room costs nothing that grows with its path: nothing of it is
 * copied. */
static void what_finds_no_room_is_not_copied(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf text;
    lc_dynbuf_init(&text, 1 << 20);
    assert_lc_ok(lc_dynbuf_printf(&text, "{\"%0440000u\":{\"%0230000u\":{\"\":0", 0u, 0u));
    for (unsigned i = 0; i < 1000; i++)
        assert_lc_ok(lc_dynbuf_printf(&text, ",\"\":0"));
    assert_lc_ok(lc_dynbuf_printf(&text, "}}}"));
    memset(members->memory, '?', sizeof members->memory);
    assert_lc_ok(lc_json_members(lc_dynbuf_slice(&text), members));
    assert_true(members->is_cut);
    assert_int_equal(members->text.n, 440000 + 1 + 230000 + 1);
    for (size_t i = members->text.n; i < sizeof members->memory; i++)
        assert_int_equal(members->memory[i], '?');
    lc_dynbuf_done(&text);
}

/* ---- rows ---- */

static void same(const struct lc_record *a, const struct lc_record *b)
{
    assert_true(a->id == b->id && a->time_ns == b->time_ns && a->received_ns == b->received_ns);
    assert_int_equal(a->level, b->level);
    assert_slice_eq(a->stream.space, b->stream.space);
    assert_slice_eq(a->stream.host, b->stream.host);
    assert_slice_eq(a->stream.app, b->stream.app);
    assert_slice_eq(a->stream.facility, b->stream.facility);
    assert_slice_eq(a->pid, b->pid);
    assert_slice_eq(a->source, b->source);
    assert_slice_eq(a->message, b->message);
    assert_int_equal(a->field_count, b->field_count);
    for (size_t i = 0; i < a->field_count; i++) {
        assert_slice_eq(a->fields[i].name, b->fields[i].name);
        assert_slice_eq(a->fields[i].value, b->fields[i].value);
        assert_int_equal(a->fields[i].type, b->fields[i].type);
    }
}

static void comes_back(const struct lc_record *r)
{
    struct lc_dynbuf row;
    struct lc_record again = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    lc_dynbuf_init(&row, 1 << 16);
    assert_lc_ok(lc_row_json(&row, r));
    assert_lc_ok(lc_json_line_decode(lc_dynbuf_slice(&row), SEOUL_S, members, &again, &unplaced));
    same(r, &again);
    assert_true(unplaced.level_text.n == 0 && unplaced.repeated == 0 && !unplaced.is_cut);
    lc_dynbuf_done(&row);
}

/* Of fields: what a row calls something else, and how it says so. */
static const char *const row_names[] = {
    "x",
    "_msg",
    "message",
    "msg",
    "log",
    "_time",
    "time",
    "ts",
    "@timestamp",
    "level",
    "lvl",
    "severity",
    "host",
    "hostname",
    "app",
    "service.name",
    "name",
    "pid",
    "space",
    "_space",
    "facility",
    "id",
    "source",
    "received",
    "_base64",
    "x_base64",
    "_msg_base64",
    "id_base64",
    "field.",
    "field.x",
    "field",
    "field.level",
    "field.x_base64",
    "",
    "level_text",
    "안녕\n",
};

static void rows_come_back(void **state)
{
    LC_UNUSED(state);
    const struct lc_slice values[] = {
        LC_LIT(""),     LC_LIT("x"),    LC_LIT("12"),         LC_LIT("\xFF\0"),
        LC_LIT("true"), LC_LIT("null"), LC_LIT("\"\\\n\x01"), LC_LIT("안녕"),
    };
    const struct lc_field typed[] = {
        {LC_LIT("n"), LC_LIT("-7"), LC_FIELD_INT},
        {LC_LIT("n"), LC_LIT("1.5"), LC_FIELD_FLOAT},
        {LC_LIT("n"), LC_LIT("1e9"), LC_FIELD_FLOAT},
        {LC_LIT("n"), LC_LIT("false"), LC_FIELD_BOOL},
        {LC_LIT("n"), LC_LIT(""), LC_FIELD_NULL},
        {LC_LIT("a_base64"), LC_LIT("5"), LC_FIELD_INT},
        {LC_LIT("level"), LC_LIT("30"), LC_FIELD_INT},
    };
    struct lc_record r = {.id = UINT64_MAX,
                          .time_ns = INT64_C(1795197600123456789),
                          .received_ns = INT64_C(1795197601000000000),
                          .level = LC_LEVEL_NONE};
    for (size_t v = 0; v < LC_ARRAY_LEN(values); v++) {
        r.message = r.stream.host = r.stream.app = r.stream.facility = r.stream.space = values[v];
        r.pid = r.source = values[v];
        r.level = v == 0 ? LC_LEVEL_NONE : (enum lc_level)v;
        for (size_t n = 0; n < LC_ARRAY_LEN(row_names); n++) {
            struct lc_field fields[2] = {
                {lc_slice_cstr(row_names[n]), values[v], LC_FIELD_STRING},
                typed[(v + n) % LC_ARRAY_LEN(typed)],
            };
            r.fields = fields;
            r.field_count = lc_slice_eq(fields[0].name, fields[1].name) ? 1 : 2;
            comes_back(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grammar),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(unescaping),
        cmocka_unit_test(loggers),
        cmocka_unit_test(levels),
        cmocka_unit_test(times),
        cmocka_unit_test(members_of_all_kinds),
        cmocka_unit_test(what_is_no_object_is_plain),
        cmocka_unit_test(too_many_fields_are_cut),
        cmocka_unit_test(too_much_text_is_cut),
        cmocka_unit_test(what_finds_no_room_is_not_copied),
        cmocka_unit_test(rows_come_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
