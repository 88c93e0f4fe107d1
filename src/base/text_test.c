/* SPDX-License-Identifier: Apache-2.0
 *
 * base/text_test.c - texts in the language of the thread that asks.
 */
#include "base/text.h"

#include <errno.h>
#include <pthread.h>

#include "base/test.h"

static const char *shout(const char *text)
{
    static const struct {
        const char *text, *loud;
    } texts[] = {
        {"port %d is taken", "PORT %d IS TAKEN"},
        {"no memory", "NO MEMORY"},
        {"log storage full", "LOG STORAGE FULL"},
        {"No such file or directory", "NO SUCH FILE OR DIRECTORY"},
        {"", "a header"},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(texts); i++)
        if (strcmp(texts[i].text, text) == 0)
            return texts[i].loud;
    return text;
}

static void *say_full(void *arg)
{
    lc_diag_set(arg, "port %d is taken", 80);
    return NULL;
}

static void texts_are_translated_where_a_translator_is(void **state)
{
    LC_UNUSED(state);
    struct lc_diag diag;
    assert_string_equal(lc_text("no memory"), "no memory");
    lc_text_translator(shout);
    assert_string_equal(lc_text("no memory"), "NO MEMORY");
    assert_string_equal(lc_text(""), "");
    lc_diag_set(&diag, "port %d is taken", 80);
    assert_string_equal(diag.text, "PORT 80 IS TAKEN");
    lc_diag_set(&diag, "%s", "no memory");
    assert_string_equal(diag.text, "NO MEMORY");
    lc_diag_set(&diag, "%s: %s", "web-1", lc_strerror(LC_EFULL));
    assert_string_equal(diag.text, "web-1: LOG STORAGE FULL");
    assert_string_equal(lc_strerror(-ENOENT), "NO SUCH FILE OR DIRECTORY");

    /* other threads speak English */
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, say_full, &diag), 0);
    pthread_join(thread, NULL);
    assert_string_equal(diag.text, "port 80 is taken");

    lc_text_translator(NULL);
    lc_diag_set(&diag, "%s", "no memory");
    assert_string_equal(diag.text, "no memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_translated_where_a_translator_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
