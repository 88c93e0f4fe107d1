/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_servers.c - what web servers, applications, databases, queues and mail say.
 */
#include "bench/corpus_kinds.h"

#define TRACE  LC_LEVEL_TRACE
#define DEBUG  LC_LEVEL_DEBUG
#define INFO   LC_LEVEL_INFO
#define NOTICE LC_LEVEL_NOTICE
#define WARN   LC_LEVEL_WARN
#define ERROR  LC_LEVEL_ERROR
#define CRIT   LC_LEVEL_CRIT

static const struct corpus_template nginx[] = {
    {INFO, 90,
     "%{ip} - - [%{clf}] \"%{method} %{path} HTTP/1.1\" %{status} %{skew:120-400000} "
     "\"%{referer}\" \"%{agent}\""},
    {INFO, 20,
     "%{ip} - %{user} [%{clf}] \"%{method} %{path} HTTP/2.0\" %{status} %{skew:0-90000} "
     "\"%{referer}\" \"%{agent}\""},
    {ERROR, 2,
     "*%{seq} connect() failed (111: Connection refused) while connecting to upstream, client: "
     "%{ip}, server: shop.example.com, request: \"%{method} %{path} HTTP/1.1\", upstream: "
     "\"http://%{lan}:8080%{path}\", host: \"shop.example.com\""},
    {WARN, 2,
     "*%{seq} an upstream response is buffered to a temporary file "
     "/var/cache/nginx/proxy_temp/%{digits:1}/%{digits:2}/%{digits:10} while reading upstream, "
     "client: %{ip}, server: shop.example.com"},
    {ERROR, 1,
     "*%{seq} open() \"/usr/share/nginx/html%{path}\" failed (2: No such file or directory), "
     "client: %{ip}, server: _, request: \"GET %{path} HTTP/1.1\""},
};

static const struct corpus_template haproxy[] = {
    {INFO, 40,
     "%{ip}:%{port} [%{clf}] fe_https~ be_%{service}/%{host:api} "
     "%{int:0-9}/0/%{int:0-3}/%{skew:1-3000}/%{skew:1-3100} %{status} %{skew:200-90000} - - ---- "
     "%{int:100-900}/%{int:80-300}/%{int:0-40}/%{int:0-9}/0 0/0 \"%{method} %{path} HTTP/1.1\""},
    {WARN, 1,
     "Server be_%{service}/%{host:api} is DOWN, reason: Layer4 timeout, check duration: 2001ms. "
     "%{int:1-5} active and 0 backup servers left. %{int:0-80} sessions active, 0 requeued, 0 "
     "remaining in queue."},
    {NOTICE, 1,
     "Server be_%{service}/%{host:api} is UP, reason: Layer7 check passed, code: 200, check "
     "duration: %{int:1-40}ms. %{int:2-6} active and 0 backup servers online."},
};

static const struct corpus_template envoy[] = {
    {INFO, 1,
     "[%{iso}] \"%{method} %{path} HTTP/2\" %{status} - via_upstream - \"-\" %{skew:0-4000} "
     "%{skew:10-60000} %{skew:1-2500} %{skew:1-2400} \"%{ip}\" \"%{agent}\" \"%{uuid}\" "
     "\"%{service}.prod.svc\" \"%{lan}:8080\" outbound|8080||%{service}.prod.svc.cluster.local"},
};

static const struct corpus_template gateway[] = {
    {INFO, 60,
     "{\"ts\":\"%{iso}\",\"level\":\"info\",\"msg\":\"request "
     "completed\",\"method\":\"%{method}\",\"path\":\"%{path}\",\"status\":%{status},\"duration_"
     "ms\":%{skew:1-4000}.%{digits:3},\"client\":\"%{ip}\",\"trace_id\":\"%{hex:32}\",\"user_id\":%"
     "{skew:1-900000}}"},
    {DEBUG, 10,
     "{\"ts\":\"%{iso}\",\"level\":\"debug\",\"msg\":\"cache "
     "%{any:hit|hit|hit|miss}\",\"key\":\"item:%{skew:1-80000}\",\"trace_id\":\"%{hex:32}\"}"},
    {WARN, 4,
     "{\"ts\":\"%{iso}\",\"level\":\"warn\",\"msg\":\"slow "
     "upstream\",\"service\":\"%{service}\",\"duration_ms\":%{int:1000-9000},\"retries\":%{int:0-3}"
     ",\"trace_id\":\"%{hex:32}\"}"},
    {ERROR, 2,
     "{\"ts\":\"%{iso}\",\"level\":\"error\",\"msg\":\"upstream "
     "failed\",\"service\":\"%{service}\",\"error\":\"%{any:connection reset by peer|context "
     "deadline exceeded|no healthy upstream}\",\"trace_id\":\"%{hex:32}\"}"},
};

