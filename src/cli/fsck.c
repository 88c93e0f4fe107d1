/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/fsck.c - logcaster fsck: is a data folder sound, and what is gone where it is not.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/command.h"
#include "store/repair.h"

#define PROGRESS_MS 200

enum output { OUTPUT_TEXT, OUTPUT_JSON };
static const char *const output_words[] = {[OUTPUT_TEXT] = "text", [OUTPUT_JSON] = "json", NULL};

/* Exit code of a folder that is damaged: 0 and 2 are as everywhere. */
#define EXIT_DAMAGED LC_EXIT_NOTHING

struct fsck_options {
    struct lc_common_options common;
    int output;
    bool quiet;
    bool repair, discard;
};

#define AT(member) LC_MEMBER(struct fsck_options, member)

static const struct lc_option option_rows[] = {
    {.name = "repair",
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_NO_FILE | LC_OPTION_NO_ENV,
     AT(repair),
     .help = "make it a folder that opens, with all that can be read; damaged files are copied to "
             "lost+found/ in it"},
    {.name = "discard",
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_NO_FILE | LC_OPTION_NO_ENV,
     AT(discard),
     .help = "with --repair: keep no copies"},
    {.name = "output",
     .letter = 'o',
     .kind = LC_OPTION_CHOICE,
     .flags = LC_OPTION_NO_FILE,
     .value = "FORMAT",
     .fallback = "text",
     .choices = output_words,
     AT(output),
     .help = "text: for people; json: a line for each damage, and one for the whole"},
    {.name = "quiet",
     .letter = 'q',
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_NO_FILE,
     AT(quiet),
     .help = "no progress"},
};

static const struct lc_option_group option_group = {
    .title = "Options", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};
static const struct lc_option_part parts[] = {{&option_group, 1, 0}, LC_COMMON_PART};
static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

struct telling {
    bool json, shows_progress;
    struct lc_time progress_at;
    uint64_t damages;
};

static bool has_times(int64_t min_ns, int64_t max_ns)
{
    return min_ns <= max_ns;
}

/* ---- progress ---- */

static void show_progress(void *arg, uint64_t octets, uint64_t total)
{
    struct telling *t = arg;
    struct lc_time now = lc_monotonic(&lc_clock_system);
    if (!t->shows_progress || total == 0 || !lc_time_reached(t->progress_at, now))
        return;
    t->progress_at = lc_time_add_ms(now, PROGRESS_MS);
    double percent = 100.0 * (double)octets / (double)total;
    fprintf(stderr, "\r%3.0f%%", percent > 100 ? 100 : percent);
}

static void clear_progress(const struct telling *t)
{
    if (t->shows_progress)
        fputs("\r    \r", stderr);
}

/* ---- for programs ---- */

static void print_json(json_t *line)
{
    if (line == NULL || json_dumpf(line, stdout, JSON_COMPACT) != 0)
        fputs("{\"error\":\"no memory\"}", stdout);
    putchar('\n');
    json_decref(line);
}

static json_t *json_number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static void add_times(json_t *line, int64_t min_ns, int64_t max_ns)
{
    char text[LC_RFC3339_MAX];
    if (!has_times(min_ns, max_ns))
        return;
    json_object_set_new(line, "from", json_stringn(text, lc_rfc3339_format(min_ns, text)));
    json_object_set_new(line, "to", json_stringn(text, lc_rfc3339_format(max_ns, text)));
}

static json_t *json_ids(const struct lc_damage *d)
{
    json_t *all = json_array();
    for (size_t i = 0; i < d->part_count; i++) {
        const struct lc_segment_shard *part = &d->parts[i];
        json_t *one = json_object();
        json_object_set_new(one, "shard", json_number(part->shard));
        json_object_set_new(one, "records", json_number(part->records));
        json_object_set_new(one, "first", json_number(part->min_id));
        json_object_set_new(one, "last", json_number(part->max_id));
        json_array_append_new(all, one);
    }
    return all;
}

