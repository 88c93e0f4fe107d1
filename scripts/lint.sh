#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Everything that can be said of the code without running it. Warnings are errors; exceptions, with
# their reasons, are in scripts/lint/exceptions.txt.
#
#   scripts/lint.sh [STEP...]    all steps, or the named ones
set -u
cd "$(dirname "$0")/.." || exit 1
jobs=$(nproc)

format() {
    git ls-files '*.c' '*.h' | xargs clang-format-14 --dry-run -Werror
}

# Two compilers, since each warns of what the other does not; gcc with the optimiser on, which finds
# more. clang-tidy and cppcheck read the flags of clang's build.
compile() {
    CC=gcc scripts/build.sh build-lint-gcc -Dbuildtype=debugoptimized &&
        CC=clang-14 scripts/build.sh build-lint -Dbuildtype=debug
}

# A file that stands in N programs stands N times in the list of commands, and clang-tidy would read
# it N times for each of them.
list_once() {
    mkdir -p build-lint/once
    jq 'unique_by(.file)' build-lint/compile_commands.json >build-lint/once/compile_commands.json
}

tidy() {
    list_once || return 1
    run-clang-tidy-14 -quiet -j"$jobs" -p build-lint/once >build-lint/tidy.log 2>/dev/null
    code=$?
    sed -e 's/\x1b\[[0-9;]*m//g' -e '/^clang-tidy-14 /d' -e '/^$/d' build-lint/tidy.log
    return $code
}

cppcheck_all() {
    list_once || return 1
    cppcheck --quiet --project=build-lint/once/compile_commands.json --std=c11 -j"$jobs" \
        --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppressions-list=scripts/lint/cppcheck.txt --template=gcc
}

failed=
step() {
    [ -z "$chosen" ] || case " $chosen " in *" $1 "*) ;; *) return ;; esac
    echo "== $1"
    name=$1
    shift
    "$@" || failed="$failed $name"
}

chosen=$*
step format format
step rooms scripts/lint/rooms.sh
step text scripts/lint/text.sh
step sizes scripts/lint/sizes.sh
step headers scripts/lint/headers.sh
step compile compile
step tidy tidy
step po env LC_BUILD=build-lint scripts/po.sh check
step cppcheck cppcheck_all

if [ -n "$failed" ]; then
    echo "lint: failed:$failed"
    exit 1
fi
echo "lint: clean"
