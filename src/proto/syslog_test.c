/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/syslog_test.c - RFC 5424, RFC 3164, what senders make of them, and RFC 6587.
 */
#include "proto/test_session.h"

#include "base/time.h"

#define NOON_2026_11_20 INT64_C(1795176000) /* UTC */
#define SEOUL_S         32400               /* east of Greenwich */
#define TIME_5424       "2003-10-11T22:14:15.003Z"
#define SAID_5424       "time=1065910455.003000000"

static struct lc_test_session utc = {
    .limit = 65536,
    .syslog = {.received_ns = NOON_2026_11_20 * LC_NS_PER_S},
};

struct message {
    const char *input, *expected;
};

/* As lines of a session, in every split. */
static void check_in(struct lc_test_session *s, const struct message *cases, size_t n)
{
    struct lc_dynbuf line, expected;
    lc_dynbuf_init(&line, 65536);
    lc_dynbuf_init(&expected, 65536);
    for (size_t i = 0; i < n; i++) {
        line.n = expected.n = 0;
        assert_lc_ok(lc_dynbuf_printf(&line, "%s\n", cases[i].input));
        assert_lc_ok(lc_dynbuf_printf(&expected, "syslog %s\n", cases[i].expected));
        assert_lc_ok(lc_dynbuf_append(&expected, LC_LIT("\0")));
        lc_test_splits(lc_dynbuf_slice(&line), &lc_test_lines, s, (const char *)expected.p);
    }
    lc_dynbuf_done(&expected);
    lc_dynbuf_done(&line);
}

#define CHECK(cases) check_in(&utc, cases, LC_ARRAY_LEN(cases))

static void priorities(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {"<0>x", "level=[EMERG] facility=[kern] message=[x]"},
        {"<191>x", "level=[DEBUG] facility=[local7] message=[x]"},
        {"<13>", "level=[NOTICE] facility=[user] message=[]"},
        {"<86>x", "level=[INFO] facility=[authpriv] message=[x]"},
        {"<104>x", "level=[EMERG] facility=[security] message=[x]"},
        {"<013>x", "level=[NOTICE] facility=[user] message=[x]"},
        {"<192>x", "without a PRI"},
        {"<999>x", "without a PRI"},
        {"<0191>x", "without a PRI"},
        {"<1", "without a PRI"},
        {"<12", "without a PRI"},
        {"<1 >x", "without a PRI"},
    };
    CHECK(cases);
    assert_slice(lc_syslog_facility(23), "local7");
    assert_slice(lc_syslog_facility(24), "");
}

/* RFC 5424 section 6.5 */
static void examples_of_rfc5424(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {"<34>1 " TIME_5424 " mymachine.example.com su - ID47 - \xEF\xBB\xBF'su root' failed for "
         "lonvick on /dev/pts/8",
         SAID_5424 " level=[CRIT] facility=[auth] host=[mymachine.example.com] app=[su] "
                   "name=[msgid] value=[ID47] message=['su root' failed for lonvick on "
                   "/dev/pts/8]"},
        {"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make "
         "the do-nuts.",
         "time=1061727255.000003000 level=[NOTICE] facility=[local4] host=[192.0.2.1] "
         "app=[myproc] pid=[8710] message=[%% It's time to make the do-nuts.]"},
        {"<165>1 " TIME_5424 " mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
         "eventSource=\"Application\" eventID=\"1011\"] \xEF\xBB\xBF"
         "An application event log entry...",
         SAID_5424 " level=[NOTICE] facility=[local4] host=[mymachine.example.com] "
                   "app=[evntslog] name=[msgid] value=[ID47] name=[exampleSDID@32473.iut] "
                   "value=[3] name=[exampleSDID@32473.eventSource] value=[Application] "
                   "name=[exampleSDID@32473.eventID] value=[1011] message=[An application event "
                   "log entry...]"},
        {"<165>1 " TIME_5424 " mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
         "eventSource=\"Application\" eventID=\"1011\"][examplePriority@32473 class=\"high\"]",
         SAID_5424 " level=[NOTICE] facility=[local4] host=[mymachine.example.com] "
                   "app=[evntslog] name=[msgid] value=[ID47] name=[exampleSDID@32473.iut] "
                   "value=[3] name=[exampleSDID@32473.eventSource] value=[Application] "
                   "name=[exampleSDID@32473.eventID] value=[1011] "
                   "name=[examplePriority@32473.class] value=[high] message=[]"},
    };
    CHECK(cases);
}

