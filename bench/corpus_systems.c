/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_systems.c - what operating systems, clusters and networks say.
 */
#include "bench/corpus_kinds.h"

#define DEBUG  LC_LEVEL_DEBUG
#define INFO   LC_LEVEL_INFO
#define NOTICE LC_LEVEL_NOTICE
#define WARN   LC_LEVEL_WARN
#define ERROR  LC_LEVEL_ERROR
#define CRIT   LC_LEVEL_CRIT
#define ALERT  LC_LEVEL_ALERT
#define EMERG  LC_LEVEL_EMERG

static const struct corpus_template sshd[] = {
    {INFO, 20, "Failed password for invalid user %{guessed} from %{ip} port %{port} ssh2"},
    {INFO, 14, "Failed password for root from %{ip} port %{port} ssh2"},
    {INFO, 14, "Invalid user %{guessed} from %{ip} port %{port}"},
    {INFO, 8,
     "Accepted publickey for %{user} from %{lan} port %{port} ssh2: ED25519 SHA256:%{hex:43}"},
    {INFO, 8, "Connection closed by authenticating user %{guessed} %{ip} port %{port} [preauth]"},
    {INFO, 6, "Received disconnect from %{ip} port %{port}:11: Bye Bye [preauth]"},
    {INFO, 5,
     "pam_unix(sshd:session): session opened for user %{user}(uid=%{int:1000-1040}) by (uid=0)"},
    {INFO, 5, "pam_unix(sshd:session): session closed for user %{user}"},
    {ERROR, 2,
     "error: maximum authentication attempts exceeded for %{guessed} from %{ip} port %{port} ssh2 "
     "[preauth]"},
    {CRIT, 1, "fatal: Timeout before authentication for %{ip} port %{port}"},
};

static const struct corpus_template kernel[] = {
    {WARN, 8,
     "[%{seq}.%{digits:6}] TCP: request_sock_TCP: Possible SYN flooding on port "
     "%{any:80|443|8080}. Sending cookies."},
    {INFO, 8, "[%{seq}.%{digits:6}] %{interface}: renamed from veth%{hex:7}"},
    {INFO, 8, "[%{seq}.%{digits:6}] device veth%{hex:7} entered promiscuous mode"},
    {INFO, 6,
     "[%{seq}.%{digits:6}] docker0: port %{int:1-30}(veth%{hex:7}) entered "
     "%{any:blocking|forwarding|disabled} state"},
    {ERROR, 3,
     "[%{seq}.%{digits:6}] Out of memory: Killed process %{int:1000-99999} (%{process}) "
     "total-vm:%{int:900000-9000000}kB, anon-rss:%{int:90000-900000}kB, file-rss:0kB, "
     "shmem-rss:0kB, UID:%{int:0-1040} pgtables:%{int:900-9000}kB oom_score_adj:%{int:0-1000}"},
    {WARN, 4,
     "[%{seq}.%{digits:6}] %{process}[%{int:1000-99999}]: segfault at %{hex:12} ip 00007f%{hex:10} "
     "sp 00007f%{hex:10} error %{int:4-7} in libc.so.6[7f%{hex:10}+195000]"},
    {ERROR, 1,
     "[%{seq}.%{digits:6}] blk_update_request: I/O error, dev sd%{any:a|b|c}, sector %{seq} op "
     "0x0:(READ) flags 0x80700 phys_seg %{int:1-16} prio class 0"},
    {EMERG, 1,
     "[%{seq}.%{digits:6}] watchdog: BUG: soft lockup - CPU#%{int:0-31} stuck for %{int:22-60}s! "
     "[%{process}:%{int:1000-99999}]"},
};

static const struct corpus_template systemd[] = {
    {INFO, 12, "Started %{unit}."},
    {INFO, 12, "Starting %{unit}..."},
    {INFO, 12, "%{unit}: Deactivated successfully."},
    {INFO, 8, "Finished %{unit}."},
    {INFO, 6, "%{unit}: Consumed %{int:0-90}.%{digits:3}s CPU time."},
    {WARN, 2, "%{unit}: Main process exited, code=exited, status=%{int:1-255}/%{any:FAILURE|n/a}"},
    {WARN, 2, "%{unit}: Failed with result '%{any:exit-code|signal|timeout|oom-kill}'."},
    {ERROR, 1, "Failed to start %{unit}."},
};

static const struct corpus_template cron[] = {
    {INFO, 6, "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)"},
    {INFO, 5,
     "(%{user}) CMD (/usr/local/bin/sync-%{service} --since %{int:5-60}m >/dev/null 2>&1)"},
    {INFO, 5,
     "pam_unix(cron:session): session opened for user %{user}(uid=%{int:0-1040}) by (uid=0)"},
    {INFO, 5, "pam_unix(cron:session): session closed for user %{user}"},
};

