# The words of the README. `make demo`, `make demo-cluster`, `make test` and `make bench` install what they lack.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib

.PHONY: build demo demo-cluster test bench record-instructions lint docs install

build:
	cargo build --release --workspace

demo:
	scripts/demo

# Three nodes, one of which dies under load.
demo-cluster:
	scripts/demo-cluster

test:
	scripts/test

# Prints the tables, and writes them, and a picture, into the page that tells what Cloister costs.
bench:
	scripts/setup bench
	$(MAKE) build
	target/release/cloister-bench --tsv target/bench.tsv --page docs/performance.md --picture docs/performance.svg

# Instructions of the hot calls, which the tests compare with: after a change that is worth what it costs.
record-instructions: build
	scripts/setup test
	target/release/cloister-bench instructions --recorded crates/bench/instructions.tsv --record

lint:
	scripts/lint

# What is written from the module's own tables.
docs: build
	target/release/cloister compatibility > docs/compatibility.md
	target/release/cloister header pkcs11 > include/pkcs11.h
	target/release/cloister header cloister > include/cloister.h

install: build
	install -D -m 755 target/release/libcloister.so $(DESTDIR)$(LIBDIR)/pkcs11/libcloister.so
	install -D -m 755 target/release/cloister $(DESTDIR)$(PREFIX)/bin/cloister
	for header in $(wildcard include/*.h); do \
		install -D -m 644 $$header $(DESTDIR)$(PREFIX)/include/cloister/$$(basename $$header) || exit 1; \
	done
