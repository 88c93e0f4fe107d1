/* SPDX-License-Identifier: Apache-2.0
 *
 * base/record_test.c - the table of levels.
 */
#include "base/test.h"

#include "base/record.h"

static void every_level_by_name_and_back(void **state)
{
    LC_UNUSED(state);
#define CHECK_LEVEL(name, code, severity)                                                          \
    assert_int_equal(LC_LEVEL_##name, code);                                                       \
    assert_int_equal(lc_level_parse(LC_LIT(#name)), code);                                         \
    assert_slice(lc_level_name(LC_LEVEL_##name), #name);
    LC_LEVELS(CHECK_LEVEL)
#undef CHECK_LEVEL
    assert_int_equal(LC_LEVEL_COUNT, 9);
    assert_slice(lc_level_name(LC_LEVEL_NONE), "");
}

static void words_of_other_senders(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *word;
        enum lc_level level;
    } cases[] = {
        {"verbose", LC_LEVEL_TRACE}, {"trc", LC_LEVEL_TRACE},        {"Fine", LC_LEVEL_DEBUG},
        {"dbg", LC_LEVEL_DEBUG},     {"information", LC_LEVEL_INFO}, {"i", LC_LEVEL_INFO},
        {"Warning", LC_LEVEL_WARN},  {"w", LC_LEVEL_WARN},           {"err", LC_LEVEL_ERROR},
        {"SEVERE", LC_LEVEL_ERROR},  {"fatal", LC_LEVEL_CRIT},       {"critical", LC_LEVEL_CRIT},
        {"panic", LC_LEVEL_EMERG},   {"emergency", LC_LEVEL_EMERG},  {"nOtIcE", LC_LEVEL_NOTICE},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++)
        assert_int_equal(lc_level_parse(lc_slice_cstr(cases[i].word)), cases[i].level);
}

static void other_words_are_no_levels(void **state)
{
    LC_UNUSED(state);
    static const char *const words[] = {"", "ERRO", "ERRORS", " INFO", "5", "none", "X"};
    for (size_t i = 0; i < LC_ARRAY_LEN(words); i++)
        assert_int_equal(lc_level_parse(lc_slice_cstr(words[i])), LC_LEVEL_NONE);
}

static void severities(void **state)
{
    LC_UNUSED(state);
    static const enum lc_level by_severity[] = {LC_LEVEL_EMERG, LC_LEVEL_ALERT, LC_LEVEL_CRIT,
                                                LC_LEVEL_ERROR, LC_LEVEL_WARN,  LC_LEVEL_NOTICE,
                                                LC_LEVEL_INFO,  LC_LEVEL_DEBUG};
    for (unsigned s = 0; s < LC_ARRAY_LEN(by_severity); s++)
        assert_int_equal(lc_level_from_severity(s), by_severity[s]);
    assert_int_equal(lc_level_from_severity(8), LC_LEVEL_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_by_name_and_back),
        cmocka_unit_test(words_of_other_senders),
        cmocka_unit_test(other_words_are_no_levels),
        cmocka_unit_test(severities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
