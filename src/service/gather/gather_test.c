/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/gather_test.c - files, programs and joined lines, against a real server and a
 * real store. What is stored is seen by a tail; nothing sleeps.
 */
#include "service/test_server.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "proto/join.h"
#include "query/query.h"

struct world {
    struct lc_test_server server;
    struct lc_test_client tail; /* sees every record as JSON as soon as it is committed */
    char pattern[128];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int exit_code;
};

static void on_done(void *arg, int exit_code)
{
    struct world *w = arg;

    pthread_mutex_lock(&w->lock);
    w->done = true;
    w->exit_code = exit_code;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void wait_done(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->done)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void path_of(const struct world *w, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", w->server.root, name);
}

static void write_file(const struct world *w, const char *name, const char *mode, const char *text)
{
    char path[128];

    path_of(w, name, path);
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void add(const struct world *w, const char *name, const char *text)
{
    write_file(w, name, "a", text);
}

static void move(const struct world *w, const char *from, const char *to)
{
    char a[128], b[128];

    path_of(w, from, a);
    path_of(w, to, b);
    assert_int_equal(rename(a, b), 0);
}

static void init(struct world *w)
{
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    lc_test_server_init(&w->server);
    w->server.config.log_level = LC_LEVEL_EMERG;
    w->server.config.line_max = 1024;
    snprintf(w->pattern, sizeof w->pattern, "%s/*.log", w->server.root);
    w->server.config.gather.follow.items[0] = w->pattern;
    w->server.config.gather.follow.count = 1;
    w->server.config.gather.host = "here";
    w->server.config.gather.done = on_done;
    w->server.config.gather.done_arg = w;
}

static void start(struct world *w)
{
    lc_test_server_start(&w->server);
    lc_test_connect(&w->tail, &w->server, LC_SERVICE_QUERY, "127.");

    /* from the very first record on */
    struct lc_tail_cursor all = {.shards = (unsigned)w->server.config.workers};
    struct lc_dynbuf request;

    lc_dynbuf_init(&request, 4096);
    assert_lc_ok(lc_dynbuf_printf(&request, "ROWS|json\nQUERY|TAIL|"));
    assert_lc_ok(lc_tail_cursor_format(&all, &request));
    assert_lc_ok(lc_dynbuf_append(&request, LC_LIT("|*\n")));
    lc_test_send_octets(&w->tail, lc_dynbuf_slice(&request));
    lc_dynbuf_done(&request);
    lc_test_expect(&w->tail, "OK\nRESULT|*\n");
}

static void stop(struct world *w)
{
    lc_test_disconnect(&w->tail);
    lc_test_server_stop(&w->server);
}

static void end(struct world *w)
{
    if (w->server.server != NULL)
        lc_test_disconnect(&w->tail);
    lc_test_server_done(&w->server);
}

/* The next row has these members. */
static void comes(struct world *w, const char *member)
{
    const char *row = lc_test_row(&w->tail);

    if (strstr(row, member) == NULL)
        fail_msg("%s is not in %s", member, row);
}

/* One of the next rows has it; after a restart those of before come first. */
static void finds(struct world *w, const char *member)
{
    while (strstr(lc_test_row(&w->tail), member) == NULL)
        ;
}

static unsigned long count(struct world *w)
{
    return lc_test_count(&w->server, "QUERY|COUNT|NOT app:logcaster\n");
}

static void lines_of_files_are_stored(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    add(&w, "web.log", "<13>1 - far app 7 - - syslog\n{\"message\":\"json\",\"level\":\"warn\"}\n");
    start(&w);
    comes(&w, "\"_msg\":\"syslog\"");
    comes(&w, "\"_msg\":\"json\"");
    add(&w, "web.log", "[error] a line\r\n\nPING\nLOG|x\n");
    const char *row = lc_test_row(&w.tail);
    assert_non_null(strstr(row, "\"_msg\":\"[error] a line\""));
    assert_non_null(strstr(row, "\"level\":\"ERROR\""));
    assert_non_null(strstr(row, "\"app\":\"web\""));
    assert_non_null(strstr(row, "\"host\":\"here\""));
    assert_non_null(strstr(row, "web.log\""));
    comes(&w, "\"_msg\":\"PING\"");  /* no command */
    comes(&w, "\"_msg\":\"LOG|x\""); /* no v2 line after all */
    add(&w, "new.log", "a file that came later\n");
    comes(&w, "\"app\":\"new\"");
    add(&w, "old.log.gz", "compressed\n");
    add(&w, "other.txt", "not asked for\n");
    add(&w, "new.log", "last\n");
    comes(&w, "\"_msg\":\"last\"");
    end(&w);
}

static void a_format_can_be_given(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    w.server.config.gather.format = LC_GATHER_PLAIN;
    w.server.config.gather.app = "mine";
    w.server.config.gather.has_level = true;
    w.server.config.gather.level = LC_LEVEL_NOTICE;
    w.server.config.gather.space = "team";
    add(&w, "a.log", "{\"message\":\"json\"}\n");
    start(&w);
    const char *row = lc_test_row(&w.tail);
    assert_non_null(strstr(row, "\"_msg\":\"{"));
    assert_non_null(strstr(row, "\"app\":\"mine\""));
    assert_non_null(strstr(row, "\"space\":\"team\""));
    assert_non_null(strstr(row, "\"level\":\"NOTICE\""));
    end(&w);
}

static void a_renamed_file_is_read_to_its_end(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    add(&w, "a.log", "one\n");
    start(&w);
    comes(&w, "\"_msg\":\"one\"");
    move(&w, "a.log", "a.log.1");
    add(&w, "a.log", "three\n"); /* the new one */
    comes(&w, "\"_msg\":\"three\"");
    add(&w, "a.log.1", "two\n"); /* its writer does not know yet */
    comes(&w, "\"_msg\":\"two\"");
    add(&w, "a.log", "four\n");
    comes(&w, "\"_msg\":\"four\"");
    /* while nobody looks */
    stop(&w);
    add(&w, "a.log", "five\nsix\n");
    move(&w, "a.log.1", "a.log.2");
    move(&w, "a.log", "a.log.1");
    add(&w, "a.log", "seven\n");
    start(&w);
    for (unsigned i = 0; i < 7; i++)
        lc_test_row(&w.tail);
    assert_int_equal(count(&w), 7);
    end(&w);
}

static void a_truncated_file_begins_anew(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    add(&w, "a.log", "the first line of what it was\nand a second\n");
    start(&w);
    comes(&w, "first line");
    comes(&w, "second");
    write_file(&w, "a.log", "w", "new\n");
    comes(&w, "\"_msg\":\"new\"");
    /* written anew at once, and longer than it was */
    write_file(&w, "a.log", "w", "another one, which is longer\n");
    comes(&w, "\"_msg\":\"another one");
    stop(&w);
    write_file(&w, "a.log", "w", "while nobody looked, and longer again\n");
    start(&w);
    finds(&w, "\"_msg\":\"while nobody looked");
    assert_int_equal(count(&w), 5);
    end(&w);
}

static void what_is_there_at_first_sight_may_be_skipped(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    w.server.config.gather.from_end = true;
    w.server.config.log_level = LC_LEVEL_DEBUG;
    add(&w, "a.log", "old\nold, unend");
    add(&w, "empty.log", "");
    start(&w);
    finds(&w, "\"what\":\"followed\"");
    add(&w, "a.log", "ed\n");
    finds(&w, "\"_msg\":\"old, unended\"");
    add(&w, "empty.log", "not old\n");
    finds(&w, "\"_msg\":\"not old\"");
    add(&w, "b.log", "later\n");
    finds(&w, "\"_msg\":\"later\"");
    stop(&w);
    add(&w, "a.log", "while nobody looked\n");
    add(&w, "c.log", "later too\n");
    start(&w);
    for (bool one = false, other = false; !one || !other;) {
        const char *row = lc_test_row(&w.tail);

        one |= strstr(row, "\"_msg\":\"while nobody looked\"") != NULL;
        other |= strstr(row, "\"_msg\":\"later too\"") != NULL;
    }
    assert_int_equal(count(&w), 5);
    end(&w);
}

static void nothing_is_taken_twice(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    add(&w, "a.log", "one\ntwo\n");
    start(&w);
    comes(&w, "one");
    comes(&w, "two");
    for (unsigned i = 0; i < 3; i++) {
        stop(&w);
        w.server.config.workers = 1 + i; /* another worker than before may have it */
        start(&w);
        add(&w, "a.log", "more\n");
        for (unsigned k = 0; k < 3 + i; k++)
            lc_test_row(&w.tail);
    }
    assert_int_equal(count(&w), 5);
    end(&w);
}

static void lines_can_be_joined(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    w.server.config.gather.join = LC_JOIN_TRACES;
    w.server.config.gather.join_wait_ns = 50 * LC_NS_PER_MS;
    start(&w);
    add(&w, "a.log", "ERROR it failed\n\tat a\n\tat b\nnext\n");
    comes(&w, "\"_msg\":\"ERROR it failed\\n\\tat a\\n\\tat b\"");
    comes(&w, "\"_msg\":\"next\""); /* it has waited long enough */
    end(&w);

    init(&w);
    w.server.config.gather.join_start = "^\\d{4}-";
    w.server.config.gather.join_wait_ns = 60 * LC_NS_PER_S;
    start(&w);
    add(&w, "a.log", "2026-11-24 a\nb\n");
    add(&w, "a.log", "c\n2026-11-25 d\n");
    comes(&w, "\"_msg\":\"2026-11-24 a\\nb\\nc\"");
    stop(&w); /* a record that waits is read again */
    w.server.config.gather.join_wait_ns = LC_NS_PER_MS;
    start(&w);
    finds(&w, "\"_msg\":\"2026-11-25 d\"");
    assert_int_equal(count(&w), 2);
    end(&w);
}

static void long_lines_are_cut(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char line[8192] = "x", expected[1100] = "\"_msg\":\"x";

    init(&w);
    for (size_t i = 1; i + 4 < sizeof line; i += 3)
        memcpy(line + i, "가", 4);
    memcpy(expected + strlen(expected), line + 1, 1023); /* 341 characters */
    snprintf(expected + strlen(expected), 2, "\"");
    add(&w, "a.log", line);
    start(&w);
    add(&w, "a.log", "and it goes on\nnext\n");
    const char *row = lc_test_row(&w.tail);
    assert_non_null(strstr(row, expected));
    assert_non_null(strstr(row, "\"truncated\":true"));
    comes(&w, "\"_msg\":\"next\"");
    stop(&w);
    start(&w);
    add(&w, "a.log", "last\n");
    finds(&w, "\"_msg\":\"last\"");
    assert_int_equal(count(&w), 3);
    end(&w);
}

static void many_files_are_followed(void **state)
{
    LC_UNUSED(state);
    enum { FILES = 1000 };
    struct world w;
    char name[32];

    init(&w);
    for (unsigned i = 0; i < FILES / 2; i++) {
        snprintf(name, sizeof name, "%u.log", i);
        add(&w, name, "there at the start\n");
    }
    start(&w);
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "%u.log", i);
        add(&w, name, "came later\n");
    }
    for (unsigned i = 0; i < FILES + FILES / 2; i++)
        lc_test_row(&w.tail);
    assert_int_equal(count(&w), FILES + FILES / 2);
    end(&w);
}