#define HEAD      "<13>1 - - - - - "
#define SAID_HEAD "level=[NOTICE] facility=[user] "

static void structured_data(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {HEAD "-", SAID_HEAD "message=[]"},
        {HEAD "- ", SAID_HEAD "message=[]"},
        {HEAD "-  two spaces ", SAID_HEAD "message=[ two spaces ]"},
        {HEAD "[a]", SAID_HEAD "name=[a] value=[] message=[]"},
        {HEAD "[a][b c=\"\"] m", SAID_HEAD "name=[a] value=[] name=[b.c] value=[] message=[m]"},
        {HEAD "[a b=\"\\\"\\\\\\]\"] m", SAID_HEAD "name=[a.b] value=[\"\\]] message=[m]"},
        {HEAD "[a b=\"C:\\new \\\\\"] m", SAID_HEAD "name=[a.b] value=[C:\\new \\] message=[m]"},
        {HEAD "[a b=\"x]y\"] m", SAID_HEAD "name=[a.b] value=[x]y] message=[m]"},
        {HEAD "[a b=\"한글 🙂\"] 메시지",
         SAID_HEAD "name=[a.b] value=[한글 🙂] message=[메시지]"},
        {HEAD "[a b=\"1\" b=\"2\"]",
         SAID_HEAD "name=[a.b] value=[1] name=[a.b] value=[2] message=[]"},
        /* damaged, or none: it stays where it is, in the message */
        {HEAD "[a b=\"1\"]m", SAID_HEAD "message=[[a b=\"1\"]m]"},
        {HEAD "[a b=\"1\"", SAID_HEAD "message=[[a b=\"1\"]"},
        {HEAD "[a b=1] m", SAID_HEAD "message=[[a b=1] m]"},
        {HEAD "[a b=\"1] m", SAID_HEAD "message=[[a b=\"1] m]"},
        {HEAD "[a b=\"1\\", SAID_HEAD "message=[[a b=\"1\\]"},
        {HEAD "[a b=\"1\\\"", SAID_HEAD "message=[[a b=\"1\\\"]"},
        {HEAD "[] m", SAID_HEAD "message=[[] m]"},
        {HEAD "[", SAID_HEAD "message=[[]"},
        {HEAD "[a  b=\"1\"] m", SAID_HEAD "message=[[a  b=\"1\"] m]"},
        {HEAD "-m", SAID_HEAD "message=[-m]"},
        {HEAD "hello", SAID_HEAD "message=[hello]"},
        {"<13>1 - - - - ID [x", SAID_HEAD "name=[msgid] value=[ID] message=[[x]"},
    };
    CHECK(cases);
}

static void headers_that_are_none(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {"<13>1 apple", SAID_HEAD "message=[1 apple]"},
        {"<13>1 - - - -", SAID_HEAD "message=[1 - - - -]"},
        {"<13>1 - - - - -", SAID_HEAD "message=[1 - - - - -]"},
        {"<13>1  - - - - - x", SAID_HEAD "message=[1  - - - - - x]"},
        {"<13>1 yesterday - - - - - x", SAID_HEAD "message=[1 yesterday - - - - - x]"},
        {"<13>1 2003-13-11T22:14:15Z h a - - - x",
         SAID_HEAD "message=[1 2003-13-11T22:14:15Z h a - - - x]"},
        {"<13>2 " TIME_5424 " h a - - - x",
         SAID_HEAD "message=[2 2003-10-11T22:14:15.003Z h a - - - x]"},
        {"<13>1", SAID_HEAD "message=[1]"},
    };
    CHECK(cases);
}

/* RFC 3164 section 5.4. The third names its zone and its year behind the time, the fourth its
 * year in front: the RFC itself reads the one's CST as the host and finds no time in the other. */
