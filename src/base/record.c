/* SPDX-License-Identifier: Apache-2.0
 *
 * base/record.c - the names of levels.
 */
#include "base/record.h"

static const struct {
    const char *name;
    unsigned severity;
} levels[LC_LEVEL_COUNT] = {
#define LC_LEVEL_ROW(name, code, severity) [code] = {#name, severity},
    LC_LEVELS(LC_LEVEL_ROW)
#undef LC_LEVEL_ROW
};

static const struct {
    const char *word;
    enum lc_level level;
} also_written[] = {
    {"TRC", LC_LEVEL_TRACE},    {"VERBOSE", LC_LEVEL_TRACE},    {"FINEST", LC_LEVEL_TRACE},
    {"V", LC_LEVEL_TRACE},      {"DBG", LC_LEVEL_DEBUG},        {"FINE", LC_LEVEL_DEBUG},
    {"D", LC_LEVEL_DEBUG},      {"INFORMATION", LC_LEVEL_INFO}, {"INFORMATIONAL", LC_LEVEL_INFO},
    {"INF", LC_LEVEL_INFO},     {"I", LC_LEVEL_INFO},           {"WARNING", LC_LEVEL_WARN},
    {"WRN", LC_LEVEL_WARN},     {"W", LC_LEVEL_WARN},           {"ERR", LC_LEVEL_ERROR},
    {"SEVERE", LC_LEVEL_ERROR}, {"E", LC_LEVEL_ERROR},          {"CRITICAL", LC_LEVEL_CRIT},
    {"FATAL", LC_LEVEL_CRIT},   {"F", LC_LEVEL_CRIT},           {"EMERGENCY", LC_LEVEL_EMERG},
    {"PANIC", LC_LEVEL_EMERG},
};

enum lc_level lc_level_parse(struct lc_slice word)
{
    for (unsigned i = 0; i < LC_LEVEL_COUNT; i++)
        if (lc_slice_eq_nocase(word, lc_slice_cstr(levels[i].name)))
            return (enum lc_level)i;
    for (size_t i = 0; i < LC_ARRAY_LEN(also_written); i++)
        if (lc_slice_eq_nocase(word, lc_slice_cstr(also_written[i].word)))
            return also_written[i].level;
    return LC_LEVEL_NONE;
}

struct lc_slice lc_level_name(enum lc_level level)
{
    if (level >= LC_LEVEL_COUNT)
        return lc_slice("", 0);
    return lc_slice_cstr(levels[level].name);
}

enum lc_level lc_level_from_severity(unsigned severity)
{
    /* DEBUG and TRACE share severity 7: the more usual one comes back */
    for (unsigned i = LC_LEVEL_DEBUG; i < LC_LEVEL_COUNT; i++)
        if (levels[i].severity == severity)
            return (enum lc_level)i;
    return LC_LEVEL_NONE;
}
