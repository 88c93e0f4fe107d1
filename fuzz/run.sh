#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fuzzes each target for a while, from its corpus. What it finds is left in build-fuzz/found/; once
# mended, it belongs into fuzz/corpus/<target>/ under a name that says what it is.
#
#   fuzz/run.sh [SECONDS [TARGET...]]    default: 60 seconds for each of all targets
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- $(cd fuzz && for source in fuzz_*.c; do basename "${source#fuzz_}" .c; done)

CC=clang-14 scripts/build.sh build-fuzz -Dfuzz=true -Dtests=false -Dbuildtype=debugoptimized \
    -Db_sanitize=address,undefined -Db_lundef=false
mkdir -p build-fuzz/found

failed=
for target in "$@"; do
    echo "== $target, $seconds s"
    mkdir -p "build-fuzz/corpus/$target"
    build-fuzz/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -artifact_prefix="build-fuzz/found/$target-" \
        "build-fuzz/corpus/$target" "fuzz/corpus/$target" || failed="$failed $target"
done
[ -z "$failed" ] || {
    echo "fuzz: found something in:$failed"
    exit 1
}