static const struct corpus_template sudo[] = {
    {NOTICE, 8,
     "%{user} : TTY=pts/%{int:0-9} ; PWD=/srv/%{service} ; USER=root ; COMMAND=/usr/bin/systemctl "
     "restart %{unit}"},
    {ALERT, 1,
     "%{user} : user NOT in sudoers ; TTY=pts/%{int:0-9} ; PWD=/srv/%{service} ; USER=root ; "
     "COMMAND=/usr/bin/cat /etc/shadow"},
};

static const struct corpus_template audit[] = {
    {INFO, 5,
     "type=SYSCALL msg=audit(%{unix}.%{digits:3}:%{seq}): arch=c000003e syscall=%{int:0-330} "
     "success=%{any:yes|yes|yes|no} exit=%{int:0-9} a0=%{hex:12} a1=%{hex:6} a2=0 a3=0 "
     "items=%{int:0-2} ppid=%{int:1-32000} pid=%{int:1-32000} auid=%{int:1000-1040} uid=0 gid=0 "
     "comm=\"%{process}\" exe=\"/usr/bin/%{process}\" key=\"access\""},
    {INFO, 3,
     "type=USER_AUTH msg=audit(%{unix}.%{digits:3}:%{seq}): pid=%{int:1-32000} uid=0 "
     "auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct=\"%{user}\" "
     "exe=\"/usr/sbin/sshd\" hostname=%{ip} addr=%{ip} terminal=ssh res=%{any:success|failed}'"},
};

static const struct corpus_template kubelet[] = {
    {INFO, 8,
     "I1120 %{digits:6}.%{digits:6}    1234 kubelet.go:2462] \"SyncLoop (PLEG): event for pod\" "
     "pod=\"%{namespace}/%{pod}-%{hex:5}\" event={ID:%{uuid} Type:ContainerStarted "
     "Data:%{hex:64}}"},
    {INFO, 8,
     "I1120 %{digits:6}.%{digits:6}    1234 prober.go:107] \"Probe failed\" "
     "probeType=\"Readiness\" pod=\"%{namespace}/%{pod}-%{hex:5}\" containerName=\"%{service}\" "
     "probeResult=\"failure\" output=\"HTTP probe failed with statuscode: %{any:500|503}\""},
    {ERROR, 4,
     "E1120 %{digits:6}.%{digits:6}    1234 pod_workers.go:1298] \"Error syncing pod, skipping\" "
     "err=\"failed to \\\"StartContainer\\\" for \\\"%{service}\\\" with CrashLoopBackOff: "
     "\\\"back-off %{any:10s|20s|40s|1m20s|2m40s|5m0s} restarting failed container\\\"\" "
     "pod=\"%{namespace}/%{pod}-%{hex:5}\" podUID=\"%{uuid}\""},
    {WARN, 2,
     "W1120 %{digits:6}.%{digits:6}    1234 eviction_manager.go:350] \"Attempting to reclaim\" "
     "resourceName=\"%{any:memory|ephemeral-storage}\""},
};

static const struct corpus_template dockerd[] = {
    {INFO, 5,
     "time=\"%{iso}\" level=info msg=\"ignoring event\" container=%{hex:64} module=libcontainerd "
     "namespace=moby topic=/tasks/delete type=\"*events.TaskDelete\""},
    {WARN, 2,
     "time=\"%{iso}\" level=warning msg=\"Health check for container %{hex:64} error: context "
     "deadline exceeded\""},
    {ERROR, 1,
     "time=\"%{iso}\" level=error msg=\"Handler for POST /v1.43/containers/%{hex:12}/start "
     "returned error: driver failed programming external connectivity on endpoint %{service} "
     "(%{hex:64}): Bind for 0.0.0.0:%{int:1024-9999} failed: port is already allocated\""},
};

static const struct corpus_template firewall[] = {
    {WARN, 20,
     "[UFW BLOCK] IN=%{interface} OUT= "
     "MAC=%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:08:00 SRC=%{ip} DST=%{lan} "
     "LEN=%{int:40-60} TOS=0x00 PREC=0x00 TTL=%{int:32-250} ID=%{int:0-65535} PROTO=TCP "
     "SPT=%{port} DPT=%{any:22|23|445|3389|5900|8080|1433|6379} WINDOW=%{int:1024-65535} RES=0x00 "
     "SYN URGP=0"},
    {INFO, 5,
     "[UFW ALLOW] IN=%{interface} OUT= SRC=%{lan} DST=%{lan} LEN=%{int:60-1500} TOS=0x00 PREC=0x00 "
     "TTL=64 ID=%{int:0-65535} DF PROTO=UDP SPT=%{port} DPT=53 LEN=%{int:40-90}"},
};

