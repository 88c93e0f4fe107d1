/* SPDX-License-Identifier: Apache-2.0
 *
 * base/record.c - the names of levels.
 */
#include "base/record.h"

/* A word and its length: most words that are compared differ in that. */
#define WORD(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
struct word {
    const char *p;
    size_t n;
};

static const struct {
    struct word name;
    unsigned severity;
} levels[LC_LEVEL_COUNT] = {
#define LC_LEVEL_ROW(name, code, severity) [code] = {WORD(#name), severity},
    LC_LEVELS(LC_LEVEL_ROW)
#undef LC_LEVEL_ROW
};

static const struct {
    struct word word;
    enum lc_level level;
} also_written[] = {
    {WORD("TRC"), LC_LEVEL_TRACE},
    {WORD("VERBOSE"), LC_LEVEL_TRACE},
    {WORD("FINEST"), LC_LEVEL_TRACE},
    {WORD("V"), LC_LEVEL_TRACE},
    {WORD("DBG"), LC_LEVEL_DEBUG},
    {WORD("FINE"), LC_LEVEL_DEBUG},
    {WORD("D"), LC_LEVEL_DEBUG},
    {WORD("INFORMATION"), LC_LEVEL_INFO},
    {WORD("INFORMATIONAL"), LC_LEVEL_INFO},
    {WORD("INF"), LC_LEVEL_INFO},
    {WORD("I"), LC_LEVEL_INFO},
    {WORD("WARNING"), LC_LEVEL_WARN},
    {WORD("WRN"), LC_LEVEL_WARN},
    {WORD("W"), LC_LEVEL_WARN},
    {WORD("ERR"), LC_LEVEL_ERROR},
    {WORD("SEVERE"), LC_LEVEL_ERROR},
    {WORD("E"), LC_LEVEL_ERROR},
    {WORD("CRITICAL"), LC_LEVEL_CRIT},
    {WORD("FATAL"), LC_LEVEL_CRIT},
    {WORD("F"), LC_LEVEL_CRIT},
    {WORD("EMERGENCY"), LC_LEVEL_EMERG},
    {WORD("PANIC"), LC_LEVEL_EMERG},
};

static bool is_word(struct lc_slice s, const struct word *word)
{
    return s.n == word->n && lc_slice_eq_nocase(s, lc_slice(word->p, word->n));
}

enum lc_level lc_level_parse(struct lc_slice word)
{
    for (unsigned i = 0; i < LC_LEVEL_COUNT; i++)
        if (is_word(word, &levels[i].name))
            return (enum lc_level)i;
    for (size_t i = 0; i < LC_ARRAY_LEN(also_written); i++)
        if (is_word(word, &also_written[i].word))
            return also_written[i].level;
    return LC_LEVEL_NONE;
}

struct lc_slice lc_level_name(enum lc_level level)
{
    if (level >= LC_LEVEL_COUNT)
        return lc_slice("", 0);
    return lc_slice(levels[level].name.p, levels[level].name.n);
}

enum lc_level lc_level_from_severity(unsigned severity)
{
    /* DEBUG and TRACE share severity 7: the more usual one comes back */
    for (unsigned i = LC_LEVEL_DEBUG; i < LC_LEVEL_COUNT; i++)
        if (levels[i].severity == severity)
            return (enum lc_level)i;
    return LC_LEVEL_NONE;
}