static const struct corpus_template java[] = {
    {INFO, 40,
     "%{iso}  INFO 1 --- [%{thread}] %{class} : Order %{seq} for user %{skew:1-900000} accepted, "
     "%{int:1-9} items, total %{skew:5-4000}.%{digits:2} EUR"},
    {DEBUG, 25,
     "%{iso} DEBUG 1 --- [%{thread}] %{class} : Reserved %{int:1-20} of sku SKU-%{digits:6} in "
     "warehouse %{any:ICN|FRA|IAD|SIN}, %{skew:0-5000} left"},
    {WARN, 5,
     "%{iso}  WARN 1 --- [%{thread}] %{class} : Thread starvation or clock leap detected "
     "(housekeeper delta=%{int:30-300}s%{digits:3}ms)"},
    {ERROR, 6,
     "%{iso} ERROR 1 --- [%{thread}] %{class} : Servlet.service() for servlet [dispatcherServlet] "
     "threw exception: %{exception}"},
    {TRACE, 6,
     "%{iso} TRACE 1 --- [%{thread}] %{class} : binding parameter [%{int:1-9}] as [BIGINT] - "
     "[%{skew:1-900000}]"},
    {CRIT, 1, "%{iso} ERROR 1 --- [%{thread}] %{class} : %{exception}, shutting down"},
};

static const struct corpus_template ingest[] = {
    {INFO, 30,
     "time=%{iso} level=info msg=\"batch flushed\" partition=%{int:0-23} rows=%{skew:1-5000} "
     "bytes=%{skew:100-900000} took=%{skew:1-900}ms"},
    {DEBUG, 20,
     "time=%{iso} level=debug msg=\"lease renewed\" worker=%{host:api} shard=%{int:0-63} "
     "epoch=%{seq}"},
    {WARN, 3,
     "time=%{iso} level=warn msg=\"backpressure\" queue=%{int:8000-9999} limit=10000 "
     "source=%{lan}"},
    {ERROR, 1,
     "time=%{iso} level=error msg=\"flush failed\" partition=%{int:0-23} err=\"write tcp "
     "%{lan}:%{port}->%{lan}:9092: broken pipe\""},
};

static const struct corpus_template celery[] = {
    {INFO, 20, "Task %{task}[%{uuid}] received"},
    {INFO, 20, "Task %{task}[%{uuid}] succeeded in %{skew:0-40}.%{digits:9}s: None"},
    {WARN, 2,
     "Task %{task}[%{uuid}] retry: Retry in %{int:1-180}s: ConnectionError('Error while reading "
     "from socket')"},
    {ERROR, 1,
     "Task %{task}[%{uuid}] raised unexpected: KeyError('%{any:sku|price|email|locale}')"},
};

static const struct corpus_template frontend[] = {
    {INFO, 12,
     "{\"level\":30,\"time\":%{unix}%{digits:3},\"pid\":%{int:20-60},\"hostname\":\"%{host:web}\","
     "\"req\":{"
     "\"id\":\"%{uuid}\",\"method\":\"%{method}\",\"url\":\"%{path}\"},\"res\":{\"statusCode\":%{"
     "status}},\"responseTime\":%{skew:1-3000},\"msg\":\"request completed\"}"},
    {WARN, 1,
     "{\"level\":40,\"time\":%{unix}%{digits:3},\"pid\":%{int:20-60},\"hostname\":\"%{host:web}\","
     "\"msg\":"
     "\"hydration mismatch in <ProductCard>, sku SKU-%{digits:6} \xE2\x9A\xA0\xEF\xB8\x8F\"}"},
};

