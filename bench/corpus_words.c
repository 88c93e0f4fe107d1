/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_words.c - the words of the templates. What stands first is drawn most often.
 */
#include "bench/corpus_kinds.h"

static const char *const users[] = {
    "deploy",  "ubuntu",  "jenkins", "minji",   "alice", "www-data", "jun",   "backup", "sora",
    "bob",     "gitlab",  "ansible", "hyunwoo", "carol", "ops",      "erin",  "yuna",   "dave",
    "svc-etl", "mallory", "frank",   "taeyang", "grace", "heidi",    "ivan",  "judy",   "nari",
    "oscar",   "peggy",   "rupert",  "sybil",   "trent", "victor",   "wendy", "zoe",    "kihoon",
};
static const char *const guessed[] = {
    "admin",  "root",      "test",   "oracle",    "postgres", "guest",   "user", "ftpuser",
    "pi",     "git",       "nagios", "hadoop",    "mysql",    "support", "ubnt", "administrator",
    "tomcat", "minecraft", "steam",  "teamspeak", "info",     "web",     "demo", "ec2-user",
    "centos", "vagrant",   "es",
};
static const char *const methods[] = {"GET", "GET",  "POST",   "GET",
                                      "PUT", "HEAD", "DELETE", "OPTIONS"};
static const char *const paths[] = {
    "/",
    "/api/v1/items",
    "/static/js/main.8f2c1b.js",
    "/favicon.ico",
    "/api/v1/cart",
    "/login",
    "/static/css/app.4d21.css",
    "/api/v1/orders",
    "/health",
    "/products/1042",
    "/images/logo.svg",
    "/api/v2/search?q=shoes&page=1",
    "/products/77",
    "/robots.txt",
    "/api/v1/users/me",
    "/wp-login.php",
    "/api/v1/items/31337",
    "/checkout",
    "/api/v1/recommendations?limit=20",
    "/static/fonts/inter.woff2",
    "/sitemap.xml",
    "/.env",
    "/admin",
    "/api/v1/orders/9912/status",
    "/feed.xml",
    "/products/205?ref=mail",
    "/api/v1/sessions/refresh",
    "/downloads/manual-ko.pdf",
    "/api/v2/search?q=%EC%8B%A0%EB%B0%9C",
    "/account/settings",
    "/static/img/banner-winter.webp",
    "/api/v1/payments/callback",
    "/graphql",
    "/metrics",
    "/blog/2026/11/release-notes",
    "/phpmyadmin/index.php",
    "/api/v1/coupons",
    "/products/5120/reviews?sort=new",
    "/cart/update",
    "/static/js/vendor.a91f.js",
    "/search?q=tent",
};
static const char *const statuses[] = {"200", "200", "304", "200", "404", "302", "301", "499",
                                       "500", "403", "201", "502", "401", "204", "503", "429"};
static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.6 Safari/605.1.15",
    "curl/7.88.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "kube-probe/1.29",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "python-requests/2.31.0",
    "okhttp/4.12.0",
    "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)",
    "Go-http-client/2.0",
    "Prometheus/2.45.0",
};
static const char *const referers[] = {
    "-",
    "https://shop.example.com/",
    "https://www.google.com/",
    "https://shop.example.com/cart",
    "https://search.naver.com/search.naver?query=camping",
    "https://shop.example.com/products/1042",
    "https://m.example.com/",
    "https://t.co/3kQx",
};
static const char *const tables[] = {
    "orders",    "users",   "sessions",  "order_items", "payments",
    "inventory", "events",  "coupons",   "audit_log",   "products",
    "carts",     "reviews", "shipments", "refunds",     "addresses",
};
static const char *const topics[] = {
    "orders.created",    "clicks",       "payments",      "__consumer_offsets",
    "inventory.changed", "emails",       "audit",         "shipments",
    "metrics.raw",       "search.index", "users.updated", "dead-letter",
};
static const char *const units[] = {
    "session-1.scope",
    "cron.service",
    "nginx.service",
    "docker.service",
    "ssh.service",
    "systemd-tmpfiles-clean.service",
    "logrotate.service",
    "apt-daily.service",
    "certbot.service",
    "postgresql@15-main.service",
    "node-exporter.service",
    "man-db.service",
    "fstrim.service",
    "user@1000.service",
    "e2scrub_all.service",
    "redis-server.service",
    "phpsessionclean.service",
};
static const char *const pods[] = {
    "api-7c9d5b8f6c",   "checkout-5f6b7d9c4", "frontend-6d4cf56db6",  "worker-79b5c8d7f9",
    "search-84c6f7b5d", "payments-66bb7c9d8", "ingest-5d8f9b7c6d",    "coredns-565d847f94",
    "cart-58c7d6f4b9",  "mailer-7f8d6c5b4a",  "recommend-6c5d4b3a2f", "report-75b6c7d8e9",
};
static const char *const namespaces[] = {"prod",       "kube-system", "staging",
                                         "monitoring", "data",        "batch"};
