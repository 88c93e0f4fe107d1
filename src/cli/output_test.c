/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/output_test.c - rows in every form, and what a terminal is shown.
 */
#include "base/test.h"

#include <stdlib.h>

#include "cli/output.h"

static void a_terminal_is_not_acted_on(void **state)
{
    LC_UNUSED(state);
    /* right-to-left override; as octets, since compilers warn of it in a text */
    static const char reordered[] = {'a', (char)0xE2, (char)0x80, (char)0xAE, 'b', '\0'};
    static const struct {
        const char *octets, *shown;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"a\tb\r\nc", "a\\tb\\r\\nc"},
        {"\033[31mred", "\\x1b[31mred"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "1m",
         "\\u009b"
         "1m"}, /* C1 CSI */
        {"안녕하세요 🎉", "안녕하세요 🎉"},
        {"\xff\xc3", "\\xff\\xc3"},
        {reordered, "a\\u202eb"},
    };
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1024);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        out.n = 0;
        assert_lc_ok(lc_term_append(&out, lc_slice_cstr(cases[i].octets)));
        assert_slice(lc_dynbuf_slice(&out), cases[i].shown);
    }
    lc_dynbuf_done(&out);
}

static const char *const records[] = {
    "{\"_time\":\"2026-11-20T18:00:00.123456789Z\",\"_msg\":\"disk, \\\"full\\\"\",\"id\":\"1024\","
    "\"level\":\"ERROR\",\"space\":\"main\",\"host\":\"web-1\",\"app\":\"nginx\",\"disk\":\"sda\"}",
    "{\"_time\":\"2026-11-20T18:00:01Z\",\"_msg_base64\":\"/"
    "wA=\",\"id\":\"2048\",\"space\":\"main\","
    "\"host\":\"데이터\",\"app\":\"db\"}",
};

static const char *const table[] = {
    "{\"app\":\"nginx\",\"count()\":12}",
    "{\"app\":\"db\",\"count()\":3}",
};

static void write_rows(enum lc_output_format format, bool colours, size_t gather,
                       const char *const rows[2], struct lc_slice expected)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    struct lc_output *o;
    assert_lc_ok(lc_output_new(out, format, colours, gather, &o));
    for (size_t i = 0; i < 2; i++)
        assert_lc_ok(lc_output_row(o, lc_slice_cstr(rows[i])));
    assert_lc_ok(lc_output_flush(o));
    lc_output_free(o);
    fclose(out);
    assert_slice_eq(lc_slice(text, n), expected);
    free(text);
}

static void as_raw_octets(void **state)
{
    LC_UNUSED(state);
    write_rows(LC_OUTPUT_RAW, false, 0, records, LC_LIT("disk, \"full\"\n\xff\0\n"));
    write_rows(LC_OUTPUT_RAW, false, 10, table, LC_LIT("nginx\t12\ndb\t3\n"));
}

static void as_csv(void **state)
{
    LC_UNUSED(state);
    write_rows(LC_OUTPUT_CSV, false, 0, records,
               LC_LIT("_time,level,host,app,_msg\n"
                      "2026-11-20T18:00:00.123456789Z,ERROR,web-1,nginx,\"disk, \"\"full\"\"\"\n"
                      "2026-11-20T18:00:01Z,,데이터,db,\xff\0\n"));
    write_rows(LC_OUTPUT_CSV, false, 1, table, LC_LIT("app,count()\nnginx,12\ndb,3\n"));
}

static void as_a_table(void **state)
{
    LC_UNUSED(state);
    write_rows(LC_OUTPUT_TABLE, false, 2, records,
               LC_LIT("2026-11-20 18:00:00.123  ERROR  web-1   nginx  disk, \"full\" disk=sda\n"
                      "2026-11-20 18:00:01.000         데이터  db     \\xff\\x00\n"));
    write_rows(LC_OUTPUT_TABLE, false, 2, table, LC_LIT("app    count()\nnginx  12\ndb     3\n"));
}

static void as_a_table_in_colour(void **state)
{
    LC_UNUSED(state);
    write_rows(LC_OUTPUT_TABLE, true, 2, table,
               LC_LIT("\033[1mapp\033[0m    \033[1mcount()\033[0m\nnginx  12\ndb     3\n"));
}

static void what_is_not_a_row(void **state)
{
    LC_UNUSED(state);
    struct lc_output *o;
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    assert_lc_ok(lc_output_new(out, LC_OUTPUT_TABLE, false, 0, &o));
    assert_lc_err(lc_output_row(o, LC_LIT("OK|12")), LC_EPROTO);
    assert_lc_err(lc_output_row(o, LC_LIT("[1]")), LC_EPROTO);
    assert_lc_err(lc_output_row(o, LC_LIT("{\"a\":")), LC_EPROTO);
    lc_output_free(o);
    fclose(out);

    char id[8];
    assert_true(lc_output_member(lc_slice_cstr(records[0]), "id", id, sizeof id));
    assert_string_equal(id, "1024");
    assert_false(lc_output_member(lc_slice_cstr(records[0]), "nothing", id, sizeof id));
    assert_false(lc_output_member(lc_slice_cstr(records[0]), "_time", id, sizeof id));
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_is_not_acted_on),
        cmocka_unit_test(as_raw_octets),
        cmocka_unit_test(as_csv),
        cmocka_unit_test(as_a_table),
        cmocka_unit_test(as_a_table_in_colour),
        cmocka_unit_test(what_is_not_a_row),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
