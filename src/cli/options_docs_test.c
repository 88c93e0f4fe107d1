/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/options_docs_test.c - the tables of all commands are sound, and docs/configuration.md has
 * them as they are. With LC_WRITE_DOCS in the environment the page is written anew instead.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "conf/file.h"
#include "conf/print.h"

#define PAGE_MAX (1u << 20)

static const char *page_path;

static void every_table_is_sound(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        lc_option_set_check(lc_commands[i]->options);
        assert_true(lc_option_set_size(lc_commands[i]->options) <= lc_commands[i]->target_size);
    }
}

/* The file that is installed as an example can be read, and changes nothing. */
static void default_files_say_the_defaults(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        const struct lc_command *c = lc_commands[i];
        struct lc_settings s;
        struct lc_option_ref o = {0};
        struct lc_dynbuf text;
        struct lc_diag diag = {{0}, 0, 0};
        void *target = calloc(1, c->target_size);
        lc_dynbuf_init(&text, PAGE_MAX);
        assert_lc_ok(lc_options_default_file(c->options, &text));
        lc_settings_init(&s, c->options, target);
        if (lc_settings_yaml(&s, c->name, lc_dynbuf_slice(&text), &diag) != LC_OK)
            fail_msg("%s", diag.text);
        while (lc_option_next(c->options, &o))
            assert_int_equal(s.origins[o.index].from, LC_FROM_DEFAULT);
        lc_settings_done(&s);
        lc_dynbuf_done(&text);
        free(target);
    }
}

static void read_page(struct lc_dynbuf *page)
{
    FILE *f = fopen(page_path, "r");
    if (f == NULL)
        fail_msg("%s is not there", page_path);
    assert_lc_ok(lc_dynbuf_reserve(page, PAGE_MAX - 1));
    page->n = fread(page->p, 1, PAGE_MAX - 2, f);
    page->p[page->n] = '\0';
    fclose(f);
}

/* The page with every block between `<!-- options: NAME -->` and `<!-- end -->` made anew. */
static void renew(const char *page, struct lc_dynbuf *out)
{
    static const char begin[] = "<!-- options: ", end[] = "<!-- end -->";
    const char *at;
    while ((at = strstr(page, begin)) != NULL) {
        char name[32] = "";
        const char *line_end = strchr(at, '\n') + 1;
        assert_int_equal(sscanf(at + strlen(begin), "%31s -->", name), 1);
        const struct lc_command *c = lc_command_find(name);
        assert_non_null(c);
        LC_ASSERT(c != NULL);
        assert_lc_ok(lc_dynbuf_append(out, lc_slice(page, (size_t)(line_end - page))));
        assert_lc_ok(lc_options_markdown(c->options, out));
        assert_lc_ok(lc_dynbuf_append(out, LC_LIT("\n")));
        page = strstr(line_end, end);
        assert_non_null(page);
    }
    assert_lc_ok(lc_dynbuf_append(out, lc_slice_cstr(page)));
}

static void the_page_has_the_table(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf page, expected;
    lc_dynbuf_init(&page, PAGE_MAX);
    lc_dynbuf_init(&expected, 2 * PAGE_MAX);
    read_page(&page);
    renew((const char *)page.p, &expected);
    if (getenv("LC_WRITE_DOCS") != NULL) {
        FILE *f = fopen(page_path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(expected.p, 1, expected.n, f), expected.n);
        fclose(f);
    } else if (!lc_slice_eq(lc_dynbuf_slice(&page), lc_dynbuf_slice(&expected))) {
        fail_msg("%s is not what the tables of options say; write it anew: LC_WRITE_DOCS=1 "
                 "build-dev/src/cli/options_docs_test docs/configuration.md",
                 page_path);
    }
    lc_dynbuf_done(&page);
    lc_dynbuf_done(&expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_sound),
        cmocka_unit_test(default_files_say_the_defaults),
        cmocka_unit_test(the_page_has_the_table),
    };
    LC_ASSERT(argc == 2);
    page_path = argv[1];
    return cmocka_run_group_tests_name("options_docs", tests, NULL, NULL);
}
