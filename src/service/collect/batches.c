/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/batches.c - senders that number their records (binary v2): each record is stored
 * once, whatever is sent again.
 *
 * All connections of a sender come to the worker whose shard it is appended to, so what has been
 * appended is known here without asking anybody. A sender is let in when it is known what became of
 * all that came before, by whatever connection.
 */
#include <inttypes.h>
#include <stdio.h>

#include "service/collect/collect.h"

static struct lc_counters *counters(const struct lc_batching *b)
{
    return &b->intake->worker->counters;
}

static void answer(struct lc_shipper *sh, bool stored_more)
{
    if (!stored_more && !sh->is_owed)
        return;
    sh->is_owed = false;
    lc_session_stored(sh->session, sh->told, sh->told == sh->at.upto);
}

/* At the end of a turn: records that were skipped are answered too, and nothing else will. */
static void answer_skipped(struct lc_task *task)
{
    struct lc_batching *b = LC_CONTAINER(task, struct lc_batching, skipped);

    for (struct lc_link *l = b->all.next; l != &b->all; l = l->next) {
        struct lc_shipper *sh = LC_CONTAINER(l, struct lc_shipper, all);

        if (sh->state == LC_SHIPPER_IN && sh->told == sh->at.upto)
            answer(sh, false);
    }
}

void lc_batching_init(struct lc_batching *b, struct lc_intake *intake)
{
    b->intake = intake;
    b->pending = 0;
    lc_link_init(&b->all);
    lc_task_init(&b->skipped, answer_skipped);
}

/* ---- HELLO ---- */

static void turn_away(struct lc_shipper *sh, enum lc_batch_error code, const char *text)
{
    sh->state = LC_SHIPPER_OUT;
    sh->at.upto = sh->told;
    lc_session_turn_away(sh->session, code, text);
}

static void fence(struct lc_batching *b, const struct lc_shipper *newer)
{
    for (struct lc_link *l = b->all.next; l != &b->all; l = l->next) {
        struct lc_shipper *sh = LC_CONTAINER(l, struct lc_shipper, all);
        bool is_same = memcmp(sh->id.octets, newer->id.octets, sizeof sh->id.octets) == 0;

        if (sh == newer || !is_same || sh->state == LC_SHIPPER_FENCED)
            continue;
        lc_count(&counters(b)->fenced, 1);
        turn_away(sh, LC_BATCH_ERROR_FENCED, NULL);
        sh->state = LC_SHIPPER_FENCED;
    }
}

static void welcome(struct lc_batching *b, struct lc_shipper *sh)
{
    struct lc_sender_position at = {0};

    (void)lc_store_sender(b->intake->worker->site->store, &sh->id, &at);
    if (at.epoch > sh->at.epoch) {
        turn_away(sh, LC_BATCH_ERROR_REFUSED, "a later epoch of this sender is known");
        lc_log(b->intake->worker->site->log, LC_LEVEL_WARN, "collect.old_epoch",
               LC_LOG_TEXT("sender", sh->text));
        return;
    }
    sh->at.upto = at.epoch == sh->at.epoch ? at.upto : 0;
    sh->told = sh->at.upto;
    sh->is_owed = false;
    sh->state = LC_SHIPPER_IN;
    lc_session_welcome(sh->session, &sh->at);
}

