#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that a task needs and this machine lacks; when nothing is
# missing it only asks dpkg. docs/dependencies.md says what each is for.
#
#   scripts/deps.sh GROUP...        build test lint fuzz bench package package-test
set -eu

packages_of() {
    case $1 in
    build) echo gcc libc6-dev meson ninja-build pkgconf libzstd-dev liburing-dev \
        libutf8proc-dev libxxhash-dev libjansson-dev libfyaml-dev zlib1g-dev gettext libpcre2-dev \
        libsystemd-dev ;;
    test)
        echo libcmocka-dev unicode-data haproxy nginx rsyslog socat netcat-openbsd bsdutils \
            bsdextrautils iproute2 systemd-journal-remote
        # any node will do, also one that is not from Debian
        command -v node >/dev/null || echo nodejs
        command -v npm >/dev/null || echo npm
        ;;
    lint) echo clang-14 clang-format-14 clang-tidy-14 cppcheck pmccabe jq libcmocka-dev git ;;
    fuzz) echo clang-14 libclang-rt-14-dev ;;
    bench) echo rsyslog ;;
    package) echo debhelper dpkg-dev fakeroot lintian scdoc libcmocka-dev ;;
    package-test) echo bash-completion man-db systemd util-linux zsh ;;
    *)
        echo "deps.sh: no group '$1'" >&2
        exit 2
        ;;
    esac
}

# Package names, one a line, without those that are there.
missing_of() {
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps.sh: needs root or sudo to install: $missing" >&2
        exit 1
    fi
}

# rsyslog, nginx and HAProxy are started by our tests themselves, with their own configuration:
# installing them must not start a system service. This is Debian's own switch for that (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e $policy ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    trap 'as_root rm -f $policy' EXIT INT TERM
    as_root chmod 755 $policy
}

wanted=$(for group in "$@"; do packages_of "$group"; done)
# shellcheck disable=SC2086 # package names are words
missing=$(missing_of $wanted | tr '\n' ' ')
[ -z "$missing" ] && exit 0

command -v apt-get >/dev/null || {
    echo "deps.sh: no apt-get here; install what matches these Debian packages: $missing" >&2
    exit 1
}
echo "== installing $missing"
forbid_services
as_root apt-get -q update
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing
