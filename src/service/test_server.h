/* SPDX-License-Identifier: Apache-2.0
 *
 * service/test_server.h - for tests: a server in this process on a directory of its own, and a
 * client that speaks lines.
 *
 * All of it fails the test by itself. A client waits for what it reads at most for a time that
 * only a hanging server needs.
 */
#ifndef LC_SERVICE_TEST_SERVER_H
#define LC_SERVICE_TEST_SERVER_H

#include "base/test.h"

#include <stdio.h>

#include "service/server.h"

struct lc_test_server {
    char root[64]; /* temporary; data_dir lies in it */
    char data_dir[512];
    struct lc_server_config config;
    struct lc_server *server;
};

/* A directory and a configuration: port 0 of the loopback address, two workers, no log text, the
 * backend that LC_TEST_IO in the environment names. Skips the test where the kernel has no such. */
void lc_test_server_init(struct lc_test_server *t);
void lc_test_server_start(struct lc_test_server *t);
/* In order. */
void lc_test_server_stop(struct lc_test_server *t);
/* Stops it if it runs, and removes the directory. */
void lc_test_server_done(struct lc_test_server *t);

struct lc_test_client {
    int fd;
    char buf[1 << 16];
    size_t at, n;
};

/* Connects to the first address of `service` that begins with `prefix`: "127." (TCP), "udp://",
 * "unix:", "unixgram:". */
void lc_test_connect(struct lc_test_client *c, const struct lc_test_server *t,
                     enum lc_service_id service, const char *prefix);
void lc_test_send(struct lc_test_client *c, const char *text);
void lc_test_send_octets(struct lc_test_client *c, struct lc_slice octets);
/* No more will be sent. */
void lc_test_shutdown(struct lc_test_client *c);
void lc_test_disconnect(struct lc_test_client *c);

/* The next line without its end, valid until the next call; NULL: the server has closed. */
const char *lc_test_line(struct lc_test_client *c);
/* The next lines are these (each with its end); "" at the end: and then the server closes. */
void lc_test_expect(struct lc_test_client *c, const char *lines);
void lc_test_expect_end(struct lc_test_client *c);
/* The next line that is a row in JSON; what stands between rows is passed over. */
const char *lc_test_row(struct lc_test_client *c);

/* Sends one request and returns how many rows its answer says that there are, all of which are
 * read; for COUNT: the number. */
unsigned long lc_test_count(const struct lc_test_server *t, const char *request);
/* One figure of STATS. */
unsigned long lc_test_stat(const struct lc_test_server *t, const char *name);

#endif