static const char *const classes[] = {
    "c.e.shop.order.OrderService",
    "c.e.shop.cart.CartController",
    "o.s.web.servlet.DispatcherServlet",
    "c.e.shop.payment.PaymentGateway",
    "com.zaxxer.hikari.pool.HikariPool",
    "c.e.shop.stock.StockReserver",
    "o.a.k.c.consumer.internals.Fetcher",
    "c.e.shop.user.TokenFilter",
    "c.e.shop.search.Indexer",
    "o.h.engine.jdbc.spi.SqlExceptionHelper",
    "c.e.shop.mail.MailQueue",
    "c.e.shop.price.PriceRules",
};
static const char *const exceptions[] = {
    "java.net.SocketTimeoutException: Read timed out",
    "java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"sku\" is null",
    "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available",
    "org.springframework.dao.DeadlockLoserDataAccessException: could not execute statement",
    "java.lang.IllegalStateException: Order is already closed",
    "java.util.concurrent.TimeoutException: Did not observe any item within 3000ms",
    "java.lang.OutOfMemoryError: Java heap space",
    "com.fasterxml.jackson.core.JsonParseException: Unexpected character (',' (code 44))",
};
static const char *const threads[] = {
    "http-nio-8080-exec-1",
    "http-nio-8080-exec-7",
    "main",
    "kafka-consumer-3",
    "scheduling-1",
    "http-nio-8080-exec-23",
    "pool-4-thread-2",
    "HikariPool-1 housekeeper",
    "ForkJoinPool-worker-5",
};
static const char *const mails[] = {
    "minji.kim@example.com", "orders@example.com",  "alice@example.org",
    "no-reply@example.com",  "sora@example.co.kr",  "newsletter@example.net",
    "bob.stone@example.org", "support@example.com", "jun.park@example.co.kr",
    "billing@example.net",   "carol@example.com",   "hr@example.org",
};
static const char *const domains[] = {
    "www.example.com",     "api.example.com",       "mail.example.org", "cdn.example.net",
    "db.internal",         "registry.example.com",  "time.example.net", "shop.example.co.kr",
    "updates.example.org", "telemetry.example.net", "img.example.com",  "auth.example.com",
    "x7f3k2.example.biz",
};
static const char *const interfaces[] = {"eth0", "ens5", "eth1", "docker0", "wg0", "bond0", "cni0"};
static const char *const processes[] = {
    "java", "postgres", "node", "python3", "nginx", "redis-server", "chrome", "ruby", "mysqld",
};
static const char *const tasks[] = {
    "shop.tasks.send_receipt",  "shop.tasks.sync_stock",      "shop.tasks.resize_image",
    "shop.tasks.expire_carts",  "shop.tasks.reindex_product", "shop.tasks.push_notification",
    "shop.tasks.export_report", "shop.tasks.settle_payments",
};
static const char *const services[] = {
    "checkout",  "cart",    "search", "users",   "payments", "inventory",
    "recommend", "gateway", "mailer", "pricing", "shipping", "auth",
};
static const char *const names[] = {
    "김민지", "이서준", "박지훈", "최수아", "정하은", "강도윤", "조은우", "윤서연", "장예준",
    "임지우", "한소율", "오시우", "서유나", "신건우", "권다은", "황민재", "안채원", "송현우",
};
static const char *const cards[] = {"신한", "국민", "삼성", "현대", "롯데",
                                    "우리", "하나", "농협", "비씨"};
static const char *const cities[] = {
    "서울특별시 강남구",     "경기도 성남시 분당구", "부산광역시 해운대구",
    "서울특별시 마포구",     "인천광역시 연수구",    "대전광역시 유성구",
    "대구광역시 수성구",     "광주광역시 서구",      "제주특별자치도 제주시",
    "강원특별자치도 춘천시", "울산광역시 남구",      "전라북도 전주시 완산구",
};
static const char *const goods[] = {
    "겨울 캠핑 텐트 4인용", "무선 이어폰",          "기계식 키보드",     "전기 포트 1.7L",
    "러닝화 270mm",         "제주 감귤 5kg",        "스테인리스 텀블러", "유아용 카시트",
    "한우 선물세트",        "게이밍 모니터 27인치", "가습기 필터",       "등산 스틱",
    "드립 커피 세트",       "블루투스 스피커",      "김치 냉장고",
};
static const char *const couriers[] = {"한빛택배", "새벽물류", "빠른배송", "우리택배",
                                       "바다로지스"};
static const char *const centers[] = {"곤지암", "옥천", "칠곡", "김포", "평택", "군포", "양산"};
static const char *const jobs[] = {
    "일별 매출 집계", "휴면 회원 전환", "재고 동기화",      "정산 자료 생성",
    "추천 상품 갱신", "쿠폰 만료 처리", "검색 색인 재구성", "통계 보고서 발송",
};

#define LIST(name, words)                                                                          \
    {                                                                                              \
        name, words, LC_ARRAY_LEN(words)                                                           \
    }

static const struct corpus_list lists[] = {
    LIST("user", users),        LIST("guessed", guessed),
    LIST("method", methods),    LIST("path", paths),
    LIST("status", statuses),   LIST("agent", agents),
    LIST("referer", referers),  LIST("table", tables),
    LIST("topic", topics),      LIST("unit", units),
    LIST("pod", pods),          LIST("namespace", namespaces),
    LIST("class", classes),     LIST("exception", exceptions),
    LIST("thread", threads),    LIST("mail", mails),
    LIST("domain", domains),    LIST("interface", interfaces),
    LIST("process", processes), LIST("task", tasks),
    LIST("service", services),  LIST("name", names),
    LIST("card", cards),        LIST("city", cities),
    LIST("goods", goods),       LIST("courier", couriers),
    LIST("center", centers),    LIST("job", jobs),
};

const struct corpus_list *corpus_list_find(struct lc_slice name)
{
    for (size_t i = 0; i < LC_ARRAY_LEN(lists); i++)
        if (lc_slice_eq(name, lc_slice_cstr(lists[i].name)))
            return &lists[i];
    return NULL;
}