static void examples_of_rfc3164(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
         "time=1791756855.000000000 level=[CRIT] facility=[auth] host=[mymachine] app=[su] "
         "message=['su root' failed for lonvick on /dev/pts/8]"},
        {"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
         "time=1770312738.000000000 level=[NOTICE] facility=[user] host=[10.0.0.99] message=[Use "
         "the BFG!]"},
        {"<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.  "
         "%%  Ingredients: Mix=OK, Jelly=OK #",
         "time=1787549640.000000000 level=[NOTICE] facility=[local4] host=[CST] message=[1987 "
         "mymachine myproc[10]: %% It's time to make the do-nuts.  %%  Ingredients: Mix=OK, "
         "Jelly=OK #]"},
        {"<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All "
         "Folks!",
         "level=[EMERG] facility=[kern] message=[1990 Oct 22 10:52:01 TZ-6 "
         "scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!]"},
    };
    CHECK(cases);
}

#define NOV_20 "Nov 20 11:00:00"
#define SAID   "time=1795172400.000000000 level=[NOTICE] facility=[user] "

/* Shapes caught from real senders. */
static void senders(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        /* util-linux logger: to a Unix socket, --rfc3164, --rfc5424 and its options */
        {"<13>" NOV_20 " root: local hello", SAID "app=[root] message=[local hello]"},
        {"<13>" NOV_20 " vm app[20462]: with a pid",
         SAID "host=[vm] app=[app] pid=[20462] message=[with a pid]"},
        {"<13>1 2026-11-20T11:00:00.002423+00:00 vm root 20463 - [timeQuality tzKnown=\"1\" "
         "isSynced=\"1\" syncAccuracy=\"573872\"] hello",
         "time=1795172400.002423000 level=[NOTICE] facility=[user] host=[vm] app=[root] "
         "pid=[20463] name=[timeQuality.tzKnown] value=[1] name=[timeQuality.isSynced] value=[1] "
         "name=[timeQuality.syncAccuracy] value=[573872] message=[hello]"},
        {"<13>1 - - root - - - hi", "level=[NOTICE] facility=[user] app=[root] message=[hi]"},
        /* the C library's syslog() */
        {"<86>" NOV_20 " sshd[1361]: Accepted publickey for ubuntu",
         "time=1795172400.000000000 level=[INFO] facility=[authpriv] app=[sshd] pid=[1361] "
         "message=[Accepted publickey for ubuntu]"},
        /* rsyslog: RSYSLOG_ForwardFormat and RSYSLOG_TraditionalForwardFormat */
        {"<13>2026-11-20T20:00:00.123456+09:00 web-1 nginx: GET /",
         "time=1795172400.123456000 level=[NOTICE] facility=[user] host=[web-1] app=[nginx] "
         "message=[GET /]"},
        {"<13>" NOV_20 " web-1 postfix/smtpd[99]: connect from unknown[192.0.2.1]",
         SAID "host=[web-1] app=[postfix/smtpd] pid=[99] message=[connect from "
              "unknown[192.0.2.1]]"},
        /* the kernel, and what forwards it */
        {"<6>[    1.234567] usb 1-1: new device",
         "level=[INFO] facility=[kern] message=[[    1.234567] usb 1-1: new device]"},
        {"<4>" NOV_20 " web-1 kernel: [    1.2] oom",
         "time=1795172400.000000000 level=[WARN] facility=[kern] host=[web-1] app=[kernel] "
         "message=[[    1.2] oom]"},
        /* Cisco */
        {"<166>Jul 27 2014 14:01:02: %ASA-6-302013: Built outbound TCP",
         "time=1406469662.000000000 level=[INFO] facility=[local4] app=[%ASA-6-302013] "
         "message=[Built outbound TCP]"},
        {"<166>Jul 27 2014 14:01:02 fw1 : %ASA-6-302013: Built",
         "time=1406469662.000000000 level=[INFO] facility=[local4] host=[fw1] "
         "app=[%ASA-6-302013] message=[Built]"},
        {"<189>Nov  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: Configured",
         "time=1793558771.123000000 level=[NOTICE] facility=[local7] app=[%SYS-5-CONFIG_I] "
         "message=[Configured]"},
        {"<189>*Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured",
         "level=[NOTICE] facility=[local7] message=[*Mar  1 18:46:11.123: %SYS-5-CONFIG_I: "
         "Configured]"},
        {"<189>1234: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured",
         "level=[NOTICE] facility=[local7] message=[1234: *Mar  1 18:46:11.123: "
         "%SYS-5-CONFIG_I: Configured]"},
        /* F5: the year behind the time */
        {"<133>Oct 15 11:14:59 2019 example.com tmsh[4726]: x",
         "time=1571138099.000000000 level=[NOTICE] facility=[local0] host=[example.com] "
         "app=[tmsh] pid=[4726] message=[x]"},
        /* Python's SysLogHandler: no time, no host, a NUL behind it */
        {"<14>worker: started", "level=[INFO] facility=[user] app=[worker] message=[started]"},
        {"<14>job 17 is done", "level=[INFO] facility=[user] message=[job 17 is done]"},
    };
    CHECK(cases);
}

