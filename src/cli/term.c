/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/term.c - colour, width, harmless text.
 */
#include "cli/term.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"

const char *const lc_colour_words[] = {
    [LC_COLOUR_AUTO] = "auto", [LC_COLOUR_ALWAYS] = "always", [LC_COLOUR_NEVER] = "never", NULL};

bool lc_term_colours(FILE *out, enum lc_colour when)
{
    if (when != LC_COLOUR_AUTO)
        return when == LC_COLOUR_ALWAYS;
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    return isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0 &&
           (no_color == NULL || no_color[0] == '\0');
}

const char *lc_term_style(bool colours, enum lc_style style)
{
    static const char *const sgr[] = {
        [LC_STYLE_NONE] = "\033[0m",        [LC_STYLE_DIM] = "\033[2m",
        [LC_STYLE_BOLD] = "\033[1m",        [LC_STYLE_RED] = "\033[31m",
        [LC_STYLE_BOLD_RED] = "\033[1;31m", [LC_STYLE_YELLOW] = "\033[33m",
        [LC_STYLE_GREEN] = "\033[32m",      [LC_STYLE_CYAN] = "\033[36m",
        [LC_STYLE_BLUE] = "\033[34m",
    };
    return colours ? sgr[style] : "";
}

/* C0 and C1 controls, and the marks by which text can be shown in another order than it is stored
 * (Unicode Standard Annex 9). */
static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C;
}

static lc_err append_escape(struct lc_dynbuf *out, uint32_t c, struct lc_slice octets)
{
    if (c == '\n')
        return lc_dynbuf_append(out, LC_LIT("\\n"));
    if (c == '\t')
        return lc_dynbuf_append(out, LC_LIT("\\t"));
    if (c == '\r')
        return lc_dynbuf_append(out, LC_LIT("\\r"));
    if (c >= 0x80 && c != LC_UTF8_BAD)
        return lc_dynbuf_printf(out, "\\u%04x", c);
    return lc_dynbuf_printf(out, "\\x%02x", octets.p[0]);
}

lc_err lc_term_append(struct lc_dynbuf *out, struct lc_slice s)
{
    size_t plain = 0; /* octets at the front of s that are shown as they are */
    while (plain < s.n) {
        size_t used;
        uint32_t c = lc_utf8_next(lc_slice_from(s, plain), &used);
        if (c != LC_UTF8_BAD && !is_harmful(c)) {
            plain += used;
            continue;
        }
        lc_err e = lc_dynbuf_append(out, lc_slice(s.p, plain));
        if (e == LC_OK)
            e = append_escape(out, c, lc_slice(s.p + plain, used));
        if (e != LC_OK)
            return e;
        s = lc_slice_from(s, plain + used);
        plain = 0;
    }
    return lc_dynbuf_append(out, s);
}
