/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/lane.c - batches between the reader and one worker.
 *
 * A batch is filled by the reader alone until `given` passes it, and is the worker's until `back`
 * does: so neither side ever waits for a lock.
 */
#include "service/gather/gather.h"

#include <stdlib.h>

#define ALIGNED(n) (((n) + 7) & ~(size_t)7)
#define TEXTS      5 /* of an entry, before its fields: message, pid, app, host, facility */
#define BATCH_MAX  (64u << 20)

/* As it lies in a batch; behind it the texts, then for each field its name and value. */
struct packed {
    struct lc_source *source;
    struct lc_sender_position position;
    uint64_t id;
    int64_t time_ns;
    uint32_t size; /* with all behind it, to the next entry */
    uint32_t text_n[TEXTS];
    uint16_t field_count;
    uint8_t level;
    bool is_whole, truncated, only_moves;
};

struct packed_field {
    uint32_t name_n, value_n;
    enum lc_field_type type;
};

/* ---- reader ---- */

void lc_lane_init(struct lc_lane *lane, struct lc_gather *g)
{
    lane->gather = g;
    for (size_t i = 0; i < LC_BATCHES; i++)
        lc_dynbuf_init(&lane->batches[i].data, BATCH_MAX);
    atomic_init(&lane->given, 1);
    atomic_init(&lane->back, 1);
}

void lc_lane_done(struct lc_lane *lane)
{
    for (size_t i = 0; i < LC_BATCHES; i++)
        lc_dynbuf_done(&lane->batches[i].data);
}

static uint64_t given(const struct lc_lane *lane)
{
    return atomic_load_explicit(&lane->given, memory_order_relaxed);
}

static uint64_t back(const struct lc_lane *lane)
{
    return atomic_load_explicit(&lane->back, memory_order_acquire);
}

bool lc_lane_has_room(const struct lc_lane *lane)
{
    return given(lane) - back(lane) < LC_BATCHES;
}

bool lc_lane_is_empty(const struct lc_lane *lane)
{
    return given(lane) == back(lane) && lane->batches[given(lane) % LC_BATCHES].data.n == 0;
}

static void copy(uint8_t **at, struct lc_slice s)
{
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
}

static void pack(const struct lc_gathered *what, const struct lc_slice texts[TEXTS], size_t size,
                 uint8_t *out)
{
    const struct lc_record *r = &what->record;
    struct packed head = {
        .source = what->source,
        .position = what->position,
        .time_ns = r->time_ns,
        .size = (uint32_t)size,
        .field_count = (uint16_t)r->field_count,
        .level = (uint8_t)r->level,
        .is_whole = what->is_whole,
        .truncated = what->truncated,
        .only_moves = what->only_moves,
    };
    uint8_t *at = out + sizeof head;

    for (size_t i = 0; i < TEXTS; i++) {
        head.text_n[i] = (uint32_t)texts[i].n;
        copy(&at, texts[i]);
    }
    for (size_t i = 0; i < r->field_count; i++) {
        const struct lc_field *f = &r->fields[i];
        const struct packed_field field = {(uint32_t)f->name.n, (uint32_t)f->value.n, f->type};

        copy(&at, lc_slice(&field, sizeof field));
        copy(&at, f->name);
        copy(&at, f->value);
    }
    memcpy(out, &head, sizeof head);
}

lc_err lc_lane_put(const struct lc_gathered *what)
{
    struct lc_lane *lane = what->source->lane;
    const struct lc_record *r = &what->record;
    const struct lc_slice texts[TEXTS] = {r->message, r->pid, r->stream.app, r->stream.host,
                                          r->stream.facility};
    size_t size = sizeof(struct packed);

    if (!lc_lane_has_room(lane))
        return LC_EWAIT;
    for (size_t i = 0; i < TEXTS; i++)
        size += texts[i].n;
    for (size_t i = 0; i < r->field_count; i++)
        size += sizeof(struct packed_field) + r->fields[i].name.n + r->fields[i].value.n;
    size = ALIGNED(size);

    struct lc_dynbuf *data = &lane->batches[given(lane) % LC_BATCHES].data;

    if (lc_dynbuf_reserve(data, size) != LC_OK)
        return LC_EWAIT;
    pack(what, texts, size, data->p + data->n);
    data->n += size;
    what->source->last_batch = given(lane);
    if (data->n >= LC_BATCH_FULL)
        lc_lane_hand_over(lane);
    return LC_OK;
}

