/* SPDX-License-Identifier: Apache-2.0
 *
 * base/err_test.c - texts of errors, and details for humans.
 */
#include "base/test.h"

#include <errno.h>

static void every_error_has_a_text(void **state)
{
    LC_UNUSED(state);
    assert_string_equal(lc_strerror(LC_OK), "success");
#define CHECK_TEXT(name, code, text) assert_string_equal(lc_strerror(LC_##name), text);
    LC_ERRORS(CHECK_TEXT)
#undef CHECK_TEXT
    assert_string_equal(lc_strerror(-ENOENT), "No such file or directory");
}

static void strange_codes_have_one_too(void **state)
{
    LC_UNUSED(state);
    assert_string_equal(lc_strerror(-4000), "unknown error");
    assert_string_equal(lc_strerror(ENOENT), "unknown error"); /* errno without its sign */
    assert_string_equal(lc_strerror(-9999), "unknown error");
    assert_string_equal(lc_strerror(-20000), "unknown error");
    assert_string_equal(lc_strerror(INT32_MIN), "unknown error");
}

static void details_are_formatted(void **state)
{
    LC_UNUSED(state);
    struct lc_diag diag = {0};
    lc_diag_set(&diag, "%s: %d", "port", 99);
    assert_string_equal(diag.text, "port: 99");
    lc_diag_set(&diag, "listener: %s", diag.text);
    assert_string_equal(diag.text, "listener: port: 99");
    lc_diag_set(NULL, "nobody asked");
}

/* `fill` octets of ASCII, then `tail`, into a detail; what of `tail` is left. */
static struct lc_slice left_of(struct lc_diag *diag, int fill, const char *tail)
{
    lc_diag_set(diag, "%0*d%s", fill, 0, tail);
    struct lc_slice text = lc_slice_cstr(diag->text);
    assert_true(text.n < sizeof diag->text);
    return lc_slice_from(text, (size_t)fill);
}

static void details_are_cut_between_characters(void **state)
{
    LC_UNUSED(state);
    struct lc_diag diag;
    const int room = sizeof diag.text - 1;
    assert_slice(left_of(&diag, room - 3, "\xED\x95\x9C"), "\xED\x95\x9C");
    assert_slice(left_of(&diag, room - 2, "\xED\x95\x9C"), "");
    assert_slice(left_of(&diag, room - 1, "\xED\x95\x9C"), "");
    assert_slice(left_of(&diag, room - 4, "a\xED\x95\x9Czz"), "a\xED\x95\x9C");
    assert_slice(left_of(&diag, room - 3, "\xF0\x9F\x98\x80"), "");
    assert_slice(left_of(&diag, room - 2, "abcdef"), "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_text),
        cmocka_unit_test(strange_codes_have_one_too),
        cmocka_unit_test(details_are_formatted),
        cmocka_unit_test(details_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
