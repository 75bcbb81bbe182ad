# The words of the README. `make demo` and `make test` install what they lack.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib

.PHONY: build demo test lint docs install

build:
	cargo build --release --workspace

demo:
	scripts/demo

test:
	scripts/test

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
