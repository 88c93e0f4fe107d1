# SPDX-License-Identifier: Apache-2.0
#
# The front door. What is built, and how, stands in meson.build; this only calls it.

.DEFAULT_GOAL = help
DATA = ./data

.PHONY: run build check bench fmt lint fuzz install deb deb-check clean help

run: build
	@exec build/logcaster serve --data $(DATA) $(ARGS)

build:
	@scripts/deps.sh build
	@scripts/build.sh build -Dbuildtype=debugoptimized -Dtests=false -Dwerror=false

check:
	@scripts/check.sh asan

bench:
	@scripts/deps.sh build bench
	@bench/run.sh $(ARGS)

install:
	@scripts/deps.sh build package
	@scripts/install.sh

deb:
	@scripts/deps.sh build package
	@scripts/deb.sh

deb-check: deb
	@scripts/deps.sh package-test
	@packaging/deb_test.sh build-deb/logcaster_*.deb

fmt:
	@scripts/deps.sh lint
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

lint:
	@scripts/deps.sh build lint
	@scripts/lint.sh

fuzz:
	@scripts/deps.sh build fuzz
	@fuzz/run.sh $(ARGS)

clean:
	rm -rf build build-*

help:
	@echo 'make run      build, then serve with the data under $(DATA) (ARGS="--option ...": more options)'
	@echo 'make check    every test, under sanitizers'
	@echo 'make lint     format, clang-tidy, cppcheck, layers, sizes'
	@echo 'make install  into PREFIX=/usr/local below DESTDIR, with man pages, completions and units'
	@echo 'make deb      a Debian package, in build-deb/; deb-check: installs it beside and tries it'
	@echo 'make bench    throughput beside rsyslog (ARGS="--help")'
	@echo 'make fuzz     each fuzz target for a while (ARGS="seconds [target...]")'
	@echo 'make fmt      format all C'
	@echo 'make clean    remove what was built'