static void json_damage(const struct lc_damage *d)
{
    json_t *line = json_object();
    json_object_set_new(line, "kind", json_string(lc_damage_name(d->kind)));
    json_object_set_new(line, "damage", json_boolean(!lc_damage_is_note(d->kind)));
    json_object_set_new(line, "file", json_string(d->file));
    if (d->octets > 0) {
        json_object_set_new(line, "offset", json_number(d->offset));
        json_object_set_new(line, "octets", json_number(d->octets));
    }
    json_object_set_new(line, "text", json_string(d->text));
    if (d->records > 0) {
        json_object_set_new(line, "lost_records", json_number(d->records));
        json_object_set_new(line, "ids", json_ids(d));
        add_times(line, d->min_time_ns, d->max_time_ns);
    }
    print_json(line);
}

static void json_report(const char *dir, const struct lc_check_report *r)
{
    json_t *line = json_object();
    json_object_set_new(line, "dir", json_string(dir));
    json_object_set_new(line, "sound", json_boolean(r->damages == 0));
    json_object_set_new(line, "segments", json_number(r->segments));
    json_object_set_new(line, "segment_octets", json_number(r->segment_octets));
    json_object_set_new(line, "segment_records", json_number(r->segment_records));
    json_object_set_new(line, "wal_files", json_number(r->wal_files));
    json_object_set_new(line, "wal_octets", json_number(r->wal_octets));
    json_object_set_new(line, "wal_records", json_number(r->wal_records));
    add_times(line, r->min_time_ns, r->max_time_ns);
    json_object_set_new(line, "damages", json_number(r->damages));
    json_object_set_new(line, "notes", json_number(r->notes));
    json_object_set_new(line, "lost_records", json_number(r->lost_records));
    print_json(line);
}

/* ---- for people ---- */

static void print_times(int64_t min_ns, int64_t max_ns)
{
    char from[LC_RFC3339_MAX], to[LC_RFC3339_MAX];
    size_t from_n = lc_rfc3339_format(min_ns, from), to_n = lc_rfc3339_format(max_ns, to);
    printf("%.*s .. %.*s", (int)from_n, from, (int)to_n, to);
}

static void text_damage(const struct lc_damage *d)
{
    fputs(lc_damage_is_note(d->kind) ? lc_text("note: ") : lc_text("damage: "), stdout);
    fputs(d->file, stdout);
    if (d->octets > 0)
        printf(lc_text(", offset %" PRIu64 ", %" PRIu64 " octets"), d->offset, d->octets);
    printf(": %s\n", d->text);
    for (size_t i = 0; i < d->part_count; i++)
        printf(
            lc_text("    gone: %" PRIu64 " records of shard %u, ids %" PRIu64 " .. %" PRIu64 "\n"),
            d->parts[i].records, d->parts[i].shard, d->parts[i].min_id, d->parts[i].max_id);
    if (d->records > 0 && has_times(d->min_time_ns, d->max_time_ns)) {
        fputs(lc_text("    their times: "), stdout);
        print_times(d->min_time_ns, d->max_time_ns);
        putchar('\n');
    }
}

static void text_report(const char *dir, const struct lc_check_report *r)
{
    printf("%s\n", dir);
    printf(lc_text("  %" PRIu64 " segments with %" PRIu64 " records, %" PRIu64 " octets\n"),
           r->segments, r->segment_records, r->segment_octets);
    printf(lc_text("  %" PRIu64 " WAL files with %" PRIu64 " records, %" PRIu64 " octets\n"),
           r->wal_files, r->wal_records, r->wal_octets);
    if (has_times(r->min_time_ns, r->max_time_ns)) {
        fputs(lc_text("  times: "), stdout);
        print_times(r->min_time_ns, r->max_time_ns);
        putchar('\n');
    }
    if (r->damages > 0)
        printf(
            lc_text("It is damaged: places: %" PRIu64 ", records known to be gone: %" PRIu64 ".\n"),
            r->damages, r->lost_records);
    else
        puts(r->notes > 0 ? lc_text("It is sound, as far as the notes let it be known.")
                          : lc_text("It is sound."));
}

