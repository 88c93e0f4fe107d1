#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# rooms.sh lets this repository pass, and sees each kind of wrong arrow in a small tree.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

n=0
say() {
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# FILE TEXT: rooms.sh must complain about this, and about nothing once it is gone.
refuses() {
    mkdir -p "$tree/$(dirname "$1")"
    echo "$2" >"$tree/$1"
    "$here/rooms.sh" "$tree" >/dev/null
    say $(($? == 0)) "refuses in $1: $2"
    rm "$tree/$1"
}

echo 1..8
"$here/rooms.sh"
say $? "this repository"
mkdir -p "$tree/src/base" "$tree/src/net"
echo '#include "base/err.h"' >"$tree/src/net/a.c"
echo "net_lib = static_library('lc_net', dependencies: [base, threads])" >"$tree/src/net/meson.build"
"$here/rooms.sh" "$tree"
say $? "a small tree with right arrows"
refuses src/base/b.c '#include "net/loop.h"'
refuses src/net/c.c '#include "proto/text.h"'
refuses src/net/d.h '#include "loop.h"'
refuses src/attic/e.c '#include "base/err.h"'
refuses src/base/meson.build "x = static_library('x', dependencies: [threads, net])"
refuses src/service/chat/f.c '#include "service/web/page.h"'