void lc_shipper_hello(struct lc_batching *b, struct lc_shipper *sh, struct lc_session *session,
                      const struct lc_batch_hello *hello)
{
    if (sh->state == LC_SHIPPER_NONE) {
        sh->id = hello->sender;
        sh->session = session;
        lc_list_add_last(&b->all, &sh->all);
        for (size_t i = 0; i < sizeof sh->id.octets; i++)
            snprintf(sh->text + 2 * i, 3, "%02x", sh->id.octets[i]);
    } else if (memcmp(sh->id.octets, hello->sender.octets, sizeof sh->id.octets) != 0) {
        turn_away(sh, LC_BATCH_ERROR_MALFORMED, "another sender has said HELLO here");
        return;
    }
    lc_log(b->intake->worker->site->log, LC_LEVEL_DEBUG, "collect.sender",
           LC_LOG_TEXT("sender", sh->text), LC_LOG_SLICE("name", hello->name));
    sh->at = (struct lc_sender_position){hello->epoch, 0};
    sh->told = 0;
    sh->state = LC_SHIPPER_WAITS;
    fence(b, sh);
    if (b->pending == 0)
        welcome(b, sh);
    else
        lc_intake_flush(b->intake, true);
}

void lc_shipper_left(struct lc_shipper *sh)
{
    if (sh->state != LC_SHIPPER_NONE)
        lc_link_remove(&sh->all);
}

/* ---- records ---- */

bool lc_shipper_has_stored(struct lc_batching *b, struct lc_shipper *sh, uint64_t sequence)
{
    if (sequence > sh->at.upto)
        return false;
    lc_count(&counters(b)->stored_before, 1);
    sh->is_owed = true;
    lc_loop_defer(b->intake->worker->loop, &b->skipped);
    return true;
}

lc_err lc_shipper_pass(struct lc_batching *b, struct lc_shipper *sh, uint64_t sequence)
{
    struct lc_sender_position to = {sh->at.epoch, sequence};
    lc_err e = lc_shard_move_sender(b->intake->worker->shard, &sh->id, &to);

    if (e != LC_OK)
        return e;
    sh->at.upto = sequence;
    lc_count(&counters(b)->passed_over, 1);
    lc_intake_flush(b->intake, true);
    return LC_OK;
}

lc_err lc_shipper_append(struct lc_batching *b, struct lc_shipper *sh, struct lc_arrival *a,
                         uint64_t sequence, bool doubted)
{
    struct lc_intake_from from = {&sh->id, {sh->at.epoch, sequence}};
    char text[LC_U64_MAX];
    uint64_t id;
    lc_err e;

    if (doubted) {
        a->sender = lc_slice_cstr(sh->text);
        a->sequence = lc_slice(text, lc_u64_format(sequence, text));
    }
    e = lc_intake_append(b->intake, a, &from, &id);
    if (e == LC_OK) {
        sh->at.upto = sequence;
        b->pending = id;
    }
    /* It can never be stored, unless there are too many senders, which this tells. */
    return e == LC_ELIMIT ? lc_shipper_pass(b, sh, sequence) : e;
}

/* ---- what became of them ---- */

void lc_batching_outcome(struct lc_batching *b, const struct lc_outcome *outcome)
{
    if (outcome->upto >= b->pending)
        b->pending = 0;
    if (outcome->err == LC_OK)
        return;
    for (struct lc_link *l = b->all.next; l != &b->all; l = l->next) {
        struct lc_shipper *sh = LC_CONTAINER(l, struct lc_shipper, all);

        if (sh->state == LC_SHIPPER_IN && sh->told != sh->at.upto)
            turn_away(sh, LC_BATCH_ERROR_FULL, NULL);
    }
}

static void tell(struct lc_batching *b, struct lc_shipper *sh)
{
    struct lc_sender_position at;

    if (!lc_store_sender(b->intake->worker->site->store, &sh->id, &at) ||
        at.epoch != sh->at.epoch || at.upto <= sh->told)
        return;
    sh->told = at.upto;
    answer(sh, true);
}

void lc_batching_progress(struct lc_batching *b)
{
    for (struct lc_link *l = b->all.next; l != &b->all; l = l->next) {
        struct lc_shipper *sh = LC_CONTAINER(l, struct lc_shipper, all);

        if (sh->state == LC_SHIPPER_WAITS && b->pending == 0)
            welcome(b, sh);
        else if (sh->state == LC_SHIPPER_IN && sh->told != sh->at.upto)
            tell(b, sh);
    }
}