static const struct corpus_template postgres[] = {
    {INFO, 20,
     "duration: %{skew:0-4000}.%{digits:3} ms  statement: SELECT * FROM %{table} WHERE id = "
     "%{skew:1-9000000}"},
    {INFO, 10,
     "duration: %{skew:0-900}.%{digits:3} ms  execute S_%{int:1-40}: UPDATE %{table} SET "
     "updated_at = now() WHERE user_id = $1"},
    {INFO, 4,
     "checkpoint complete: wrote %{skew:10-90000} buffers (%{int:0-40}.%{digits:1}%); 0 WAL "
     "file(s) added, %{int:0-9} removed, %{int:0-40} recycled; write=%{int:10-269}.%{digits:3} s, "
     "sync=0.%{digits:3} s, total=%{int:10-270}.%{digits:3} s"},
    {INFO, 6,
     "connection authorized: user=%{user} database=shop application_name=%{service} SSL enabled "
     "(protocol=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, bits=256)"},
    {INFO, 3,
     "automatic vacuum of table \"shop.public.%{table}\": index scans: 1 pages: 0 removed, "
     "%{skew:10-900000} remain, %{skew:10-9000} scanned"},
    {ERROR, 2, "duplicate key value violates unique constraint \"%{table}_pkey\""},
    {WARN, 1, "there is already a transaction in progress"},
    {ERROR, 1,
     "deadlock detected: process %{int:1000-32000} waits for ShareLock on transaction %{seq}; "
     "blocked by process %{int:1000-32000}"},
};

static const struct corpus_template mysql[] = {
    {NOTICE, 6,
     "Aborted connection %{seq} to db: 'shop' user: '%{user}' host: '%{lan}' (Got an error reading "
     "communication packets)"},
    {WARN, 3,
     "InnoDB: A long semaphore wait: Thread %{digits:15} has waited at row0sel.cc line "
     "%{int:900-5200} for %{int:241-600} seconds"},
    {INFO, 4, "InnoDB: Buffer pool(s) load completed at %{iso}"},
};

static const struct corpus_template redis[] = {
    {NOTICE, 8, "%{int:10-10000} changes in %{any:60|300|900} seconds. Saving..."},
    {NOTICE, 8, "Background saving terminated with success"},
    {NOTICE, 6, "DB saved on disk"},
    {WARN, 1,
     "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without "
     "waiting for fsync to complete, this may slow down Redis."},
    {DEBUG, 6, "DB 0: %{skew:100-900000} keys (%{skew:10-90000} volatile) in 1048576 slots HT."},
};

static const struct corpus_template kafka[] = {
    {INFO, 12,
     "[GroupCoordinator %{int:0-5}]: Member consumer-%{service}-%{int:1-9}-%{uuid} in group "
     "%{service} has left, removing it from the group"},
    {INFO, 12,
     "[Log partition=%{topic}-%{int:0-47}, dir=/var/lib/kafka/data] Rolled new log segment at "
     "offset %{seq} in %{int:1-40} ms."},
    {INFO, 10,
     "[ProducerStateManager partition=%{topic}-%{int:0-47}] Wrote producer snapshot at offset "
     "%{seq} with %{int:0-90} producer ids in %{int:0-9} ms."},
    {WARN, 2,
     "[ReplicaFetcher replicaId=%{int:0-5}, leaderId=%{int:0-5}, fetcherId=0] Error in response "
     "for fetch request (type=FetchRequest, replicaId=%{int:0-5}, maxWait=500, minBytes=1)"},
    {ERROR, 1,
     "[KafkaApi-%{int:0-5}] Error when handling request: clientId=%{service}, "
     "correlationId=%{seq}, api=PRODUCE"},
};

static const struct corpus_template zookeeper[] = {
    {INFO, 6, "Accepted socket connection from /%{lan}:%{port}"},
    {WARN, 1,
     "fsync-ing the write ahead log in SyncThread:%{int:1-5} took %{int:1000-5000}ms which will "
     "adversely effect operation latency."},
    {INFO, 3, "Expiring session 0x%{hex:16}, timeout of 18000ms exceeded"},
};

static const struct corpus_template rabbitmq[] = {
    {INFO, 6,
     "accepting AMQP connection <0.%{int:1000-99999}.%{int:0-9}> (%{lan}:%{port} -> %{lan}:5672)"},
    {WARN, 2,
     "closing AMQP connection <0.%{int:1000-99999}.%{int:0-9}> (%{lan}:%{port} -> %{lan}:5672, "
     "vhost: '/', user: '%{service}'): client unexpectedly closed TCP connection"},
};

