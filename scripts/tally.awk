# SPDX-License-Identifier: Apache-2.0
#
# Reads Meson's testlog.txt. Prints the whole output of every test that failed, then one line:
# cases passed, failed, skipped. A case is one TAP line, or the whole program where it prints none;
# a program that dies between its TAP lines is one more failure.

function finish() {
    if (name == "")
        return
    if (result !~ /^exit status 0$/ && result !~ /^exit status 77$/ && not_ok == 0)
        not_ok = 1
    if (ok + not_ok + skip == 0) {
        if (result ~ /77$/)
            skip = 1
        else
            ok = 1
    }
    if (not_ok > 0)
        printf "\n---- %s: %s\n%s", name, result, output
    passed += ok
    failed += not_ok
    skipped += skip
}

/^=+ [0-9]+\/[0-9]+ =+$/ {
    finish()
    name = "?"
    output = ""
    ok = not_ok = skip = 0
    next
}
name == "" { next }
/^test: / { name = $2; for (i = 3; i <= NF; i++) name = name " " $i; next }
/^result: / { sub(/^result: +/, ""); result = $0; next }
/^ok .*# *[Ss][Kk][Ii][Pp]/ { skip++ }
/^ok / && !/# *[Ss][Kk][Ii][Pp]/ { ok++ }
/^not ok / { not_ok++ }
/^Ok: / { finish(); name = ""; next }
{ output = output $0 "\n" }
END {
    finish()
    printf "%d %d %d\n", passed, failed, skipped > tally
}
