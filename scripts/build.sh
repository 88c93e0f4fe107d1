#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds into DIR, set up with the given options the first time; an existing DIR keeps its own.
#
#   scripts/build.sh DIR [MESON-OPTION...] [-- NINJA-TARGET...]
set -eu

dir=$1
shift
setup=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    setup="$setup $1"
    shift
done
[ $# -gt 0 ] && shift

[ -f "$dir/build.ninja" ] || {
    rm -rf "$dir"
    # shellcheck disable=SC2086 # options have no spaces
    meson setup "$dir" $setup
}
ninja -C "$dir" "$@"
