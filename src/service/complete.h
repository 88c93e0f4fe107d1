/* SPDX-License-Identifier: Apache-2.0
 *
 * service/complete.h - from what arrived to what is stored.
 *
 * WHAT    A record without a time, or with an impossible one, gets the time of its arrival; what
 *         has no place in a record becomes a field.
 * WHO     Services that store.
 */
#ifndef LC_SERVICE_COMPLETE_H
#define LC_SERVICE_COMPLETE_H

#include "conn/arrival.h"

/* Room for fields, and for what they hold; one for each worker's service. */
struct lc_completion {
    struct lc_field fields[LC_FIELDS_MAX];
    char time[LC_RFC3339_MAX];
};

/* True: the arrival's time was impossible; it is kept as the field claimed_time. *ret is valid as
 * long as the arrival, and until the next call. */
bool lc_complete(struct lc_completion *c, const struct lc_arrival *a, struct lc_record *ret);

#endif
