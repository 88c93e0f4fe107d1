/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/source.c - errors that point into a text.
 */
#include "conf/source.h"

#include <stdio.h>

#include "base/grapheme.h"
#include "base/utf8.h"

#define BEFORE_MAX 40 /* characters of the line before what is wrong */
#define AFTER_MAX  30 /* and from there on */

unsigned lc_source_line(const struct lc_source *source, size_t at)
{
    unsigned line = 1;

    for (size_t i = 0; i < at && i < source->text.n; i++)
        line += source->text.p[i] == '\n';
    return line;
}

size_t lc_source_line_start(const struct lc_source *source, unsigned line)
{
    size_t at = 0;

    while (line > 1 && at < source->text.n)
        line -= source->text.p[at++] == '\n';
    return at;
}

static size_t line_begin(struct lc_slice text, size_t at)
{
    while (at > 0 && text.p[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(struct lc_slice text, size_t at)
{
    while (at < text.n && text.p[at] != '\n' && text.p[at] != '\r')
        at++;
    return at;
}

struct excerpt {
    char text[3 * (BEFORE_MAX + AFTER_MAX) + 16];
    size_t n;
    unsigned columns;
};

/* Up to `max` characters of s, without what could move a terminal's cursor. */
static void show(struct excerpt *x, struct lc_slice s, unsigned max)
{
    for (unsigned i = 0; s.n > 0 && i < max; i++) {
        size_t n = lc_grapheme_next(s), used;
        uint32_t c = lc_utf8_next(s, &used);
        bool is_plain = c != LC_UTF8_BAD && c >= ' ' && !(c >= 0x7F && c < 0xA0);
        struct lc_slice shown = is_plain ? lc_slice(s.p, n) : c == '\t' ? LC_LIT(" ") : LC_LIT("?");

        if (x->n + shown.n > sizeof x->text)
            return;
        memcpy(x->text + x->n, shown.p, shown.n);
        x->n += shown.n;
        x->columns += (unsigned)lc_text_width(shown);
        s = lc_slice_from(s, n);
    }
}

/* The start of the last `max` characters of s. */
static size_t last_characters(struct lc_slice s, unsigned max)
{
    size_t count = 0, at = 0;

    for (size_t end = 0; end < s.n; end += lc_grapheme_next(lc_slice_from(s, end)))
        count++;
    for (; count > max; count--)
        at += lc_grapheme_next(lc_slice_from(s, at));
    return at;
}

void lc_source_complain(const struct lc_source *source, struct lc_span span, enum lc_shown shown,
                        struct lc_diag *diag, const char *message)
{
    struct lc_slice text = source->text;
    size_t at = span.at < text.n ? span.at : text.n;
    size_t begin = line_begin(text, at), end = line_end(text, at);
    size_t bad_end = span.end > at && span.end < end ? span.end : end;
    unsigned line = lc_source_line(source, at), column = (unsigned)(at - begin) + 1;
    struct excerpt before = {.n = 0}, bad = {.n = 0}, after = {.n = 0};
    char carets[AFTER_MAX * 2 + 1];

    if (diag == NULL)
        return;
    diag->line = line;
    diag->column = column;
    if (shown == LC_SHOWN_NOTHING) {
        lc_diag_set(diag, "%s:%u:%u: %s", source->name, line, column, message);
        return;
    }

    struct lc_slice lead = lc_slice(text.p + begin, at - begin);

    if (shown != LC_SHOWN_SPAN)
        show(&before, lc_slice_from(lead, last_characters(lead, BEFORE_MAX)), BEFORE_MAX);
    show(&bad, lc_slice(text.p + at, bad_end - at), AFTER_MAX);
    if (shown == LC_SHOWN_LINE)
        show(&after, lc_slice(text.p + bad_end, end - bad_end), AFTER_MAX);
    memset(carets, '^', sizeof carets);
    lc_diag_set(diag, "%s:%u:%u: %s\n%5u | %.*s%.*s%.*s\n      | %*s%.*s", source->name, line,
                column, message, line, (int)before.n, before.text, (int)bad.n, bad.text,
                (int)after.n, after.text, (int)before.columns, "",
                bad.columns > 0 ? (int)bad.columns : 1, carets);
}
