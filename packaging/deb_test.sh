#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs, upgrades, removes and purges the package in a copy of this machine (an overlay in a mount
# namespace: nothing of it is left), and uses it in between. Needs root.
#
#   packaging/deb_test.sh FILE.deb
set -eu

failed=0 count=0
is() {
    what=$1
    shift
    count=$((count + 1))
    if "$@" >/tmp/said 2>&1; then
        echo "ok $count - $what"
    else
        echo "not ok $count - $what"
        sed 's/^/# /' /tmp/said
        failed=$((failed + 1))
    fi
}
isnt() {
    what=$1
    shift
    is "$what" sh -c '! "$@"' sh "$@"
}

# What the unit starts, as the user that it starts it as, on ports of its own; ends with the shell.
serve() {
    exec_start=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/logcaster.service)
    rm -f /tmp/ready
    # shellcheck disable=SC2086 # it is a command line
    setpriv --reuid logcaster --regid logcaster --clear-groups \
        $exec_start --logs 127.0.0.1:0 --query 127.0.0.1:0 >/tmp/ready 2>/tmp/log &
    server=$!
    tail -n +1 -f --pid=$server /tmp/ready | grep -q -m1 '^ *query ' || cat /tmp/log
}
stop() {
    kill -TERM $server
    wait $server
}

inside() {
    deb=$1
    newer=$2
    export DEBIAN_FRONTEND=noninteractive
    is 'the package installs' dpkg -i "$deb"
    is 'its user is there' getent passwd logcaster
    is 'its unit is right' systemd-analyze verify /lib/systemd/system/logcaster.service
    is 'its sockets are right' systemd-analyze verify /lib/systemd/system/logcaster.socket
    is 'the program runs' logcaster version
    for command in $(logcaster help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
        case $command in help | version) continue ;; esac
        is "there is a man page of $command" man -w "logcaster-$command"
    done
    is 'there is a man page of the configuration' man -w 5 logcaster.yaml
    is 'bash completes commands' bash -c '. /usr/share/bash-completion/completions/logcaster
        COMP_WORDS=(logcaster q) COMP_CWORD=1; _logcaster; [ "${COMPREPLY[*]}" = query ]'
    is 'bash completes options' bash -c '. /usr/share/bash-completion/completions/logcaster
        COMP_WORDS=(logcaster query --out) COMP_CWORD=2; _logcaster; [ "${COMPREPLY[*]}" = --output ]'
    is 'bash completes choices' bash -c '. /usr/share/bash-completion/completions/logcaster
        COMP_WORDS=(logcaster query --output r) COMP_CWORD=3; _logcaster; [ "${COMPREPLY[*]}" = raw ]'
    is 'zsh knows the command' zsh -fc 'autoload -Uz compinit && compinit -u && [ $_comps[logcaster] = _logcaster ]'
    is 'zsh can read the completion' zsh -n /usr/share/zsh/vendor-completions/_logcaster
    is 'its configuration is right' logcaster check-config /etc/logcaster/logcaster.yaml

    # systemd makes it (StateDirectory=)
    install -d -o logcaster -g logcaster /var/lib/logcaster
    serve
    is 'a line is stored' sh -c 'echo "packaged line" | logcaster send --server unix:/var/lib/logcaster/logs.sock'
    is 'the server stops in order' stop
    echo '# changed by the user' >>/etc/logcaster/logcaster.yaml
    is 'the next version installs' dpkg -i "$newer"
    is 'changes of the configuration are kept' grep -q 'changed by the user' /etc/logcaster/logcaster.yaml
    serve
    is 'the line is found' logcaster query --server unix:/var/lib/logcaster/query.sock packaged
    is 'it stops again' stop

    is 'the package is removed' dpkg -r logcaster
    isnt 'the program is gone' test -e /usr/bin/logcaster
    isnt 'its unit is gone' test -e /lib/systemd/system/logcaster.service
    is 'the data are kept' test -d /var/lib/logcaster/wal
    is 'and the configuration' test -e /etc/logcaster/logcaster.yaml
    is 'it is purged' dpkg -P logcaster
    isnt 'data' test -e /var/lib/logcaster
    isnt 'and configuration are gone' test -e /etc/logcaster
    echo "1..$count"
    echo "$((count - failed)) passed, $failed failed"
    [ $failed -eq 0 ]
}

# The same package under a version that comes after it.
make_newer() {
    dpkg-deb -R "$1" "$2/tree"
    sed -i 's/^Version: \(.*\)/Version: \1+next/' "$2/tree/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$2/tree" "$2/newer.deb" >/dev/null
}

case ${2:-} in
'')
    deb=$(readlink -f "$1")
    exec unshare --mount --pid --fork --kill-child sh "$(readlink -f "$0")" "$deb" namespace
    ;;
namespace)
    base=$(mktemp -d)
    mount -t tmpfs none "$base"
    mkdir "$base/upper" "$base/work" "$base/root"
    mount -t overlay none -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
    mount -t tmpfs none "$base/root/tmp"
    mount -t proc none "$base/root/proc"
    mount --bind /dev "$base/root/dev"
    cp "$1" "$base/root/tmp/this.deb"
    make_newer "$1" "$base/root/tmp"
    cp "$0" "$base/root/tmp/test.sh"
    chroot "$base/root" sh /tmp/test.sh inside inside
    ;;
inside) inside /tmp/this.deb /tmp/newer.deb ;;
esac
