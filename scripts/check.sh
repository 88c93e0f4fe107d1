#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds under sanitizers, runs the tests, sums up. The last line is `N passed, N failed`, where N
# counts test cases; the exit code is 0 only when none failed.
#
#   scripts/check.sh asan    everything, under ASan and UBSan, in build-asan/
#   scripts/check.sh tsan    what has threads, under TSan, in build-tsan/
set -u
cd "$(dirname "$0")/.." || exit 1

kind=${1:-asan}
dir=build-$kind
case $kind in
asan)
    sanitize=address,undefined
    suites=
    e2e='dist/*.test.js'
    export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}"
    ;;
tsan)
    sanitize=thread
    suites="--suite threads"
    # the server's threads at work, without the tests that are about commands, data or killing
    e2e='dist/01*.test.js dist/02*.test.js dist/03*.test.js dist/08*.test.js'
    export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"
    ;;
*)
    echo "check.sh: asan or tsan, not '$kind'" >&2
    exit 2
    ;;
esac

passed=0 failed=0 skipped=0
add() {
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + $3))
}

fail() {
    echo "== $1"
    add 0 1 0
    finish
}

finish() {
    [ $skipped -eq 0 ] || echo "($skipped skipped)"
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
    exit
}

unit_tests() {
    echo "== unit tests ($kind)"
    log=$dir/meson-logs/testlog.txt
    tally=$dir/meson-logs/tally
    rm -f "$log" "$tally"
    # shellcheck disable=SC2086
    meson test -C "$dir" --no-rebuild $suites 2>&1 | grep -E '^ *[0-9]+/[0-9]+ '
    [ -f "$log" ] || fail "meson ran no test"
    awk -v tally="$tally" -f scripts/tally.awk "$log"
    read -r ok not_ok skip <"$tally" || fail "no tally"
    # Meson sees more than a TAP line can tell: plans that do not add up, time limits
    meson_failed=$(awk '/^(Fail|Unexpected Pass|Timeout): / { n += $NF } END { print n + 0 }' "$log")
    [ "$not_ok" -eq 0 ] && not_ok=$meson_failed
    add "$ok" "$not_ok" "$skip"
}

e2e_most_s=900 # over it something hangs

# tests/e2e: TypeScript, compiled by its own `npm run build` into dist/, run by node's test runner
# against the binary that LOGCASTER names.
run_e2e() (
    cd tests/e2e || exit 1
    [ node_modules/.package-lock.json -nt package-lock.json ] ||
        npm ci --silent --no-audit --no-fund || exit 1
    npm run --silent build || exit 1
    # shellcheck disable=SC2086 # patterns
    LOGCASTER=$binary timeout --kill-after=10 $e2e_most_s node --test \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$tap" $e2e
)

e2e_tests() {
    [ -f tests/e2e/package.json ] || return 0
    echo "== end-to-end tests ($kind)"
    binary=$PWD/$dir/logcaster
    [ -x "$binary" ] || fail "there is no $binary"
    tap=$PWD/$dir/e2e.tap
    rm -f "$tap"
    {
        run_e2e
        echo $? >"$dir/e2e.code"
    } | cut -b 1-800 # a failure shows what came, which may be megabytes
    read -r code <"$dir/e2e.code"
    [ -f "$tap" ] || fail "the end-to-end tests did not run"
    # shellcheck disable=SC2046
    set -- $(awk '/^# (pass|fail|cancelled|skipped|todo) [0-9]+$/ { n[$2] = $3 }
        END { print n["pass"] + 0, n["fail"] + n["cancelled"], n["skipped"] + n["todo"] }' "$tap")
    [ "$2" -eq 0 ] && [ "$code" -ne 0 ] && set -- "$1" 1 "$3"
    add "$@"
}

scripts/deps.sh build test || fail "could not install what the tests need"
[ $kind = tsan ] || scripts/syslog-ng.sh build-syslog-ng || echo "== no syslog-ng: its tests are skipped"
echo "== building into $dir"
scripts/build.sh "$dir" -Dbuildtype=debug -Db_sanitize=$sanitize || fail "the build failed"
unit_tests
e2e_tests
finish
