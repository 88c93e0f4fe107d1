/* SPDX-License-Identifier: Apache-2.0 */
#include "access/table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

#define STRIPES     64
#define LOOKED_AT   8 /* of those unused for longest, to find one that remembers nothing */
#define WAIT_MIN_NS (10 * LC_NS_PER_MS)

/* Entries are known by their number in the stripe, from 1; 0: none. */
struct entry {
    struct lc_peer_key key;
    uint32_t next;         /* of the same hash; of the free ones */
    uint32_t newer, older; /* of those without open connections */
    uint32_t open;
    struct lc_bucket connections, records, octets;
    uint8_t recent_count, recent_oldest; /* of the ring */
};

struct ring {
    struct lc_time at[LC_TABLE_RECENT_MAX];
};

struct stripe {
    pthread_mutex_t lock;
    uint32_t *heads;       /* by hash */
    struct entry *entries; /* entries[i - 1] */
    struct ring *rings;
    uint32_t touched; /* entries that were ever used: the rest is untouched memory */
    uint32_t unused;  /* first of those that were used and are free again */
    uint32_t newest, oldest;
    uint32_t used;
};

struct lc_table {
    struct stripe stripes[STRIPES];
    uint32_t cap; /* of a stripe */
    uint64_t seed;
    uint32_t *heads;
    struct entry *entries;
    struct ring *rings;
};

_Static_assert(sizeof(struct entry) + sizeof(struct ring) + sizeof(uint32_t) <=
                   LC_TABLE_ENTRY_OCTETS,
               "the header says how much an address takes");

lc_err lc_table_new(size_t entries, uint64_t seed, struct lc_table **ret)
{
    struct lc_table *t = calloc(1, sizeof *t);
    size_t cap = (entries + STRIPES - 1) / STRIPES;

    LC_ASSERT(entries > 0 && cap < UINT32_MAX);
    if (t == NULL)
        return -ENOMEM;
    t->cap = (uint32_t)cap;
    t->seed = seed;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_init(&t->stripes[i].lock, NULL);
    t->heads = calloc(cap * STRIPES, sizeof *t->heads);
    t->entries = calloc(cap * STRIPES, sizeof *t->entries);
    t->rings = calloc(cap * STRIPES, sizeof *t->rings);
    if (t->heads == NULL || t->entries == NULL || t->rings == NULL) {
        lc_table_free(t);
        return -ENOMEM;
    }
    for (size_t i = 0; i < STRIPES; i++) {
        t->stripes[i].heads = t->heads + i * cap;
        t->stripes[i].entries = t->entries + i * cap;
        t->stripes[i].rings = t->rings + i * cap;
    }
    *ret = t;
    return LC_OK;
}

void lc_table_free(struct lc_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&t->stripes[i].lock);
    free(t->heads);
    free(t->entries);
    free(t->rings);
    free(t);
}

size_t lc_table_used(struct lc_table *t)
{
    size_t used = 0;

    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_lock(&t->stripes[i].lock);
        used += t->stripes[i].used;
        pthread_mutex_unlock(&t->stripes[i].lock);
    }
    return used;
}

/* ---- inside a stripe, its lock held ---- */

static struct entry *at(const struct stripe *s, uint32_t i)
{
    return &s->entries[i - 1];
}

static void unlink_age(struct stripe *s, uint32_t i)
{
    struct entry *e = at(s, i);

    *(e->newer ? &at(s, e->newer)->older : &s->newest) = e->older;
    *(e->older ? &at(s, e->older)->newer : &s->oldest) = e->newer;
}

static void link_newest(struct stripe *s, uint32_t i)
{
    struct entry *e = at(s, i);

    e->newer = 0;
    e->older = s->newest;
    *(s->newest ? &at(s, s->newest)->newer : &s->oldest) = i;
    s->newest = i;
}

static void touch(struct stripe *s, uint32_t i)
{
    if (at(s, i)->open > 0 || s->newest == i)
        return;
    unlink_age(s, i);
    link_newest(s, i);
}

static struct lc_time *ring_at(const struct stripe *s, uint32_t i, unsigned k)
{
    return &s->rings[i - 1].at[k % LC_TABLE_RECENT_MAX];
}