static void times_of_rfc3164(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {"<13>Nov 01 18:46:11 h x", "time=1793558771.000000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Nov 1 18:46:11 h x", "time=1793558771.000000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Nov  1 18:46:11.5 h x",
         "time=1793558771.500000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Nov  1 18:46:11.1234567899 h x",
         "time=1793558771.123456789 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Nov  1 18:46:11 GMT h x",
         "time=1793558771.000000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Nov  1 18:46:11", "time=1793558771.000000000 " SAID_HEAD "message=[]"},
        /* what lies more than a week ahead is of the last year */
        {"<13>Nov 27 11:59:59 h x", "time=1795780799.000000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Nov 27 12:00:01 h x", "time=1764244801.000000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Dec 31 23:59:58 h x", "time=1767225598.000000000 " SAID_HEAD "host=[h] message=[x]"},
        {"<13>Mar 27 13:06:56 h x", "time=1774616816.000000000 " SAID_HEAD "host=[h] message=[x]"},
        /* no times */
        {"<13>Nov 31 18:46:11 h x", SAID_HEAD "message=[Nov 31 18:46:11 h x]"},
        {"<13>Nov 20 24:00:00 h x", SAID_HEAD "message=[Nov 20 24:00:00 h x]"},
        {"<13>Nov 20 1:00:00 h x", SAID_HEAD "message=[Nov 20 1:00:00 h x]"},
        {"<13>nov 20 11:00:00 h x", SAID_HEAD "message=[nov 20 11:00:00 h x]"},
        {"<13>Feb 30 11:00:00 h x", SAID_HEAD "message=[Feb 30 11:00:00 h x]"},
        {"<13>" NOV_20 "h x", SAID_HEAD "message=[Nov 20 11:00:00h x]"},
        {"<13>" NOV_20 " UTCx y", SAID "host=[UTCx] message=[y]"},
        {"<13>Nov", SAID_HEAD "message=[Nov]"},
        {"<13>Nov 20 2026", SAID_HEAD "message=[Nov 20 2026]"},
        {"<13>9999-12-31T23:59:59Z h x", SAID_HEAD "message=[9999-12-31T23:59:59Z h x]"},
    };
    CHECK(cases);
}

/* Neither RFC 3339 nor RFC 3164, and sent all the same: a time of the sender's own, a zone without
 * its colon, a comma, a BOM. */