static const struct corpus_template elastic[] = {
    {INFO, 5,
     "[%{host:db}] [shop-%{any:orders|items|logs}-2026.11.%{int:10-20}][%{int:0-4}] refresh took "
     "[%{skew:1-900}ms], %{skew:10-90000} docs"},
    {WARN, 2, "[gc][%{seq}] overhead, spent [%{int:300-900}ms] collecting in the last [1s]"},
    {DEBUG, 3,
     "[%{host:db}] adding template [%{service}-policy] for index patterns [%{service}-*]"},
};

static const struct corpus_template postfix[] = {
    {INFO, 10, "connect from %{domain}[%{ip}]"},
    {INFO, 10, "%{hex:10}: client=%{domain}[%{ip}]"},
    {INFO, 10, "%{hex:10}: message-id=<%{uuid}@%{domain}>"},
    {INFO, 10,
     "%{hex:10}: from=<%{mail}>, size=%{skew:800-900000}, nrcpt=%{int:1-3} (queue active)"},
    {INFO, 10,
     "%{hex:10}: to=<%{mail}>, relay=%{domain}[%{ip}]:25, delay=%{int:0-9}.%{digits:1}, "
     "delays=0.0%{digits:1}/0/%{int:0-3}.%{digits:1}/%{int:0-5}.%{digits:1}, dsn=2.0.0, "
     "status=sent (250 2.0.0 OK %{seq})"},
    {WARN, 2,
     "%{hex:10}: to=<%{mail}>, relay=none, delay=%{int:30-9000}, dsn=4.4.1, status=deferred "
     "(connect to %{domain}[%{ip}]:25: Connection timed out)"},
    {INFO, 10, "disconnect from %{domain}[%{ip}] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"},
    {NOTICE, 3,
     "NOQUEUE: reject: RCPT from unknown[%{ip}]: 450 4.7.25 Client host rejected: cannot find your "
     "hostname, [%{ip}]; from=<%{guessed}@%{domain}> to=<%{mail}> proto=ESMTP helo=<%{guessed}>"},
};

static const struct corpus_template dovecot[] = {
    {INFO, 8,
     "imap-login: Login: user=<%{mail}>, method=PLAIN, rip=%{ip}, lip=%{lan}, "
     "mpid=%{int:1000-32000}, TLS, session=<%{hex:16}>"},
    {INFO, 8,
     "imap(%{mail})<%{int:1000-32000}><%{hex:16}>: Disconnected: Logged out in=%{skew:50-9000} "
     "out=%{skew:300-900000} deleted=0 expunged=0 trashed=0"},
    {WARN, 2,
     "imap-login: Disconnected: Connection closed (auth failed, %{int:1-5} attempts in %{int:2-30} "
     "secs): user=<%{guessed}@example.com>, method=PLAIN, rip=%{ip}, lip=%{lan}, TLS"},
};

static const struct corpus_kind kinds[] = {
    CORPUS_KIND("nginx", 23, "web", 12, 200, nginx),
    CORPUS_KIND("haproxy", 16, "lb", 3, 70, haproxy),
    CORPUS_KIND("envoy", 16, "api", 16, 40, envoy),
    CORPUS_KIND("api-gateway", 16, "api", 16, 90, gateway),
    CORPUS_KIND("order-service", 16, "api", 16, 80, java),
    CORPUS_KIND("ingest", 16, "api", 16, 60, ingest),
    CORPUS_KIND("celery", 16, "job", 6, 35, celery),
    CORPUS_KIND("frontend", 16, "web", 12, 30, frontend),
    CORPUS_KIND("postgres", 16, "db", 5, 70, postgres),
    CORPUS_KIND("mysqld", 3, "db", 5, 15, mysql),
    CORPUS_KIND("redis", 16, "cache", 4, 15, redis),
    CORPUS_KIND("kafka", 16, "kafka", 6, 45, kafka),
    CORPUS_KIND("zookeeper", 16, "kafka", 6, 10, zookeeper),
    CORPUS_KIND("rabbitmq", 16, "queue", 3, 10, rabbitmq),
    CORPUS_KIND("elasticsearch", 16, "db", 5, 12, elastic),
    CORPUS_KIND("postfix", 2, "mail", 3, 55, postfix),
    CORPUS_KIND("dovecot", 2, "mail", 3, 20, dovecot),
};

const struct corpus_kinds corpus_kinds_servers = {kinds, LC_ARRAY_LEN(kinds)};