/* Forgets connections that are too long ago, and those of a future that a jump of the clock has
 * taken away. Another worker's clock may be a little ahead. */
static void forget_old(const struct stripe *s, uint32_t i, struct lc_time now)
{
    struct entry *e = at(s, i);

    while (e->recent_count > 0) {
        int64_t age = now.ns - ring_at(s, i, e->recent_oldest)->ns;

        if (age < LC_TABLE_RECENT_NS && age > -LC_TABLE_RECENT_NS)
            return;
        e->recent_oldest = (e->recent_oldest + 1) % LC_TABLE_RECENT_MAX;
        e->recent_count--;
    }
}

static void remember_recent(const struct stripe *s, uint32_t i, struct lc_time now)
{
    struct entry *e = at(s, i);

    if (e->recent_count == LC_TABLE_RECENT_MAX) {
        e->recent_oldest = (e->recent_oldest + 1) % LC_TABLE_RECENT_MAX;
        e->recent_count--;
    }
    *ring_at(s, i, e->recent_oldest + e->recent_count) = now;
    e->recent_count++;
}

static bool remembers_nothing(const struct stripe *s, uint32_t i, struct lc_time now)
{
    const struct entry *e = at(s, i);

    forget_old(s, i, now);
    return e->recent_count == 0 && lc_bucket_is_full(&e->connections, now) &&
           lc_bucket_is_full(&e->records, now) && lc_bucket_is_full(&e->octets, now);
}

static uint32_t *head_of(const struct lc_table *t, const struct stripe *s, uint64_t hash)
{
    return &s->heads[(hash / STRIPES) % t->cap];
}

static uint64_t hash_of(const struct lc_table *t, const struct lc_peer_key *key)
{
    return lc_hash64(lc_slice(key, sizeof *key), t->seed);
}

static void remove_entry(const struct lc_table *t, struct stripe *s, uint32_t i)
{
    uint32_t *link = head_of(t, s, hash_of(t, &at(s, i)->key));

    while (*link != i)
        link = &at(s, *link)->next;
    *link = at(s, i)->next;
    unlink_age(s, i);
    at(s, i)->next = s->unused;
    s->unused = i;
    s->used--;
}

/* One of those unused for longest goes if it remembers nothing. Those that do become young again:
 * a few that are in debt must not hide the others. */
static void make_room(const struct lc_table *t, struct stripe *s, struct lc_time now)
{
    for (unsigned n = 0; n < LOOKED_AT && s->oldest != 0; n++) {
        uint32_t i = s->oldest;

        if (remembers_nothing(s, i, now)) {
            remove_entry(t, s, i);
            return;
        }
        touch(s, i);
    }
}

static uint32_t find(const struct lc_table *t, const struct stripe *s, uint64_t hash,
                     const struct lc_peer_key *key)
{
    uint32_t i = *head_of(t, s, hash);

    while (i != 0 && memcmp(&at(s, i)->key, key, sizeof *key) != 0)
        i = at(s, i)->next;
    return i;
}

/* 0: there is no room. */
static uint32_t add(const struct lc_table *t, struct stripe *s, uint64_t hash,
                    const struct lc_peer_key *key, struct lc_time now)
{
    uint32_t *head = head_of(t, s, hash);
    uint32_t i;

    if (s->used == t->cap)
        make_room(t, s, now);
    if (s->used == t->cap)
        return 0;
    i = s->unused;
    if (i != 0)
        s->unused = at(s, i)->next;
    else
        i = ++s->touched;
    *at(s, i) = (struct entry){.key = *key,
                               .next = *head,
                               .connections = LC_BUCKET_FULL,
                               .records = LC_BUCKET_FULL,
                               .octets = LC_BUCKET_FULL};
    *head = i;
    link_newest(s, i);
    s->used++;
    return i;
}

static struct stripe *lock(struct lc_table *t, uint64_t hash)
{
    struct stripe *s = &t->stripes[hash % STRIPES];

    pthread_mutex_lock(&s->lock);
    return s;
}

static uint32_t find_or_add(const struct lc_table *t, struct stripe *s, uint64_t hash,
                            const struct lc_peer_key *key, struct lc_time now)
{
    uint32_t i = find(t, s, hash, key);

    if (i == 0)
        return add(t, s, hash, key, now);
    touch(s, i);
    return i;
}

