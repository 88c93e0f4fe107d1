#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A function has at most 60 lines and a cyclomatic complexity of 15 (a switch counts as one); a
# file over 600 lines is worth a warning. What may be larger stands in exceptions.txt.
set -eu
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2046 # no file of ours has a space in its name
set -- $(git ls-files 'src/*.c' 'fuzz/*.c' 'bench/*.c')

pmccabe "$@" | awk '
FILENAME != "-" {
    if ($1 == "function")
        excused[$2] = 1
    next
}
{
    split($6, place, "(")
    name = place[1] ":" $7
    if ($1 <= 15 && $5 <= 60)
        next
    if (name in excused) {
        used[name] = 1
        next
    }
    printf "%s: %d lines, complexity %d (60 and 15 are the most)\n", name, $5, $1
    wrong = 1
}
END {
    for (name in excused)
        if (!(name in used)) {
            printf "exceptions.txt: %s needs no exception any more\n", name
            wrong = 1
        }
    exit wrong
}' scripts/lint/exceptions.txt -

for file in "$@"; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || echo "warning: $file has $lines lines: worth splitting"
done
