/* SPDX-License-Identifier: Apache-2.0 */
#include "service/relay_options.h"

#include "net/addr.h"
#include "query/query.h"

#define OF(member)        LC_MEMBER(struct lc_relay_config, member)
#define DEFAULT_PORT      9999
#define LC_RELAY_NAME_MAX 64

static lc_err check_target(const char *text, struct lc_diag *diag)
{
    struct lc_endpoint ep;
    lc_err e = lc_endpoint_parse(lc_slice_cstr(text), DEFAULT_PORT, &ep, diag);

    if (e == LC_OK && (ep.transport == LC_UDP || ep.transport == LC_UNIX_DGRAM)) {
        lc_diag_set(diag, "%s takes no answers: give a TCP address or unix:/path", text);
        e = LC_ESYNTAX;
    }
    return e;
}

static lc_err check_query(const char *text, struct lc_diag *diag)
{
    struct lc_query *q = NULL;
    lc_err e = lc_query_parse(lc_slice_cstr(text), 0, &q, diag);

    if (e == LC_OK && lc_query_has_pipes(q)) {
        lc_diag_set(diag, "a relay takes a filter only, no pipes");
        e = LC_ESYNTAX;
    }
    if (q != NULL)
        lc_query_unref(q);
    return e;
}

static lc_err check_name(const char *text, struct lc_diag *diag)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t n = strlen(text);

    if (n > 0 && n <= LC_RELAY_NAME_MAX && strspn(text, allowed) == n)
        return LC_OK;
    lc_diag_set(diag, "a name has 1 to %d letters, digits, - and _", LC_RELAY_NAME_MAX);
    return LC_ESYNTAX;
}

const struct lc_option lc_relay_rows[LC_RELAY_ROWS] = {
    {.name = "to",
     .kind = LC_OPTION_LIST,
     .value = "ADDRESS",
     .check = check_target,
     OF(to),
     .help = "log address of a server (port 9999 if none is given) that gets every record, once it "
             "is stored here; further ones are used while those before them do not answer"},
    {.name = "query",
     .kind = LC_OPTION_TEXT,
     .value = "QUERY",
     .fallback = "*",
     .check = check_query,
     OF(query),
     .help = "only records that match this are sent on"},
    {.name = "name",
     .kind = LC_OPTION_TEXT,
     .value = "NAME",
     .fallback = "relay",
     .check = check_name,
     OF(name),
     .help = "by which targets know this relay, with the store's own number; one with another name "
             "begins at the first record"},
    {.name = "compress",
     .kind = LC_OPTION_SWITCH,
     .value = "SWITCH",
     .fallback = "on",
     OF(compress),
     .help = "send batches compressed (zstd)"},
};
