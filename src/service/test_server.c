/* SPDX-License-Identifier: Apache-2.0 */
#include "service/test_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/loop.h"

#define HANGS_S 60

static void skip_unless_there(const char *backend)
{
    const struct lc_loop_config config = {.backend = backend};
    struct lc_loop *loop;
    struct lc_diag diag;
    lc_err e = lc_loop_new(&config, &loop, &diag);
    if (e == -ENOSYS)
        skip();
    assert_lc_ok(e);
    lc_loop_free(loop);
}

void lc_test_server_init(struct lc_test_server *t)
{
    skip_unless_there(getenv("LC_TEST_IO"));
    memset(t, 0, sizeof *t);
    snprintf(t->root, sizeof t->root, "lc-test-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    snprintf(t->data_dir, sizeof t->data_dir, "%s/data", t->root);
    lc_server_defaults(&t->config);
    t->config.data_dir = t->data_dir;
    t->config.workers = 2;
    t->config.memory = 32 << 20;
    t->config.log_fd = -1;
    t->config.io = getenv("LC_TEST_IO");
    t->config.service[LC_SERVICE_LOGS].listen.items[0] = "127.0.0.1:0";
    t->config.service[LC_SERVICE_QUERY].listen.items[0] = "127.0.0.1:0";
    t->config.service[LC_SERVICE_LOGS].listen.count = 1;
    t->config.service[LC_SERVICE_QUERY].listen.count = 1;
    /* a test may connect as often as it likes */
    for (size_t i = 0; i < LC_SERVICE_COUNT; i++)
        t->config.service[i].connections_rate = (struct lc_rate){.count = 0, .period_ns = 1};
}

void lc_test_server_start(struct lc_test_server *t)
{
    struct lc_diag diag = {0};
    lc_err e = lc_server_start(&t->config, &t->server, &diag);
    if (e != LC_OK)
        fail_msg("lc_server_start: %s: %s", lc_strerror(e), diag.text);
}

void lc_test_server_stop(struct lc_test_server *t)
{
    lc_server_stop(t->server, false);
    lc_server_free(t->server);
    t->server = NULL;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    LC_UNUSED(st);
    LC_UNUSED(flag);
    LC_UNUSED(ftw);
    return remove(path);
}

void lc_test_server_done(struct lc_test_server *t)
{
    if (t->server != NULL)
        lc_test_server_stop(t);
    assert_int_equal(nftw(t->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- the client ---- */

static const char *find_address(const struct lc_test_server *t, enum lc_service_id service,
                                const char *prefix)
{
    const char *text;
    for (size_t i = 0; (text = lc_server_address(t->server, service, i)) != NULL; i++)
        if (strncmp(text, prefix, strlen(prefix)) == 0)
            return text;
    fail_msg("no address of service %d begins with %s", (int)service, prefix);
    return "";
}

void lc_test_connect(struct lc_test_client *c, const struct lc_test_server *t,
                     enum lc_service_id service, const char *prefix)
{
    struct lc_endpoint ep;
    struct lc_addr addr;
    struct lc_diag diag = {0};
    size_t n;
    const char *text = find_address(t, service, prefix);
    assert_lc_ok(lc_endpoint_parse(lc_slice_cstr(text), 0, &ep, &diag));
    assert_lc_ok(lc_addr_resolve(&ep, &addr, 1, &n, &diag));
    bool dgram = addr.transport == LC_UDP || addr.transport == LC_UNIX_DGRAM;
    *c = (struct lc_test_client){
        .fd = socket(addr.sa.ss_family, (dgram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0)};
    assert_true(c->fd >= 0);
    const struct timeval hangs = {.tv_sec = HANGS_S};
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &hangs, sizeof hangs), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &hangs, sizeof hangs), 0);
    /* a ring of io_uring that is being taken down interrupts the thread that made it; then the
     * second call waits for what the first one began */
    while (connect(c->fd, (const struct sockaddr *)&addr.sa, addr.len) != 0 && errno != EISCONN)
        if (errno != EINTR)
            fail_msg("%s: %s", text, strerror(errno));
}

void lc_test_send_octets(struct lc_test_client *c, struct lc_slice octets)
{
    while (octets.n > 0) {
        ssize_t k = TEMP_FAILURE_RETRY(send(c->fd, octets.p, octets.n, MSG_NOSIGNAL));
        if (k < 0)
            fail_msg("send: %s", strerror(errno));
        octets = lc_slice_from(octets, (size_t)k);
    }
}

void lc_test_send(struct lc_test_client *c, const char *text)
{
    lc_test_send_octets(c, lc_slice_cstr(text));
}

void lc_test_shutdown(struct lc_test_client *c)
{
    assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
}

void lc_test_disconnect(struct lc_test_client *c)
{
    close(c->fd);
    c->fd = -1;
}

const char *lc_test_line(struct lc_test_client *c)
{
    for (;;) {
        char *end = memchr(c->buf + c->at, '\n', c->n - c->at);
        if (end != NULL) {
            const char *line = c->buf + c->at;
            *end = 0;
            c->at = (size_t)(end - c->buf) + 1;
            return line;
        }
        memmove(c->buf, c->buf + c->at, c->n - c->at);
        c->n -= c->at;
        c->at = 0;
        assert_true(c->n < sizeof c->buf);
        ssize_t k = TEMP_FAILURE_RETRY(recv(c->fd, c->buf + c->n, sizeof c->buf - c->n, 0));
        if (k < 0)
            fail_msg("recv: %s", strerror(errno));
        if (k == 0) {
            assert_int_equal(c->n, 0); /* nothing ends inside a line */
            return NULL;
        }
        c->n += (size_t)k;
    }
}

void lc_test_expect(struct lc_test_client *c, const char *lines)
{
    struct lc_slice left = lc_slice_cstr(lines), expected;
    while (lc_slice_cut(&left, '\n', &expected)) {
        const char *line = lc_test_line(c);
        if (line == NULL) {
            fail_msg("closed instead of: %.*s", (int)expected.n, (const char *)expected.p);
            return;
        }
        assert_slice_eq(lc_slice_cstr(line), expected);
    }
}

void lc_test_expect_end(struct lc_test_client *c)
{
    const char *line = lc_test_line(c);
    if (line != NULL)
        fail_msg("instead of closing: %s", line);
}

const char *lc_test_row(struct lc_test_client *c)
{
    const char *line;
    do
        line = lc_test_line(c);
    while (line != NULL && line[0] != '{');
    assert_non_null(line);
    return line;
}

unsigned long lc_test_count(const struct lc_test_server *t, const char *request)
{
    struct lc_test_client c;
    unsigned long rows = 0, told = 0;
    lc_test_connect(&c, t, LC_SERVICE_QUERY, "127.");
    lc_test_send(&c, request);
    const char *line = lc_test_line(&c);
    if (line == NULL || sscanf(line, "RESULT|%lu", &told) != 1)
        fail_msg("%s: %s", request, line ? line : "closed");
    unsigned long number = told;
    while ((line = lc_test_line(&c)) != NULL && strcmp(line, "END") != 0) {
        rows++;
        if (strncmp(request, "QUERY|COUNT|", 12) == 0)
            number = strtoul(line, NULL, 10);
    }
    assert_int_equal(rows, told);
    lc_test_disconnect(&c);
    return number;
}

unsigned long lc_test_stat(const struct lc_test_server *t, const char *name)
{
    struct lc_test_client c;
    char key[64];
    lc_test_connect(&c, t, LC_SERVICE_QUERY, "127.");
    lc_test_send(&c, "STATS\n");
    const char *line = lc_test_line(&c);
    assert_non_null(line);
    snprintf(key, sizeof key, "|%s=", name);
    const char *found = strstr(line, key);
    assert_non_null(found);
    unsigned long value = strtoul(found + strlen(key), NULL, 10);
    lc_test_disconnect(&c);
    return value;
}
