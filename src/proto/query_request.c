/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/query_request.c - what an asker's line asks for.
 */
#include "proto/text.h"

#define V1 LC_LIT("QUERY:")
#define V2 LC_LIT("QUERY|")

static const char *const type_names[LC_QUERY_TYPE_COUNT] = {
#define LC_QUERY_TYPE_NAME(name) #name,
    LC_QUERY_TYPES(LC_QUERY_TYPE_NAME)
#undef LC_QUERY_TYPE_NAME
};

#define SPACE_AND_NAME(name) " " #name

static lc_err refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return LC_ESYNTAX;
}

lc_err lc_query_request_decode(struct lc_slice line, struct lc_query_request *ret,
                               const char **ret_reason)
{
    if (lc_slice_starts(line, V1)) {
        *ret = (struct lc_query_request){
            .v1 = true, .type = LC_QUERY_KEYWORD, .parameter = lc_slice_from(line, V1.n)};
        return LC_OK;
    }
    LC_ASSERT(lc_slice_starts(line, V2));
    struct lc_slice name, parameter = lc_slice_from(line, V2.n);
    bool parted = lc_slice_cut(&parameter, '|', &name);
    if (!parted)
        name = parameter;

    unsigned type = 0;
    while (type < LC_QUERY_TYPE_COUNT && !lc_slice_eq(name, lc_slice_cstr(type_names[type])))
        type++;
    if (type == LC_QUERY_TYPE_COUNT)
        return refuse(ret_reason,
                      "unknown query type, expected one of" LC_QUERY_TYPES(SPACE_AND_NAME));
    bool bare = type == LC_QUERY_STATS || type == LC_QUERY_SOCKETS;
    if (bare && parted && parameter.n > 0)
        return refuse(ret_reason, "STATS and SOCKETS take no parameter");
    if (!bare && !parted)
        return refuse(ret_reason, "expected QUERY|<type>|<parameter>");
    *ret = (struct lc_query_request){.type = (enum lc_query_type)type,
                                     .parameter = parted ? parameter : LC_LIT("")};
    return LC_OK;
}