/* ---- connections ---- */

static enum lc_enter enter(struct stripe *s, uint32_t i, const struct lc_enter_limits *limits,
                           struct lc_time now)
{
    struct entry *e = at(s, i);

    forget_old(s, i, now);
    if (limits->open_max > 0 && e->open >= limits->open_max)
        return LC_ENTER_OPEN;
    if (limits->recent_max > 0 && e->recent_count >= limits->recent_max)
        return LC_ENTER_RECENT;
    if (!lc_bucket_has_one(&e->connections, limits->rate, now))
        return LC_ENTER_RATE;
    lc_bucket_take_one(&e->connections, limits->rate, now);
    if (limits->recent_max > 0)
        remember_recent(s, i, now);
    if (e->open++ == 0)
        unlink_age(s, i);
    return LC_ENTER_OK;
}

enum lc_enter lc_table_enter(struct lc_table *t, const struct lc_peer_key *key,
                             const struct lc_enter_limits *limits, struct lc_time now)
{
    uint64_t hash = hash_of(t, key);
    struct stripe *s = lock(t, hash);
    uint32_t i = find_or_add(t, s, hash, key, now);
    enum lc_enter result = i == 0 ? LC_ENTER_FULL : enter(s, i, limits, now);

    pthread_mutex_unlock(&s->lock);
    return result;
}

void lc_table_leave(struct lc_table *t, const struct lc_peer_key *key)
{
    uint64_t hash = hash_of(t, key);
    struct stripe *s = lock(t, hash);
    uint32_t i = find(t, s, hash, key);

    /* It is there: an entry with open connections is not removed. */
    LC_ASSERT(i != 0 && at(s, i)->open > 0);
    if (--at(s, i)->open == 0)
        link_newest(s, i);
    pthread_mutex_unlock(&s->lock);
}

/* ---- what is sent ---- */

static struct lc_time later(struct lc_time a, struct lc_time b)
{
    return a.ns > b.ns ? a : b;
}

static lc_err lease(struct entry *e, const struct lc_flow_limits *limits, uint64_t octets,
                    struct lc_time now, struct lc_quota *quota, struct lc_time *ret_ready)
{
    /* Whoever waits comes back for a share, not for each single record. */
    struct lc_time ready = {now.ns + WAIT_MIN_NS};

    if (quota->records == 0)
        quota->records = lc_bucket_lease(&e->records, limits->records, now, 1);
    if (quota->records > 0 && quota->octets < octets) {
        uint64_t more = lc_bucket_lease(&e->octets, limits->octets, now, octets - quota->octets);

        quota->octets = more > UINT64_MAX - quota->octets ? UINT64_MAX : quota->octets + more;
    }
    if (quota->records > 0 && quota->octets >= octets)
        return LC_OK;
    if (quota->records == 0)
        ready = later(ready, lc_bucket_ready(&e->records, limits->records, now));
    else
        ready = later(ready, lc_bucket_ready(&e->octets, limits->octets, now));
    *ret_ready = ready;
    return LC_EWAIT;
}

lc_err lc_table_lease(struct lc_table *t, const struct lc_peer_key *key,
                      const struct lc_flow_limits *limits, uint64_t octets, struct lc_time now,
                      struct lc_quota *quota, struct lc_time *ret_ready)
{
    uint64_t hash = hash_of(t, key);
    struct stripe *s = lock(t, hash);
    uint32_t i = find_or_add(t, s, hash, key, now);
    lc_err e = i == 0 ? LC_ELIMIT : lease(at(s, i), limits, octets, now, quota, ret_ready);

    pthread_mutex_unlock(&s->lock);
    return e;
}

void lc_table_give_back(struct lc_table *t, const struct lc_peer_key *key,
                        const struct lc_flow_limits *limits, const struct lc_quota *quota)
{
    uint64_t hash = hash_of(t, key);
    struct stripe *s = lock(t, hash);
    uint32_t i = find(t, s, hash, key);

    /* An entry that is gone was full. */
    if (i != 0) {
        lc_bucket_give_back(&at(s, i)->records, limits->records, quota->records);
        lc_bucket_give_back(&at(s, i)->octets, limits->octets, quota->octets);
    }
    pthread_mutex_unlock(&s->lock);
}
