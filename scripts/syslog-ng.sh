#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Debian's syslog-ng, of which nothing is installed: it cannot be beside rsyslog. Its packages, and
# those that it needs and this machine lacks, are downloaded and unpacked into DIRECTORY; run again,
# it downloads nothing. DIRECTORY/syslog-ng then runs it, with the options of syslog-ng(8).
#
#   scripts/syslog-ng.sh DIRECTORY
set -eu

dir=$1
[ -x "$dir/syslog-ng" ] && exit 0
command -v apt-get >/dev/null || {
    echo "syslog-ng.sh: no apt-get here" >&2
    exit 1
}
mkdir -p "$dir"
cd "$dir"

# What an installation would add, though it would remove rsyslog.
packages_of() {
    apt-get -s --no-install-recommends install "$1" | awk '/^Inst / { print $2 }'
}

download() {
    # shellcheck disable=SC2046 # package names are words
    apt-get -q -o APT::Sandbox::User=root download syslog-ng-core $(packages_of syslog-ng-core | grep -vx syslog-ng-core)
}

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
echo "== unpacking syslog-ng into $PWD"
download || { $as_root apt-get -q update && download; }
for package in *.deb; do
    dpkg-deb -x "$package" root
    rm "$package"
done

cat >starter <<'END'
#!/bin/sh
root=$(dirname "$0")/root
LD_LIBRARY_PATH=$(echo "$root"/usr/lib/syslog-ng "$root"/usr/lib/*-linux-gnu* "$root"/lib/*-linux-gnu* | tr ' ' :)
export LD_LIBRARY_PATH
exec "$root/usr/sbin/syslog-ng" --module-path "$(echo "$root"/usr/lib/syslog-ng/[0-9]*)" "$@"
END
chmod 755 starter
./starter --version >/dev/null
mv starter syslog-ng # the last step: without it, all is done again
