/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/model.h - what a store was given and what it answered: the judge of what it shows.
 *
 * WHAT    Records are numbered; all of a record's contents follow from its number, which stands in
 *         its message, so a whole record can be compared and a half-written one cannot pass.
 * WHO     The store's fault suites.
 * THREAD  One.
 */
#ifndef LC_STORE_TESTING_MODEL_H
#define LC_STORE_TESTING_MODEL_H

#include "store/store.h"

/* Why a run failed, for humans. The first reason stays. */
struct lc_verdict {
    bool bad;
    char text[480];
};
LC_PRINTF(2, 3) void lc_verdict_set(struct lc_verdict *v, const char *fmt, ...);

enum lc_fate {
    LC_FATE_OPEN,      /* appended; nobody was told what became of it */
    LC_FATE_COMMITTED, /* acknowledged, or seen: must stay */
    LC_FATE_REFUSED,   /* told that it will never be seen; but a crash before the next commit of its
                        * shard may show it: docs/store-format.md, section 2 */
    LC_FATE_NEVER,     /* refused and past that, or lost in a crash: must never be seen */
};

struct lc_model_record {
    uint64_t id;
    int64_t received_ns;
    enum lc_fate fate;
    bool may_go;              /* retention was allowed to remove it */
    bool gone;                /* and did */
    bool found;               /* by the check that runs */
    unsigned sender;          /* 0: none; else 1.. LC_MODEL_SENDERS */
    uint64_t epoch, sequence; /* the sender's */
    bool is_skipped;          /* not a record: the sender moved over this sequence */
};

/* What counts its records and asks the store how far it has come, as senders do. */
#define LC_MODEL_SENDERS 4
struct lc_model_sender {
    uint64_t epoch, next;
    struct lc_sender_position told; /* by the store: it never goes back behind this */
};

struct lc_model {
    struct lc_model_record *records; /* by number */
    size_t count, cap;
    struct lc_model_sender senders[LC_MODEL_SENDERS + 1]; /* from 1 on */
};

void lc_model_done(struct lc_model *m);
void lc_model_copy(struct lc_model *to, const struct lc_model *from);
/* The number of the next record is m->count. */
void lc_model_add(struct lc_model *m, uint64_t id, int64_t received_ns);
/* The record that was added last is the next one of a sender. */
void lc_model_add_from(struct lc_model *m, unsigned sender);
/* The sender moves over its next sequence without a record. */
void lc_model_skip(struct lc_model *m, unsigned sender);
struct lc_sender_id lc_model_sender_id(unsigned sender);
/* The sender asks the store where to go on. new_epoch: and counts anew */
void lc_model_go_on(struct lc_model *m, struct lc_store *store, unsigned sender, bool new_epoch);
/* An outcome of a shard: what was open up to this id now has its fate. */
void lc_model_outcome(struct lc_model *m, unsigned shard, const struct lc_outcome *o);
/* The largest id that a shard ever gave; 0: none. refused_too: else without those that were
 * refused, which the same run of the store may give again. */
uint64_t lc_model_last_id(const struct lc_model *m, unsigned shard, bool refused_too);

/* Room for the contents of one record. */
#define LC_CONTENT_LONG 5000 /* octets of the long messages: several sectors and more */
struct lc_content {
    char message[LC_CONTENT_LONG + 256];
    char host[16], app[16], pid[16], source[32], values[3][32];
    struct lc_field fields[3];
};
/* The record of a number, but for its id: its times lie around
 * received_ns, late and early ones among them. Slices point into `c`. */
void lc_content_make(struct lc_content *c, size_t number, int64_t received_ns,
                     struct lc_record *ret);

enum lc_check_when {
    LC_CHECK_RUNNING,   /* what is open may still come */
    LC_CHECK_REOPENED,  /* after a stop in order: nothing open is left */
    LC_CHECK_RECOVERED, /* after a crash: what was open is there now, or lost */
};
/* Reads all that the store shows and compares: everything committed is there once, whole and under
 * its id, but for what retention may have removed; nothing is there that must not be; what the
 * snapshot says about itself is true. Of each sender exactly the records up to its position are
 * there, each once. What was found counts as seen from now on. */
void lc_model_check(struct lc_model *m, struct lc_store *store, enum lc_check_when when,
                    struct lc_verdict *v);

#endif
