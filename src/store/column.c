/* SPDX-License-Identifier: Apache-2.0
 *
 * store/column.c - forms of numbers and strings.
 */
#include "store/column.h"

#include "base/hash.h"

enum numbers_form { NUMBERS_RUNS = 1, NUMBERS_PLAIN = 2, NUMBERS_SERIES = 3 };
enum strings_form { STRINGS_PLAIN = 1, STRINGS_DICTIONARY = 2 };

/* A run costs two numbers to write and lets a reader fill its rows at once: worth it when rows are
 * many for each. */
#define ROWS_PER_RUN 8

#define TABLE_EMPTY UINT16_MAX

lc_err lc_append_begin(struct lc_dynbuf *out, size_t need, struct lc_writer *ret)
{
    lc_err e = lc_dynbuf_reserve(out, need);
    if (e != LC_OK)
        return e;
    *ret = lc_writer(out->p + out->n, need);
    return LC_OK;
}

void lc_append_end(struct lc_dynbuf *out, const struct lc_writer *w)
{
    LC_ASSERT(w->err == LC_OK && w->start == out->p + out->n);
    out->n += lc_writer_done(w).n;
}

/* ---- numbers ---- */

static size_t count_runs(const uint64_t *values, size_t n)
{
    size_t runs = n != 0;
    for (size_t i = 1; i < n; i++)
        runs += values[i] != values[i - 1];
    return runs;
}

static void write_runs(struct lc_writer *w, const uint64_t *values, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && values[end] == values[i])
            end++;
        lc_write_svarint(w, (int64_t)values[i]);
        lc_write_varint(w, end - i);
        i = end;
    }
}

static int64_t step(const uint64_t *values, size_t i)
{
    return (int64_t)(values[i] - values[i - 1]);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t common_unit(const uint64_t *values, size_t n)
{
    uint64_t unit = 0;
    for (size_t i = 1; i < n && unit != 1; i++) {
        int64_t d = step(values, i);
        uint64_t size = d < 0 ? -(uint64_t)d : (uint64_t)d;
        if (unit == 0 || size % unit != 0)
            unit = common_divisor(unit, size);
    }
    /* 2^63 does not fit the signed division below; no real column has it */
    return unit == 0 || unit > INT64_MAX ? 1 : unit;
}

static void write_series(struct lc_writer *w, const uint64_t *values, size_t n)
{
    uint64_t unit = common_unit(values, n);
    lc_write_svarint(w, (int64_t)values[0]);
    lc_write_varint(w, unit);
    for (size_t i = 1; i < n; i++)
        lc_write_svarint(w, step(values, i) / (int64_t)unit);
}

lc_err lc_numbers_encode(struct lc_dynbuf *out, enum lc_numbers_kind kind, const uint64_t *values,
                         size_t n)
{
    struct lc_writer w;
    lc_err e = lc_append_begin(out, 1 + LC_VARINT_MAX * (n + 2), &w);
    if (e != LC_OK)
        return e;
    size_t runs = count_runs(values, n);
    if (runs <= 1 || runs <= n / ROWS_PER_RUN) {
        lc_write_u8(&w, NUMBERS_RUNS);
        write_runs(&w, values, n);
    } else if (kind == LC_NUMBERS_SERIES) {
        lc_write_u8(&w, NUMBERS_SERIES);
        write_series(&w, values, n);
    } else {
        lc_write_u8(&w, NUMBERS_PLAIN);
        for (size_t i = 0; i < n; i++)
            lc_write_varint(&w, values[i]);
    }
    lc_append_end(out, &w);
    return LC_OK;
}

static void read_runs(struct lc_reader *r, uint64_t *values, size_t n)
{
    for (size_t i = 0; i < n && r->err == LC_OK;) {
        uint64_t value = (uint64_t)lc_read_svarint(r);
        uint64_t count = lc_read_varint(r);
        if (count == 0 || count > n - i) {
            r->err = LC_ESYNTAX;
            break;
        }
        for (size_t end = i + count; i < end; i++)
            values[i] = value;
    }
}

static void read_series(struct lc_reader *r, uint64_t *values, size_t n)
{
    uint64_t value = (uint64_t)lc_read_svarint(r);
    uint64_t unit = lc_read_varint(r);
    for (size_t i = 0; i < n; i++) {
        if (i != 0)
            value += (uint64_t)lc_read_svarint(r) * unit;
        values[i] = value;
    }
}

static lc_err read_numbers(struct lc_reader *r, uint64_t *values, size_t n)
{
    switch (lc_read_u8(r)) {
    case NUMBERS_RUNS:
        read_runs(r, values, n);
        break;
    case NUMBERS_PLAIN:
        for (size_t i = 0; i < n; i++)
            values[i] = lc_read_varint(r);
        break;
    case NUMBERS_SERIES:
        read_series(r, values, n);
        break;
    default:
        return LC_ECORRUPT;
    }
    return r->err == LC_OK && lc_reader_left(r) == 0 ? LC_OK : LC_ECORRUPT;
}

lc_err lc_numbers_decode(struct lc_slice in, uint64_t *values, size_t n)
{
    struct lc_reader r = lc_reader(in);
    return read_numbers(&r, values, n);
}

/* ---- strings ---- */

static size_t octets_of(const struct lc_slice *values, size_t n)
{
    size_t octets = 0;
    for (size_t i = 0; i < n; i++)
        octets += values[i].n;
    return octets;
}

/* The place of `value` in the dictionary scratch->strings, which has `count` so far; `count` when
 * it is new, and then it is added. */
static size_t dictionary_place(struct lc_column_scratch *scratch, size_t mask, size_t count,
                               struct lc_slice value)
{
    size_t at = lc_hash64(value, (uint64_t)(uintptr_t)scratch) & mask;
    while (scratch->table[at] != TABLE_EMPTY) {
        size_t place = scratch->table[at];
        if (lc_slice_eq(scratch->strings[place], value))
            return place;
        at = (at + 1) & mask;
    }
    scratch->table[at] = (uint16_t)count;
    scratch->strings[count] = value;
    return count;
}

/* Fills scratch->strings with the distinct values and scratch->numbers with the place of each.
 * Returns how many there are; 0: too many for a dictionary to gain. */
static size_t dictionary_build(struct lc_column_scratch *scratch, const struct lc_slice *values,
                               size_t n)
{
    size_t max = 1 + n / 4;
    size_t mask = 1;
    while (mask < 2 * max)
        mask = mask * 2 + 1;
    memset(scratch->table, 0xFF, (mask + 1) * sizeof scratch->table[0]);
    size_t count = 0;
    size_t place = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !lc_slice_eq(values[i], values[i - 1])) {
            if (count == max)
                return 0;
            place = dictionary_place(scratch, mask, count, values[i]);
            count += place == count;
        }
        scratch->numbers[i] = place;
    }
    return count;
}

