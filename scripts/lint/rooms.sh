#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Includes and links go along the arrows of rooms.txt only. Also a Meson test.
#
#   scripts/lint/rooms.sh [TREE]    TREE: where src/ is; default: this repository
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"

# shellcheck disable=SC2046 # no file of ours has a space in its name
awk -v rooms="$here/rooms.txt" '
function bad(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    wrong = 1
}

BEGIN {
    while ((getline line < rooms) > 0) {
        if (line ~ /^#/ || line !~ /:/)
            continue
        split(line, half, ":")
        room = half[1]
        known[room] = 1
        may[room, room] = 1
        n = split(half[2], below, " ")
        for (i = 1; i <= n; i++) {
            if (!(below[i] in known)) {
                printf "%s: %s stands before %s, on which it rests\n", rooms, room, below[i]
                wrong = 1
            }
            may[room, below[i]] = 1
        }
    }
}

FNR == 1 {
    split(FILENAME, part, "/")
    room = part[2]
    sub_room = part[4] != "" ? part[3] : ""
    if (!(room in known))
        bad("the room " room " is not in rooms.txt")
}

FILENAME ~ /\.[ch]$/ && /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    split(quoted[2], path, "/")
    if (!(path[1] in known))
        bad("include \"" quoted[2] "\": write it as \"room/name.h\"")
    else if (!((room, path[1]) in may))
        bad(room " may not include " path[1] ": \"" quoted[2] "\"")
    else if (path[1] == "service" && room == "service" && path[3] != "" && path[2] != sub_room &&
             sub_room != "")
        bad("a service may not include its sibling: \"" quoted[2] "\"")
}

# What a room links is named in its meson.build by the variables of the rooms.
FILENAME ~ /meson\.build$/ && /dependencies|link_with/ {
    text = $0
    gsub(/#.*|'\''[^'\'']*'\''/, "", text)
    n = split(text, word, /[^a-z_]+/)
    for (i = 1; i <= n; i++) {
        name = word[i]
        sub(/_lib$/, "", name)
        if ((name in known) && !((room, name) in may))
            bad(room " may not link " name)
    }
}

END { exit wrong }
' $(find src -name '*.[ch]' -o -name meson.build | LC_ALL=C sort)