/* ---- what a repair did ---- */

static void json_repair(const struct lc_repair_report *r)
{
    json_t *line = json_object();
    json_object_set_new(line, "repaired", json_true());
    json_object_set_new(line, "manifest_rebuilt", json_boolean(r->manifest_rebuilt));
    json_object_set_new(line, "segments_rewritten", json_number(r->rewritten));
    json_object_set_new(line, "segments_dropped", json_number(r->dropped));
    json_object_set_new(line, "copies", json_number(r->kept_copies));
    print_json(line);
}

static void text_repair(const struct lc_repair_report *r)
{
    if (r->manifest_rebuilt)
        puts(lc_text("Repaired: MANIFEST is made anew. Senders that number their records may send "
                     "some again."));
    printf(lc_text("Repaired: segments written anew: %" PRIu64 ", dropped: %" PRIu64
                   "; damaged files copied to lost+found: %" PRIu64 ".\n"),
           r->rewritten, r->dropped, r->kept_copies);
}

/* ---- the command ---- */

static void on_damage(void *arg, const struct lc_damage *d)
{
    const struct telling *t = arg;
    clear_progress(t);
    if (t->json)
        json_damage(d);
    else
        text_damage(d);
}

static lc_err check_or_repair(const struct fsck_options *o, const char *dir, struct telling *t,
                              struct lc_diag *diag)
{
    const struct lc_repair_config config = {
        .check = {.dir = dir, .on_damage = on_damage, .on_progress = show_progress, .arg = t},
        .discard = o->discard};
    struct lc_check_report found;
    struct lc_repair_report done;
    lc_err e = o->repair ? lc_store_repair(&config, &found, &done, diag)
                         : lc_store_check(&config.check, &found, diag);
    clear_progress(t);
    if (e != LC_OK)
        return e;
    t->damages = found.damages;
    if (t->json)
        json_report(dir, &found);
    else
        text_report(dir, &found);
    if (o->repair && found.damages > 0 && t->json)
        json_repair(&done);
    else if (o->repair && found.damages > 0)
        text_repair(&done);
    return fflush(stdout) == 0 ? LC_OK : -errno;
}

static int run(const void *target, int count, char **operands)
{
    const struct fsck_options *o = target;
    struct telling t = {.json = o->output == OUTPUT_JSON,
                        .shows_progress = !o->quiet && isatty(STDERR_FILENO)};
    struct lc_diag diag = {{0}, 0, 0};
    lc_err e = LC_ESYNTAX;
    if (count > 1)
        lc_diag_set(&diag, "one folder at a time: %s", operands[1]);
    else if (o->discard && !o->repair)
        lc_diag_set(&diag, "--discard: only with --repair");
    else
        e = check_or_repair(o, count > 0 ? operands[0] : "logcaster-data", &t, &diag);
    if (e == LC_OK)
        return t.damages == 0 ? LC_EXIT_FOUND : EXIT_DAMAGED;
    if (diag.text[0] == '\0')
        lc_diag_set(&diag, "cannot write: %s", lc_strerror(e));
    return lc_command_fail(&diag);
}

const struct lc_command lc_command_fsck = {
    .name = "fsck",
    .operands = "[DIR]",
    .summary = "check a data folder for damage, and repair it",
    .text = "Reads every file of the data folder (default: ./logcaster-data) and says what is\n"
            "damaged, and which records are gone. No server may run on it. Without --repair\n"
            "nothing is changed.\n"
            "Exit code: 0 it is sound, 1 it was damaged (with --repair: and is repaired),\n"
            "2 it could not be checked or repaired.",
    .examples = "  logcaster fsck\n"
                "  logcaster fsck --repair /var/lib/logcaster\n"
                "  logcaster fsck -o json /var/lib/logcaster\n",
    .options = &options,
    .target_size = sizeof(struct fsck_options),
    .run = run,
};