void lc_lane_hand_over(struct lc_lane *lane)
{
    uint64_t n = given(lane);

    if (!lc_lane_has_room(lane) || lane->batches[n % LC_BATCHES].data.n == 0)
        return;
    atomic_store_explicit(&lane->given, n + 1, memory_order_release);
    lc_loop_post(lane->worker->loop, &lane->come);
}

/* ---- worker ---- */

static struct lc_slice take(uint8_t **at, size_t n)
{
    struct lc_slice s = lc_slice(*at, n);

    *at += n;
    return s;
}

bool lc_gather_batch_next(struct lc_gather_batch *b, size_t *at, struct lc_field *fields,
                          struct lc_entry *ret)
{
    struct packed *head;

    if (*at == b->data.n)
        return false;
    head = (struct packed *)(void *)(b->data.p + *at);

    uint8_t *text = (uint8_t *)(head + 1);
    struct lc_record r = {.time_ns = head->time_ns,
                          .level = (enum lc_level)head->level,
                          .fields = fields,
                          .field_count = head->field_count};

    r.message = take(&text, head->text_n[0]);
    r.pid = take(&text, head->text_n[1]);
    r.stream.app = take(&text, head->text_n[2]);
    r.stream.host = take(&text, head->text_n[3]);
    r.stream.facility = take(&text, head->text_n[4]);
    for (size_t i = 0; i < r.field_count; i++) {
        struct packed_field f;

        memcpy(&f, text, sizeof f);
        text += sizeof f;
        fields[i].name = take(&text, f.name_n);
        fields[i].value = take(&text, f.value_n);
        fields[i].type = f.type;
    }
    *ret = (struct lc_entry){.what = {.source = head->source,
                                      .position = head->position,
                                      .is_whole = head->is_whole,
                                      .truncated = head->truncated,
                                      .only_moves = head->only_moves,
                                      .record = r},
                             .id = &head->id};
    *at += head->size;
    return true;
}

/* ---- sources ---- */

static struct lc_slice keep(char **at, struct lc_slice s)
{
    struct lc_slice kept = lc_slice(*at, s.n);

    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

struct lc_source *lc_source_new(struct lc_gather *g, const struct lc_sender_id *sender,
                                struct lc_slice app, const char *field, const char *value)
{
    struct lc_slice name = lc_slice_cstr(field != NULL ? field : "");
    struct lc_slice text = lc_slice_cstr(field != NULL ? value : "");
    struct lc_source *s = calloc(1, sizeof *s + app.n + name.n + text.n);
    static const struct lc_sender_id nobody;

    if (s == NULL)
        return NULL;

    char *at = s->texts;

    lc_link_init(&s->retired);
    s->has_sender = sender != NULL;
    s->sender = sender != NULL ? *sender : nobody;
    s->lane = lc_gather_lane(g, &s->sender);
    s->app = keep(&at, app);
    s->host = lc_slice_cstr(g->host);
    s->field = (struct lc_field){keep(&at, name), keep(&at, text), LC_FIELD_STRING};
    return s;
}

void lc_source_retire(struct lc_gather *g, struct lc_source *s)
{
    if (s != NULL)
        lc_list_add_last(&g->retired, &s->retired);
    for (struct lc_link *l = g->retired.next, *next; l != &g->retired; l = next) {
        struct lc_source *old = LC_CONTAINER(l, struct lc_source, retired);

        next = l->next;
        if (old->last_batch >= back(old->lane))
            continue;
        lc_link_remove(l);
        free(old);
    }
}
