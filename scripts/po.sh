#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Texts for people and their translations.
#
#   scripts/po.sh update    brings po/*.po up to what the source says; what is new is untranslated
#   scripts/po.sh check     fails when a text has no translation, or one whose places (%s) differ
#   scripts/po.sh missing   what has no translation
set -eu
cd "$(dirname "$0")/.."
dir=${LC_BUILD:-build-asan}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
# What stands in the code, and what the tables of commands and options say.
git ls-files 'src/*.[ch]' | grep -v '_test\.c$' |
    xargs xgettext --from-code=UTF-8 --language=C --omit-header --no-location \
        --keyword=lc_text --keyword=lc_diag_set:2 --keyword=lc_lexer_fail:3 --keyword=fail_here:2 --keyword=bad:3 --keyword=fail:2 \
        -o "$work/code.pot"
"$dir/packaging/generate" texts | msguniq --no-location >"$work/tables.pot"
msgcat --no-location "$work/tables.pot" "$work/code.pot" >"$work/logcaster.pot"

for po in po/*.po; do
    msgmerge --quiet --no-location --no-fuzzy-matching --no-wrap "$po" "$work/logcaster.pot" \
        >"$work/new.po"
    msgattrib --no-obsolete --no-wrap "$work/new.po" >"$work/merged.po"
    case $1 in
    update) cp "$work/merged.po" "$po" ;;
    check)
        msgfmt --check-format -o /dev/null "$work/merged.po"
        missing=$(msgattrib --untranslated --no-wrap "$work/merged.po" | grep -c '^msgid' || true)
        [ "$missing" -eq 0 ] || {
            msgattrib --untranslated --no-wrap "$work/merged.po" | grep '^msgid' | tail -n +2 | head
            echo "$po: $((missing - 1)) texts have no translation; scripts/po.sh update, then translate"
            exit 1
        }
        ;;
    missing) msgattrib --untranslated --no-wrap "$work/merged.po" ;;
    *) exit 2 ;;
    esac
done