static void times_that_say_no_zone_are_local(void **state)
{
    LC_UNUSED(state);
    struct lc_test_session seoul = {.limit = 1000, .syslog = {.utc_offset_s = SEOUL_S}};
    static const struct message cases[] = {
        {"<13>2026-11-20T20:00:00 h a: x",
         "time=1795172400.000000000 " SAID_HEAD "host=[h] app=[a] message=[x]"},
        {"<13>2026-11-20 20:00:00,250 h a[7]: x",
         "time=1795172400.250000000 " SAID_HEAD "host=[h] app=[a] pid=[7] message=[x]"},
        {"<13>2026-11-20T11:00:00.5+0000 h a: x",
         "time=1795172400.500000000 " SAID_HEAD "host=[h] app=[a] message=[x]"},
        {"<13>2026-11-20T11:00:00Z a: x",
         "time=1795172400.000000000 " SAID_HEAD "app=[a] message=[x]"},
        {"<13>1 2026-11-20T20:00:00 h a - - - x",
         "time=1795172400.000000000 " SAID_HEAD "host=[h] app=[a] message=[x]"},
        {"<13>1 2026-11-20T20:00:00+0900 h a - - - x",
         "time=1795172400.000000000 " SAID_HEAD "host=[h] app=[a] message=[x]"},
        {"<13>Nov 20 20:00:00 h a: \xEF\xBB\xBFx",
         "time=1795172400.000000000 " SAID_HEAD "host=[h] app=[a] message=[x]"},
        {"<13>\xEF\xBB\xBFhello", SAID_HEAD "message=[hello]"},
        {"<13>2026-11-20T20:00 h x", SAID_HEAD "message=[2026-11-20T20:00 h x]"},
        {"<13>2026-11-20T20:00:00+9 h x", SAID_HEAD "message=[2026-11-20T20:00:00+9 h x]"},
    };
    seoul.syslog.received_ns = INT64_C(1795172460) * LC_NS_PER_S;
    check_in(&seoul, cases, LC_ARRAY_LEN(cases));
}

static void several_messages_in_a_datagram(void **state)
{
    LC_UNUSED(state);
    assert_int_equal(lc_syslog_message_end(LC_LIT("<13>a\n<14>b\n")), 6);
    assert_int_equal(lc_syslog_message_end(LC_LIT("<13>a\nb <14>\n<192>\n<>\n<1")), 24);
    assert_int_equal(lc_syslog_message_end(LC_LIT("<13>a\n<14>")), 6);
    assert_int_equal(lc_syslog_message_end(LC_LIT("<13>a")), 5);
    assert_int_equal(lc_syslog_message_end(LC_LIT("\n")), 1);
}

static void years_and_zones(void **state)
{
    LC_UNUSED(state);
    struct lc_test_session seoul = {.limit = 1000, .syslog = {.utc_offset_s = SEOUL_S}};
    struct message one[] = {{"<13>Dec 31 23:59:58 h x", NULL}};

    /* five seconds into 2027 in Seoul, a message of the last year arrives */
    seoul.syslog.received_ns = (INT64_C(1798761605) - SEOUL_S) * LC_NS_PER_S;
    one[0].expected = "time=1798729198.000000000 " SAID_HEAD "host=[h] message=[x]";
    check_in(&seoul, one, 1);

    /* at the end of 2026, one of a clock that is ahead */
    seoul.syslog.received_ns = (INT64_C(1798761598) - SEOUL_S) * LC_NS_PER_S;
    one[0] = (struct message){"<13>Jan  1 00:00:05 h x",
                              "time=1798729205.000000000 " SAID_HEAD "host=[h] message=[x]"};
    check_in(&seoul, one, 1);

    one[0] = (struct message){"<13>Jan  1 2026 00:00:00 h x",
                              "time=1767193200.000000000 " SAID_HEAD "host=[h] message=[x]"};
    check_in(&seoul, one, 1);
    one[0] = (struct message){"<13>Jan  1 2026 00:00:00 UTC: x",
                              "time=1767225600.000000000 " SAID_HEAD "message=[x]"};
    check_in(&seoul, one, 1);

    /* a leap day counts in a leap year only */
    struct lc_test_session leap = {.limit = 1000,
                                   .syslog = {.received_ns = INT64_C(1709208000) * LC_NS_PER_S}};
    one[0] = (struct message){"<13>Feb 29 12:00:00 h x",
                              "time=1709208000.000000000 " SAID_HEAD "host=[h] message=[x]"};
    check_in(&leap, one, 1);
}