/* More than memory holds at once: files wait. */
static void a_full_memory_makes_files_wait(void **state)
{
    LC_UNUSED(state);
    enum { LINES = 20000, FILES = 3 };
    struct world w;
    char path[128], name[16];

    init(&w);
    w.server.config.gather.follow.count = 0;
    w.server.config.memory = 2 << 20;
    w.server.config.workers = 2;
    static char paths[FILES][128];
    static const char *read[FILES];
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "%u.log", i);
        path_of(&w, name, path);
        memcpy(paths[i], path, sizeof path);
        read[i] = paths[i];
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        for (unsigned k = 0; k < LINES; k++)
            fprintf(f, "line %u %0100u\n", k, k);
        fputs("an end that is none", f);
        assert_int_equal(fclose(f), 0);
    }
    w.server.config.gather.read = read;
    w.server.config.gather.read_count = FILES;
    lc_test_server_start(&w.server);
    wait_done(&w);
    assert_int_equal(w.exit_code, 0);
    assert_true(lc_test_stat(&w.server, "waited") > 0);
    assert_int_equal(lc_test_stat(&w.server, "gathered"), FILES * (LINES + 1));
    assert_int_equal(count(&w), FILES * (LINES + 1));
    lc_test_server_done(&w.server);
}

static void pipes_are_read_and_what_is_not_there_is_told(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char fifo[128], file[128], absent[128];

    init(&w);
    w.server.config.gather.follow.count = 0;
    path_of(&w, "fifo", fifo);
    path_of(&w, "file.gz", file);
    path_of(&w, "absent", absent);
    const char *read[] = {fifo, file, absent};
    w.server.config.gather.read = read;
    w.server.config.gather.read_count = 3;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    add(&w, "file.gz", "it is only called so\n");
    start(&w);
    comes(&w, "only called so");
    add(&w, "fifo", "through a pipe\nunended"); /* waits for its reader, which waits for it */
    comes(&w, "\"_msg\":\"through a pipe\"");
    comes(&w, "\"_msg\":\"unended\"");
    wait_done(&w);
    assert_int_equal(w.exit_code, LC_GATHER_UNREAD);
    end(&w);
}

