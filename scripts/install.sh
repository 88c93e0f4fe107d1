#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the program, its man pages, completions and systemd units.
#
#   PREFIX=/usr/local DESTDIR= scripts/install.sh
set -eu
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr/local}
dir=build-install
# what another prefix has left would be installed under it
[ ! -f $dir/prefix ] || [ "$(cat $dir/prefix)" = "$prefix" ] || rm -rf $dir
scripts/build.sh $dir --prefix="$prefix" -Dbuildtype=debugoptimized -Dtests=false -Dwerror=false \
    -Dman=enabled
echo "$prefix" >$dir/prefix
DESTDIR=${DESTDIR:-} meson install -C $dir --no-rebuild --quiet
echo "installed under ${DESTDIR:-}$prefix; to run it as a service, see logcaster-serve(1)"
