#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What no file may hold: places of one machine, notes to self, functions that cannot be used
# safely, tests that sleep; and what each source must begin with.
set -u
cd "$(dirname "$0")/../.." || exit 1
wrong=0

# WHAT PATTERN PATHSPEC...: no line of these files may match, but what exceptions.txt excuses.
forbid() {
    what=$1
    pattern=$2
    shift 2
    found=$(git grep -nIE "$pattern" -- "$@" ':!scripts/lint/text.sh' |
        awk -F: -v what="$what" '
            FILENAME != "-" { if (split($0, w, " ") && w[1] == what) excused[w[2]] = 1; next }
            !($1 in excused)' scripts/lint/exceptions.txt -)
    [ -z "$found" ] && return
    echo "$found" | sed "s/\$/    <- $what/"
    wrong=1
}

forbid machine-path '(^|[^[:alnum:]_.])/(root|home|work)/' .
forbid note-to-self '\b(TODO|FIXME|XXX|HACK)\b' .
forbid unsafe-function '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|alloca|signal)\(' '*.c' '*.h'
forbid fence '\batomic_thread_fence\(' '*.c' '*.h'
forbid sleep-in-test '\b(sleep|usleep|nanosleep)\(' '*_test.c' 'src/base/test.c'

for file in $(git ls-files '*.c' '*.h' '*.sh' '*.ts' '*.awk'); do
    head -2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || {
        echo "$file: does not begin with its licence"
        wrong=1
    }
done
exit $wrong
