/* SPDX-License-Identifier: Apache-2.0
 *
 * net/options_table.c - the rows of net/options.h. docs/sockets.md has the same, and a test that
 * compares them.
 */
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/options.h"

#define L  (1U << LC_PLACE_LISTEN)
#define A  (1U << LC_PLACE_ACCEPTED)
#define C  (1U << LC_PLACE_CONNECT)
#define U  (1U << LC_PLACE_UDP)
#define US (1U << LC_PLACE_UNIX_STREAM)
#define UD (1U << LC_PLACE_UNIX_DGRAM)

#define SO(x)   .name = #x, .level = SOL_SOCKET, .option = (x)
#define TCP(x)  .name = #x, .level = IPPROTO_TCP, .option = (x)
#define IP(x)   .name = #x, .level = IPPROTO_IP, .option = (x)
#define IPV6(x) .name = #x, .level = IPPROTO_IPV6, .option = (x)

#define READ_ONLY "it is read, never set"
#define BY_LOOP                                                                                    \
    "sockets here never block, so the kernel would never look at it; deadlines of the loop do "    \
    "its "                                                                                         \
    "work"

const struct lc_sockopt lc_sockopt_table[LC_SOCKOPT_COUNT] = {
    {.name = "backlog",
     .kind = LC_SOCKOPT_BACKLOG,
     .places = L | US,
     .ours_at = L | US,
     .ours = 4096,
     .min = 1,
     .max = 65535,
     .seeds = "5, 10, 128",
     .what = "connections that wait to be accepted",
     .why = "a burst of senders after a restart must not be refused; net.core.somaxconn caps it"},
    {SO(SO_REUSEADDR), .kind = LC_SOCKOPT_SWITCH, .places = L | U, .ours_at = L, .ours = 1,
     .max = 1, .seeds = "on", .what = "bind although old connections are in TIME_WAIT",
     .why = "a restart must not wait for a minute; on UDP it would let two programs share a port"},
    {SO(SO_REUSEPORT), .kind = LC_SOCKOPT_SWITCH, .places = L | U, .max = 1, .seeds = "on",
     .refused = "workers share an address by it, so the number of workers decides",
     .what = "several sockets at one address",
     .why = "on for TCP and UDP; only after the first bind has shown that nobody else is there"},
    {SO(SO_KEEPALIVE), .kind = LC_SOCKOPT_SWITCH, .places = L | C, .ours_at = L | C, .ours = 1,
     .max = 1, .seeds = "on", .what = "ask a silent peer whether it is still there",
     .why = "a log sender may be silent for days, so nothing else finds out that it has gone"},
    {TCP(TCP_KEEPIDLE), .kind = LC_SOCKOPT_SECONDS, .places = L | C, .ours_at = L | C, .ours = 60,
     .min = 1, .max = 32767, .seeds = "60 s", .what = "silence before the first question",
     .why = "as in the seeds"},
    {TCP(TCP_KEEPINTVL), .kind = LC_SOCKOPT_SECONDS, .places = L | C, .ours_at = L | C, .ours = 10,
     .min = 1, .max = 32767, .seeds = "10 s", .what = "time between questions",
     .why = "as in the seeds"},
    {TCP(TCP_KEEPCNT), .kind = LC_SOCKOPT_NUMBER, .places = L | C, .ours_at = L | C, .ours = 6,
     .min = 1, .max = 127, .seeds = "6", .what = "questions without answer before it is given up",
     .why = "as in the seeds"},
    {TCP(TCP_USER_TIMEOUT), .kind = LC_SOCKOPT_MILLISECONDS, .places = L | C, .ours_at = L | C,
     .ours = 30000, .max = INT32_MAX, .seeds = "30 s",
     .what = "how long what was sent may stay without acknowledgement", .why = "as in the seeds"},
    {TCP(TCP_NODELAY), .kind = LC_SOCKOPT_SWITCH, .places = L | C, .ours_at = L | C, .ours = 1,
     .max = 1, .seeds = "on", .what = "send small segments at once",
     .why = "all answers of a turn leave in one send, so waiting would only add time"},
    {TCP(TCP_CORK), .kind = LC_SOCKOPT_SWITCH, .places = L | C, .max = 1, .seeds = "on, then off",
     .what = "hold partial segments back, for at most 200 ms",
     .why = "off: one gathering send for each turn already does what it is for"},
    {TCP(TCP_QUICKACK), .kind = LC_SOCKOPT_SWITCH, .places = A, .max = 1, .seeds = "on",
     .what = "acknowledge at once, until the kernel decides otherwise",
     .why =
         "the kernel's: it acknowledges the first segments at once anyway, and an answer carries "
         "the acknowledgement"},
    {TCP(TCP_DEFER_ACCEPT), .kind = LC_SOCKOPT_SECONDS, .places = L, .max = 3600, .seeds = "5 s",
     .what = "accept only when the peer has sent something",
     .why = "off: a sender that connects early and waits must not be dropped"},
    {TCP(TCP_CONGESTION), .kind = LC_SOCKOPT_WORD, .places = L | C, .seeds = "bbr",
     .what = "the algorithm of congestion control",
     .why = "the system's: the administrator's choice for the whole machine; bbr needs a module"},
    {SO(SO_RCVBUF), .kind = LC_SOCKOPT_OCTETS, .places = L | C | U, .ours_at = U,
     .ours = 4 * 1024 * 1024, .min = 1024, .max = 1 << 30, .seeds = "64 KB, 256 KB, 1 MB",
     .what = "octets received that wait to be read",
     .why = "TCP: the kernel's, which grows by itself and would stop growing; UDP has no other "
            "protection against a burst. net.core.rmem_max caps it unless we have CAP_NET_ADMIN"},
    {SO(SO_SNDBUF), .kind = LC_SOCKOPT_OCTETS, .places = L | C | US, .min = 1024, .max = 1 << 30,
     .seeds = "64 KB, 256 KB, 1 MB", .what = "octets sent that wait for the peer",
     .why = "the kernel's, which grows by itself. net.core.wmem_max caps it"},
    {SO(SO_LINGER), .kind = LC_SOCKOPT_LINGER, .places = L | C, .max = 0, .seeds = "5 s",
     .what = "what close(2) does with what is not sent",
     .why = "off: the loop lingers by itself, while a time here would block a worker in close(2)"},
    {SO(SO_RCVTIMEO), .kind = LC_SOCKOPT_OTHER, .places = L | C, .refused = BY_LOOP,
     .seeds = "10 s, 30 s", .what = "how long a receive may block",
     .why = "not used: receiving never blocks; idle limits and deadlines are the loop's"},
    {SO(SO_SNDTIMEO), .kind = LC_SOCKOPT_OTHER, .places = L | C, .refused = BY_LOOP,
     .seeds = "10 s, 30 s", .what = "how long a send may block",
     .why = "not used: sending never blocks; TCP_USER_TIMEOUT finds a peer that takes nothing"},
    {IP(IP_TOS), .kind = LC_SOCKOPT_NUMBER, .places = L | C | U, .max = 255,
     .seeds = "0x10 (low delay)", .what = "the class of service in each packet, IPv6 too",
     .why = "the kernel's (0): what a class means is the network's own rule"},
    {SO(SO_PRIORITY), .kind = LC_SOCKOPT_NUMBER, .places = L | C | U, .max = 15, .seeds = "6",
     .what = "the queue of this host; over 6 it needs CAP_NET_ADMIN",
     .why = "the kernel's (0): as IP_TOS"},
    {SO(SO_BINDTODEVICE), .kind = LC_SOCKOPT_WORD, .places = L | C | U, .seeds = "eth0",
     .what = "only by this interface", .why = "none: an address chooses the interface"},
    {IPV6(IPV6_V6ONLY), .kind = LC_SOCKOPT_SWITCH, .places = L | U, .ours_at = L | U, .ours = 0,
     .max = 1, .seeds = "", .what = "an IPv6 address takes no IPv4",
     .why = "off: one address `:9999` serves both"},
    {SO(SO_BROADCAST), .kind = LC_SOCKOPT_SWITCH, .places = U, .max = 1, .seeds = "on",
     .what = "may send to a broadcast address",
     .why = "off: datagrams are never answered; receiving a broadcast needs nothing"},
    {IP(IP_MULTICAST_TTL), .kind = LC_SOCKOPT_NUMBER, .places = U, .max = 255, .seeds = "1",
     .what = "how many routers a multicast may cross",
     .why = "the kernel's (1): nothing is sent by our UDP sockets"},
    {IP(IP_MULTICAST_LOOP), .kind = LC_SOCKOPT_SWITCH, .places = U, .max = 1, .seeds = "off",
     .what = "a multicast comes back to this host",
     .why = "the kernel's (on): nothing is sent by our UDP sockets"},
    {IP(IP_ADD_MEMBERSHIP), .kind = LC_SOCKOPT_GROUPS, .places = U, .seeds = "a group",
     .what = "receive what is sent to IPv4 groups, as 239.1.2.3%eth0", .why = "none"},
    {IPV6(IPV6_ADD_MEMBERSHIP), .kind = LC_SOCKOPT_GROUPS, .places = U, .seeds = "",
     .what = "the same for IPv6 groups, as ff02::1234%eth0", .why = "none"},
    {IP(IP_DROP_MEMBERSHIP), .kind = LC_SOCKOPT_OTHER, .places = U, .seeds = "a group",
     .refused = "closing the socket leaves its groups", .what = "leave a group",
     .why = "closing does it"},
    {SO(SO_RXQ_OVFL), .kind = LC_SOCKOPT_SWITCH, .places = U, .ours_at = U, .ours = 1, .max = 1,
     .refused = "the count of dropped datagrams comes from it", .seeds = "",
     .what = "the kernel says how many datagrams it dropped",
     .why = "what is lost must be counted"},
    {SO(SO_PASSCRED), .kind = LC_SOCKOPT_SWITCH, .places = UD, .ours_at = UD, .ours = 1, .max = 1,
     .refused = "the source of a record comes from it", .seeds = "",
     .what = "who sent a datagram comes with it", .why = "it is the record's source"},
    {TCP(TCP_INFO), .kind = LC_SOCKOPT_OTHER, .places = L | C, .refused = READ_ONLY,
     .seeds = "read", .what = "state, times and counts of a connection",
     .why = "`logcaster sockets` shows it"},
};