static void hosts_and_tags(void **state)
{
    LC_UNUSED(state);
    static const struct message cases[] = {
        {"<13>" NOV_20 " h tag[1] no colon", SAID "host=[h] app=[tag] pid=[1] message=[no colon]"},
        {"<13>" NOV_20 " tag[1] no host", SAID "app=[tag] pid=[1] message=[no host]"},
        {"<13>" NOV_20 " - tag[-]: x", SAID "app=[tag] message=[x]"},
        {"<13>" NOV_20 " h tag[1]:close", SAID "host=[h] app=[tag] pid=[1] message=[close]"},
        {"<13>" NOV_20 " h tag[]: x", SAID "host=[h] app=[tag] message=[x]"},
        {"<13>" NOV_20 " h tag[1]", SAID "host=[h] app=[tag] pid=[1] message=[]"},
        {"<13>" NOV_20 " h tag:", SAID "host=[h] app=[tag] message=[]"},
        {"<13>" NOV_20 " h sudo:   ubuntu : TTY=pts/0",
         SAID "host=[h] app=[sudo] message=[  ubuntu : TTY=pts/0]"},
        {"<13>" NOV_20 " h (systemd)[7]: x", SAID "host=[h] app=[(systemd)] pid=[7] message=[x]"},
        {"<13>" NOV_20 " 2001:db8::1 app: x", SAID "host=[2001:db8::1] app=[app] message=[x]"},
        {"<13>" NOV_20 " user@h/relay app: x", SAID "host=[user@h/relay] app=[app] message=[x]"},
        {"<13>" NOV_20 " h last message repeated 3 times",
         SAID "host=[h] message=[last message repeated 3 times]"},
        {"<13>" NOV_20 " h -- MARK --", SAID "host=[h] message=[-- MARK --]"},
        {"<13>" NOV_20 " h CEF:0|v|p", SAID "host=[h] message=[CEF:0|v|p]"},
        {"<13>" NOV_20 " h http://x: y", SAID "host=[h] message=[http://x: y]"},
        {"<13>" NOV_20 " h 12: y", SAID "host=[h] message=[12: y]"},
        {"<13>" NOV_20 " h 12[3]: y", SAID "host=[h] message=[12[3]: y]"},
        {"<13>" NOV_20 " 123456789012[3]: y", SAID "app=[123456789012] pid=[3] message=[y]"},
        {"<13>" NOV_20 " h 123456789012: y", SAID "host=[h] message=[123456789012: y]"},
        {"<13>" NOV_20 " h t[1 2]: y", SAID "host=[h] message=[t[1 2]: y]"},
        {"<13>" NOV_20 " h t[1: y", SAID "host=[h] message=[t[1: y]"},
        {"<13>" NOV_20 " h {\"a\": 1}", SAID "host=[h] message=[{\"a\": 1}]"},
        {"<13>" NOV_20 " 'quoted' x", SAID "message=['quoted' x]"},
        {"<13>" NOV_20 " 서버 로그", SAID "message=[서버 로그]"},
        {"<13>" NOV_20 " h 앱: 로그", SAID "host=[h] message=[앱: 로그]"},
        {"<13>" NOV_20 " alone", SAID "message=[alone]"},
        {"<13>" NOV_20 "  h x", SAID "message=[ h x]"},
        {"<13>: x", SAID_HEAD "message=[: x]"},
        {"<13>[1]: x", SAID_HEAD "message=[[1]: x]"},
    };
    CHECK(cases);
}

