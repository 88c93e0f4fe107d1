#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Debian package of what is in git (with what is changed and not committed) into
# build-deb/, and has lintian look at it.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
out=$PWD/build-deb
tree=$out/logcaster-$version
rm -rf "$out"
mkdir -p "$tree"
git ls-files -z | xargs -0 cp -a --parents -t "$tree"
cp -a packaging/debian "$tree/debian"

(
    cd "$tree"
    dpkg-buildpackage -us -uc -b
) >"$out/build.log" 2>&1 || {
    tail -n 40 "$out/build.log"
    echo "deb.sh: the build failed; all of it: $out/build.log" >&2
    exit 1
}
rm -rf "$tree"
lintian --fail-on error,warning --info --allow-root "$out"/*.changes
ls "$out"/*.deb