static const struct corpus_template named[] = {
    {INFO, 10,
     "client @0x%{hex:12} %{lan}#%{port} (%{domain}): query: %{domain} IN %{any:A|AAAA|A|PTR|MX} + "
     "(%{lan})"},
    {INFO, 2, "lame server resolving '%{domain}' (in '%{domain}'?): %{ip}#53"},
    {NOTICE, 1,
     "client @0x%{hex:12} %{ip}#%{port} (%{domain}): query (cache) '%{domain}/A/IN' denied"},
};

static const struct corpus_template dhcpd[] = {
    {INFO, 4,
     "DHCPDISCOVER from %{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2} via %{interface}"},
    {INFO, 4,
     "DHCPACK on %{lan} to %{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2} "
     "(%{any:laptop|phone|printer|tv}-%{hex:4}) via %{interface}"},
    {WARN, 1,
     "DHCPREQUEST for %{lan} from %{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2}:%{hex:2} via "
     "%{interface}: lease %{lan} unavailable."},
};

static const struct corpus_template openvpn[] = {
    {NOTICE, 5, "%{user}/%{ip}:%{port} Data Channel: using negotiated cipher 'AES-256-GCM'"},
    {NOTICE, 5,
     "%{user}/%{ip}:%{port} SENT CONTROL [%{user}]: 'PUSH_REPLY,route 10.8.0.0 "
     "255.255.255.0,ifconfig %{lan} 255.255.255.0' (status=1)"},
    {ERROR, 1,
     "%{ip}:%{port} TLS Error: TLS key negotiation failed to occur within 60 seconds (check your "
     "network connectivity)"},
};

static const struct corpus_template chronyd[] = {
    {INFO, 3, "Selected source %{ip} (%{domain})"},
    {WARN, 1, "System clock wrong by %{int:0-3}.%{digits:6} seconds"},
};

static const struct corpus_template smartd[] = {
    {INFO, 4,
     "Device: /dev/sd%{any:a|b|c|d} [SAT], SMART Usage Attribute: 194 Temperature_Celsius changed "
     "from %{int:60-75} to %{int:60-75}"},
    {CRIT, 1,
     "Device: /dev/sd%{any:a|b|c|d} [SAT], %{int:1-40} Currently unreadable (pending) sectors"},
};

static const struct corpus_template prometheus[] = {
    {INFO, 5,
     "ts=%{iso} caller=compact.go:519 level=info component=tsdb msg=\"write block\" "
     "mint=%{unix}000 "
     "maxt=%{unix}000 ulid=01%{hex:24} duration=%{int:1-20}.%{digits:9}s"},
    {WARN, 2,
     "ts=%{iso} caller=scrape.go:1372 level=warn component=\"scrape manager\" "
     "scrape_pool=%{service} target=http://%{lan}:9100/metrics msg=\"Append failed\" err=\"out of "
     "order sample\""},
};

static const struct corpus_kind kinds[] = {
    CORPUS_KIND("sshd", 10, "web", 12, 70, sshd),
    CORPUS_KIND("kernel", 0, "node", 8, 35, kernel),
    CORPUS_KIND("systemd", 3, "node", 8, 50, systemd),
    CORPUS_KIND("CRON", 9, "job", 6, 25, cron),
    CORPUS_KIND("sudo", 10, "job", 6, 6, sudo),
    CORPUS_KIND("audit", 13, "node", 8, 20, audit),
    CORPUS_KIND("kubelet", 3, "node", 8, 45, kubelet),
    CORPUS_KIND("dockerd", 3, "node", 8, 15, dockerd),
    CORPUS_KIND("firewall", 0, "fw", 2, 45, firewall),
    CORPUS_KIND("named", 3, "dns", 2, 30, named),
    CORPUS_KIND("dhcpd", 3, "dns", 2, 12, dhcpd),
    CORPUS_KIND("openvpn", 3, "fw", 2, 8, openvpn),
    CORPUS_KIND("chronyd", 3, "node", 8, 4, chronyd),
    CORPUS_KIND("smartd", 3, "node", 8, 2, smartd),
    CORPUS_KIND("prometheus", 16, "mon", 2, 10, prometheus),
};

const struct corpus_kinds corpus_kinds_systems = {kinds, LC_ARRAY_LEN(kinds)};
