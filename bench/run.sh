#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Measures taking in logs over TCP: logcaster beside rsyslog, the same lines, in turns. Seconds count
# until all is done, not only sent: every line acknowledged or committed (logcaster, which syncs),
# or in the file (rsyslog, which does not). docs/benchmarks.md says how to read the figures.
#
#   bench/run.sh [-n LINES] [-r ROUNDS] [-c CONNECTIONS] [-d DIR] [CONTESTANT...]
#
#   -n  lines of the corpus (1000000)      -c  TCP connections, the lines shared among them (4)
#   -r  rounds of each contestant (3)      -d  where corpus and data are kept (build/bench-data)
#
#   contestants: rsyslog/rfc5424 logcaster/rfc5424 logcaster/rfc3164 logcaster/v2
set -eu
cd "$(dirname "$0")/.."

lines=1000000 rounds=3 connections=4 dir=build/bench-data
logs_port=19514 query_port=19515
usage() {
    sed -n '/^#   bench/,/^#   contestants/s/^# \{0,1\}//p' "$0"
    exit "$1"
}
[ "${1:-}" != --help ] || usage 0
while getopts n:r:c:d:h option; do
    case $option in
    n) lines=$OPTARG ;;
    r) rounds=$OPTARG ;;
    c) connections=$OPTARG ;;
    d) dir=$OPTARG ;;
    h) usage 0 ;;
    *) usage 2 >&2 ;;
    esac
done
shift $((OPTIND - 1))
base=rsyslog/rfc5424
[ $# -gt 0 ] || set -- $base logcaster/rfc5424 logcaster/v2

scripts/build.sh build -Dbuildtype=debugoptimized -Dtests=false -Dwerror=false -- all bench/corpus bench/load
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
results=$dir/results
rm -rf "$dir/run" "$results"

server=
stop_server() {
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" || echo "bench: the server ended with $?" >&2
    server=
}

# Seconds of CPU that this shell's children had, those that have ended: how much of it a server had
# from start to stop is known when it has been waited for. Not in a subshell: that has none.
children_cpu() {
    times >"$dir/times"
    tail -1 "$dir/times" | tr ms '  ' | awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }'
}

trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$dir/run"' EXIT
trap 'exit 1' INT TERM

start_rsyslog() {
    sed -e "s|@DIR@|$dir/run|" -e "s|@PORT@|$logs_port|" bench/rsyslog.conf.in >"$dir/run/rsyslog.conf"
    rsyslogd -n -f "$dir/run/rsyslog.conf" -i "$dir/run/rsyslog.pid" 2>"$dir/server.log" &
    server=$!
}

start_logcaster() {
    build/logcaster serve --data "$dir/run/data" --logs "tcp://127.0.0.1:$logs_port" \
        --query "127.0.0.1:$query_port" --log-level WARN \
        --logs-connections-rate none --query-connections-rate none 2>"$dir/server.log" >&2 &
    server=$!
}

# SERVER FORMAT: prints the figures of one round
measure() {
    mkdir -p "$dir/run"
    start_"$1"
    case $1/$2 in
    rsyslog/*) until="file --watched $dir/run/out.log" ;;
    logcaster/v2) until=answered ;;
    logcaster/*) until="stats --watched 127.0.0.1:$query_port" ;;
    esac
    # shellcheck disable=SC2086 # until is words
    figures=$(build/bench/load --server "127.0.0.1:$logs_port" --file "$dir/corpus.$2" \
        --connections "$connections" --pid "$server" --until $until) || {
        cat "$dir/server.log" >&2
        exit 1
    }
    children_cpu >"$dir/cpu.before"
    stop_server
    children_cpu >"$dir/cpu.after"
    life=$(paste "$dir/cpu.before" "$dir/cpu.after" | awk '{ printf "%.2f", $2 - $1 }')
    echo "$1/$2 $figures life_s=$life disk=$(du -sb "$dir/run" | cut -f1)"
    rm -rf "$dir/run"
}

for contestant in "$@"; do
    format=${contestant#*/}
    build/bench/corpus --lines "$lines" --format "$format" --output "$dir/corpus.$format"
done

echo
echo "machine     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) CPUs," \
    "$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), $(uname -sr)"
echo "disk        $(df --output=fstype "$dir" | tail -1), of $(df -h --output=size "$dir" | tail -1 | tr -d ' ')"
echo "TCP         loopback, $connections connections, $(cat /proc/sys/net/ipv4/tcp_congestion_control)"
echo "peer        $(rsyslogd -v | head -1 | cut -d' ' -f1-3)"
echo "corpus      $lines lines, $(du -m "$dir/corpus.${1#*/}" | cut -f1) MB as ${1#*/}; seed 1"
echo

round=1
while [ $round -le "$rounds" ]; do
    for contestant in "$@"; do
        echo "round $round: $contestant" >&2
        measure "${contestant%/*}" "${contestant#*/}" >>"$results"
    done
    round=$((round + 1))
done
echo
awk -v base=$base -f bench/results.awk "$results"