static void programs_are_run(void **state)
{
    LC_UNUSED(state);
    struct world w;
    bool out = false, err = false, unended = false;

    init(&w);
    w.server.config.gather.exec.items[0] = "echo out; echo ERROR: err >&2; printf unended; exit 7";
    w.server.config.gather.exec.count = 1;
    w.server.config.gather.exec_once = true;
    start(&w);
    for (unsigned i = 0; i < 3; i++) {
        const char *row = lc_test_row(&w.tail);

        assert_non_null(strstr(row, "\"app\":\"echo\""));
        out |= strstr(row, "\"_msg\":\"out\"") != NULL && strstr(row, "\"stream\":\"stdout\"");
        unended |= strstr(row, "\"_msg\":\"unended\"") != NULL;
        err |= strstr(row, "\"level\":\"ERROR\"") != NULL && strstr(row, "\"stream\":\"stderr\"");
    }
    assert_true(out && err && unended);
    wait_done(&w);
    assert_int_equal(w.exit_code, 7);
    end(&w);
}

/* A program is told to end when the server does, and its last words are kept. */
static void programs_end_with_the_server(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    w.server.config.gather.exec.items[0] =
        "trap 'echo last words; exit 0' TERM; echo begun; while :; do read x </dev/zero; done & "
        "wait; kill $!";
    w.server.config.gather.exec.count = 1;
    start(&w);
    comes(&w, "\"_msg\":\"begun\"");
    stop(&w);
    w.server.config.gather.exec.count = 0;
    start(&w);
    assert_int_equal(lc_test_count(&w.server, "QUERY|COUNT|\"last words\"\n"), 1);
    end(&w);
}

/* One that ends is started again. */
static void programs_are_started_again(void **state)
{
    LC_UNUSED(state);
    struct world w;

    init(&w);
    w.server.config.gather.exec.items[0] = "echo once more";
    w.server.config.gather.exec.count = 1;
    start(&w);
    comes(&w, "once more");
    comes(&w, "once more");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_files_are_stored),
        cmocka_unit_test(a_format_can_be_given),
        cmocka_unit_test(a_renamed_file_is_read_to_its_end),
        cmocka_unit_test(a_truncated_file_begins_anew),
        cmocka_unit_test(what_is_there_at_first_sight_may_be_skipped),
        cmocka_unit_test(nothing_is_taken_twice),
        cmocka_unit_test(lines_can_be_joined),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(many_files_are_followed),
        cmocka_unit_test(a_full_memory_makes_files_wait),
        cmocka_unit_test(pipes_are_read_and_what_is_not_there_is_told),
        cmocka_unit_test(programs_are_run),
        cmocka_unit_test(programs_end_with_the_server),
        cmocka_unit_test(programs_are_started_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