static lc_err decode(struct lc_slice message, struct lc_record *ret)
{
    *ret = (struct lc_record){.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    return lc_syslog_decode(message, &utc.syslog, &utc.scratch, ret);
}

static void any_octets(void **state)
{
    LC_UNUSED(state);
    struct lc_record r;
    assert_lc_ok(decode(LC_LIT("<13>1 - - - - - - a\nb\0\xFF\r\n\x01"), &r));
    assert_slice_eq(r.message, LC_LIT("a\nb\0\xFF\r\n\x01"));
    assert_lc_ok(decode(LC_LIT("<13>tag: \0\xFF\xC3"), &r));
    assert_slice_eq(r.message, LC_LIT("\0\xFF\xC3"));
    assert_lc_ok(decode(LC_LIT("<13>1 - a\0b - - - - x"), &r));
    assert_slice_eq(r.stream.host, LC_LIT("a\0b"));
    assert_lc_err(decode(LC_LIT(""), &r), LC_ESYNTAX);
    assert_lc_err(decode(LC_LIT("<"), &r), LC_ESYNTAX);
    assert_lc_err(decode(LC_LIT("plain"), &r), LC_ESYNTAX);
}

static void ends_of_messages(void **state)
{
    LC_UNUSED(state);
    const struct {
        struct lc_slice input, message;
    } cases[] = {
        {LC_LIT("<13>x\n"), LC_LIT("x")},
        {LC_LIT("<13>x\r\n"), LC_LIT("x")},
        {LC_LIT("<13>x\0"), LC_LIT("x")},
        {LC_LIT("<13>x\n\0"), LC_LIT("x")},
        {LC_LIT("<13>x\n\n"), LC_LIT("x\n")},
        {LC_LIT("<13>x\0\0"), LC_LIT("x\0")},
        {LC_LIT("<13>x\r"), LC_LIT("x\r")},
        {LC_LIT("<13>\n"), LC_LIT("")},
        {LC_LIT("<13>1 - - - - - -\n"), LC_LIT("")},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_record r;
        assert_lc_ok(decode(cases[i].input, &r));
        assert_slice_eq(r.message, cases[i].message);
    }
}

static void what_is_not_said_stays(void **state)
{
    LC_UNUSED(state);
    struct lc_field field = {LC_LIT("a"), LC_LIT("b"), LC_FIELD_STRING};
    struct lc_record before = {.time_ns = 7,
                               .stream = {.host = LC_LIT("h"), .app = LC_LIT("a")},
                               .pid = LC_LIT("p"),
                               .source = LC_LIT("s"),
                               .fields = &field,
                               .field_count = 1};
    static const char *const messages[] = {"<13>1 - - - - - - x", "<13>x"};
    for (size_t i = 0; i < LC_ARRAY_LEN(messages); i++) {
        struct lc_record r = before;
        assert_lc_ok(lc_syslog_decode(lc_slice_cstr(messages[i]), &utc.syslog, &utc.scratch, &r));
        assert_int_equal(r.time_ns, 7);
        assert_slice(r.stream.host, "h");
        assert_slice(r.stream.app, "a");
        assert_slice(r.pid, "p");
        assert_slice(r.source, "s");
        assert_ptr_equal(r.fields, &field);
        assert_slice(r.message, "x");
    }
}

/* More than the scratch holds: nothing of it is lost, it stays in the message. */
static void too_much_structured_data(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf in;
    struct lc_record r;
    lc_dynbuf_init(&in, 1 << 20);

    assert_lc_ok(lc_dynbuf_append(&in, LC_LIT("<13>1 - - - - ID [a")));
    for (unsigned i = 1; i < LC_FIELDS_MAX; i++)
        assert_lc_ok(lc_dynbuf_printf(&in, " p%u=\"%u\"", i, i));
    size_t fits = in.n;
    assert_lc_ok(lc_dynbuf_append(&in, LC_LIT("] m")));
    assert_lc_ok(decode(lc_dynbuf_slice(&in), &r));
    assert_int_equal(r.field_count, LC_FIELDS_MAX);
    assert_slice(r.fields[LC_FIELDS_MAX - 1].name, "a.p255");
    assert_slice(r.message, "m");

    in.n = fits;
    assert_lc_ok(lc_dynbuf_append(&in, LC_LIT(" more=\"1\"] m")));
    assert_lc_ok(decode(lc_dynbuf_slice(&in), &r));
    assert_int_equal(r.field_count, 1); /* msgid */
    assert_ptr_equal(r.message.p, in.p + strlen("<13>1 - - - - ID "));
    assert_ptr_equal(r.message.p + r.message.n, in.p + in.n);

    /* an escaped value, and a name, that are longer than the scratch's text */
    for (unsigned name = 0; name < 2; name++) {
        in.n = 0;
        assert_lc_ok(lc_dynbuf_append(&in, name ? LC_LIT("<13>1 - - - - - [a ")
                                                : LC_LIT("<13>1 - - - - - [a b=\"\\\\")));
        for (size_t i = 0; i < sizeof utc.scratch.text; i++)
            assert_lc_ok(lc_dynbuf_append(&in, LC_LIT("x")));
        assert_lc_ok(lc_dynbuf_append(&in, name ? LC_LIT("=\"1\"] m") : LC_LIT("\"] m")));
        assert_lc_ok(decode(lc_dynbuf_slice(&in), &r));
        assert_int_equal(r.field_count, 0);
        assert_ptr_equal(r.message.p, in.p + strlen("<13>1 - - - - - "));
    }
    lc_dynbuf_done(&in);
}

/* RFC 6587 section 3.4.1 */
static void frames(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *input, *expected;
    } cases[] = {
        {"5 <13>x6 <13>yy", "syslog " SAID_HEAD "message=[x]\nsyslog " SAID_HEAD "message=[yy]\n"},
        {"7 <13>a\nb", "syslog " SAID_HEAD "message=[a\nb]\n"},
        {"6 <13>x\n5 <13>y", "syslog " SAID_HEAD "message=[x]\nsyslog " SAID_HEAD "message=[y]\n"},
        {"5 plain5 <13>x", "syslog without a PRI\nsyslog " SAID_HEAD "message=[x]\n"},
        {"5 <13>", "left octets=[5 <13>]"},
        {"5", "left octets=[5]"},
        {"1234567890", "left octets=[1234567890]"},
        {"41 0123456789012345678901234567890123456789x5 <13>x",
         "41 octets are too long\nsyslog " SAID_HEAD "message=[x]\n"},
        {"9999999999 x", "9999999999 octets are too long\n"},
        {"0 5 <13>x", "broken\n"},
        {"05 <13>x", "broken\n"},
        {"12345678901", "broken\n"},
        {"5\t<13>x", "broken\n"},
        {"<13>x", "broken\n"},
        {" 5 <13>x", "broken\n"},
        {"5 <13>x\n5 <13>y", "syslog " SAID_HEAD "message=[x]\nbroken\n"},
    };
    static struct lc_test_session s = {.limit = 40};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++)
        lc_test_splits(lc_slice_cstr(cases[i].input), &lc_test_frames, &s, cases[i].expected);
}