static lc_err append_strings(struct lc_dynbuf *out, const struct lc_slice *values, size_t n,
                             bool dictionary)
{
    struct lc_writer w;
    lc_err e = lc_append_begin(out, 1 + LC_VARINT_MAX * (n + 1) + octets_of(values, n), &w);
    if (e != LC_OK)
        return e;
    lc_write_u8(&w, dictionary ? STRINGS_DICTIONARY : STRINGS_PLAIN);
    if (dictionary)
        lc_write_varint(&w, n);
    for (size_t i = 0; i < n; i++)
        lc_write_varint(&w, values[i].n);
    for (size_t i = 0; i < n; i++)
        lc_write_bytes(&w, values[i]);
    lc_append_end(out, &w);
    return LC_OK;
}

lc_err lc_strings_encode(struct lc_dynbuf *out, struct lc_column_scratch *scratch,
                         const struct lc_slice *values, size_t n)
{
    LC_ASSERT(n <= LC_COLUMN_VALUES_MAX);
    size_t distinct = dictionary_build(scratch, values, n);
    if (distinct == 0)
        return append_strings(out, values, n, false);
    lc_err e = append_strings(out, scratch->strings, distinct, true);
    if (e == LC_OK)
        e = lc_numbers_encode(out, LC_NUMBERS_SMALL, scratch->numbers, n);
    return e;
}

static lc_err read_plain(struct lc_reader *r, struct lc_slice *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i].n = lc_read_varint(r);
    for (size_t i = 0; i < n; i++)
        values[i] = lc_read_bytes(r, values[i].n);
    return r->err == LC_OK ? LC_OK : LC_ECORRUPT;
}

static lc_err read_dictionary(struct lc_reader *r, struct lc_column_scratch *scratch,
                              struct lc_slice *values, size_t n)
{
    uint64_t count = lc_read_varint(r);
    if (count > LC_COLUMN_VALUES_MAX)
        return LC_ECORRUPT;
    lc_err e = read_plain(r, scratch->strings, count);
    if (e == LC_OK)
        e = read_numbers(r, scratch->numbers, n);
    for (size_t i = 0; i < n && e == LC_OK; i++) {
        if (scratch->numbers[i] >= count)
            e = LC_ECORRUPT;
        else
            values[i] = scratch->strings[scratch->numbers[i]];
    }
    return e;
}

lc_err lc_strings_decode(struct lc_slice in, struct lc_column_scratch *scratch,
                         struct lc_slice *values, size_t n)
{
    LC_ASSERT(n <= LC_COLUMN_VALUES_MAX);
    struct lc_reader r = lc_reader(in);
    lc_err e;
    switch (lc_read_u8(&r)) {
    case STRINGS_PLAIN:
        e = read_plain(&r, values, n);
        return e == LC_OK && lc_reader_left(&r) != 0 ? LC_ECORRUPT : e;
    case STRINGS_DICTIONARY:
        return read_dictionary(&r, scratch, values, n);
    default:
        return LC_ECORRUPT;
    }
}
