/* SPDX-License-Identifier: Apache-2.0
 *
 * query/docs_test.c - the page of the language tells the truth: in ```logsql blocks each line is a
 * query that is understood; in ```mistakes blocks a query's line is followed by one that is
 * indented and says column and message.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "query/query.h"

#define NOW (INT64_C(1795197600) * LC_NS_PER_S)

static const char *page_path;

enum block { NO_BLOCK, QUERIES, MISTAKES, OTHER_BLOCK };

struct page {
    FILE *file;
    char line[1024];
    unsigned number;
    enum block block;
    char mistake[1024]; /* the query that the next line explains */
    unsigned queries, mistakes;
};

static void check_query(struct page *p)
{
    struct lc_query *q;
    struct lc_diag diag;
    lc_err e = lc_query_parse(lc_slice_cstr(p->line), NOW, &q, &diag);
    if (e != LC_OK)
        print_error("line %u: %s\n", p->number, diag.text);
    assert_lc_ok(e);
    lc_query_unref(q);
    p->queries++;
}

static void check_mistake(struct page *p)
{
    if (p->line[0] != ' ') {
        assert_string_equal(p->mistake, "");
        memcpy(p->mistake, p->line, sizeof p->mistake);
        return;
    }
    struct lc_query *q;
    struct lc_diag diag;
    char expected[600];
    assert_lc_err(lc_query_parse(lc_slice_cstr(p->mistake), NOW, &q, &diag), LC_ESYNTAX);
    snprintf(expected, sizeof expected, "    column %u: %s", diag.column, diag.text);
    assert_string_equal(p->line, expected);
    p->mistake[0] = '\0';
    p->mistakes++;
}

static void check_line(struct page *p)
{
    if (strncmp(p->line, "```", 3) == 0) {
        const char *kind = p->line + 3;
        p->block = p->block != NO_BLOCK            ? NO_BLOCK
                   : strcmp(kind, "logsql") == 0   ? QUERIES
                   : strcmp(kind, "mistakes") == 0 ? MISTAKES
                                                   : OTHER_BLOCK;
        return;
    }
    if (p->block == QUERIES)
        check_query(p);
    else if (p->block == MISTAKES)
        check_mistake(p);
}

static void examples_are_true(void **state)
{
    LC_UNUSED(state);
    struct page p = {.file = fopen(page_path, "r")};
    assert_non_null(p.file);
    while (fgets(p.line, sizeof p.line, p.file) != NULL) {
        p.number++;
        p.line[strcspn(p.line, "\n")] = '\0';
        check_line(&p);
    }
    assert_int_equal(p.block, NO_BLOCK);
    assert_true(p.queries > 0 && p.mistakes > 0);
    fclose(p.file);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s docs/query-language.md\n", argv[0]);
        return EXIT_FAILURE;
    }
    page_path = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_true)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