static void frames_as_long_as_the_limit(void **state)
{
    LC_UNUSED(state);
    struct lc_slice message;
    size_t used, length;
    assert_lc_ok(lc_syslog_frame(LC_LIT("4 abcd"), 4, &message, &used, &length));
    assert_slice(message, "abcd");
    assert_int_equal(used, 6);
    assert_lc_err(lc_syslog_frame(LC_LIT("5 "), 4, &message, &used, &length), LC_ELIMIT);
    assert_int_equal(used, 2);
    assert_int_equal(length, 5);
    assert_lc_err(lc_syslog_frame(LC_LIT("4 abc"), 4, &message, &used, &length), LC_EMORE);
    assert_lc_err(lc_syslog_frame(lc_slice(NULL, 0), 4, &message, &used, &length), LC_EMORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities),
        cmocka_unit_test(examples_of_rfc5424),
        cmocka_unit_test(structured_data),
        cmocka_unit_test(headers_that_are_none),
        cmocka_unit_test(examples_of_rfc3164),
        cmocka_unit_test(senders),
        cmocka_unit_test(times_of_rfc3164),
        cmocka_unit_test(times_that_say_no_zone_are_local),
        cmocka_unit_test(several_messages_in_a_datagram),
        cmocka_unit_test(years_and_zones),
        cmocka_unit_test(hosts_and_tags),
        cmocka_unit_test(any_octets),
        cmocka_unit_test(ends_of_messages),
        cmocka_unit_test(what_is_not_said_stays),
        cmocka_unit_test(too_much_structured_data),
        cmocka_unit_test(frames),
        cmocka_unit_test(frames_as_long_as_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
