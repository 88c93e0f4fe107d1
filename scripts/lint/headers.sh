#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every header compiles alone.
set -u
cd "$(dirname "$0")/../.." || exit 1
git ls-files 'src/*.h' 'fuzz/*.h' 'bench/*.h' | xargs -P "$(nproc)" -n 8 \
    clang-14 -fsyntax-only -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror \
    -Wno-pragma-once-outside-header -Wno-unused-function -Isrc -I. -x c
