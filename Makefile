# Windlass: one non-recursive makefile. `make help` lists what it can do.
#
# Sources are found by folder, so adding a file needs no line here. Outputs go to build/ (SAN=1: build/san/).
# Archives follow the layers lib <- db <- {cgi, worker, cli}; the web programs are linked without libvault.a, libnet.a and
# libworker.a, so they hold neither unseal_open nor libssh2 (a test looks at their symbols).

SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif

PACKAGES := sqlite3 jansson libsodium libcurl libssh2 libcrypto yaml-0.1
# `make` must be able to say `make deps` on a bare machine, so pkg-config may fail quietly here; deps.sh is the one to complain.
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
VERSION := 0.1.0
# A plain `make` installs nothing; it says who does.
ifeq ($(filter-out all,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(PACKAGES) 2>/dev/null && echo yes),yes)
$(warning Some libraries are missing. Run `make deps` first: it installs them.)
endif
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wstrict-prototypes \
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wcast-qual -Wwrite-strings -Wundef -Wnull-dereference \
  -Wimplicit-fallthrough -Wswitch-enum -fno-common -Werror
ifneq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
WARN += -Wcomma
else
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wformat-signedness -Wjump-misses-init -Walloc-zero
HARDEN_CC := -ftrivial-auto-var-init=zero
# As shared libraries the two runtimes share symbols, and libubsan then writes to standard error, whatever log_path says.
SAN_LD := -static-libasan -static-libubsan
endif

ifeq ($(SAN),1)
B := build/san
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DWL_SANITIZE=1
# Instrumented code hides the ranges of numbers, so gcc guesses wrong about what snprintf may write.
WARN += -Wno-format-truncation
LDOPT := -fsanitize=address,undefined $(SAN_LD)
else
B := build
OPT := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE $(HARDEN_CC)
ifeq ($(shell uname -m),x86_64)
OPT += -fcf-protection=full
endif
LDOPT := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,nodlopen
endif

CPPFLAGS += -D_GNU_SOURCE -DWL_VERSION='"$(VERSION)"' -I. -Ibuild/gen -include lib/base/banned.h $(PKG_CFLAGS)
ALL_CFLAGS = -std=c17 $(OPT) $(WARN) $(CFLAGS)
ALL_LDFLAGS = $(LDOPT) -Wl,--as-needed $(LDFLAGS)

# --- sources by layer -----------------------------------------------------------------------------------------------
find_c = $(sort $(wildcard $(addsuffix /*.c,$(1))))
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

LIB_SRC    := $(filter-out lib/crypto/unseal.c,$(call find_c,lib/base lib/crypto lib/domain lib/yaml))
NET_SRC    := $(call find_c,lib/net)
DB_SRC     := $(call find_c,db) build/gen/statements.c
VAULT_SRC  := lib/crypto/unseal.c $(call find_c,db/vault)
CGI_SRC    := $(filter-out cgi/web_main.c,$(call find_c,cgi cgi/http cgi/pages))
STREAM_SRC := $(call find_c,cgi/stream)
WORKER_SRC := $(filter-out worker/main.c,$(call find_c,worker worker/ask worker/ssh worker/jobs worker/runner worker/mask))
CLI_SRC    := $(call find_c,cli cli/up cli/demo)
HELLO_SRC  := $(call find_c,examples/hello)

LIBS_ALL := $(B)/libcgi.a $(B)/libworker.a $(B)/libnet.a $(B)/libvault.a $(B)/libdb.a $(B)/liblib.a
PROGRAMS := $(B)/bin/windlass-web $(B)/bin/windlass-stream $(B)/bin/windlass-worker $(B)/bin/windlass
TEST_SRC := $(call find_c,tests/unit tests/db tests/web tests/browser/lib tests/integration/lib)
TEST_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))

.PHONY: all deps run demo test torture mutants lab lab-down check format clean help
all: $(PROGRAMS) $(B)/bin/hello ## build the programs

$(B)/liblib.a: $(call objects,$(LIB_SRC))
$(B)/libnet.a: $(call objects,$(NET_SRC))
$(B)/libdb.a: $(call objects,$(DB_SRC))
$(B)/libvault.a: $(call objects,$(VAULT_SRC))
$(B)/libcgi.a: $(call objects,$(CGI_SRC))
$(B)/libworker.a: $(call objects,$(WORKER_SRC))
$(B)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

L_DB := -lsqlite3 -ljansson -lsodium -lyaml
$(B)/bin/windlass-web: $(call objects,cgi/web_main.c) $(B)/libcgi.a $(B)/libdb.a $(B)/liblib.a
	$(LINK) -lfcgi $(L_DB)
$(B)/bin/windlass-stream: $(call objects,$(STREAM_SRC)) $(B)/libcgi.a $(B)/libdb.a $(B)/liblib.a
	$(LINK) -lfcgi $(L_DB)
$(B)/bin/windlass-worker: $(call objects,worker/main.c) $(B)/libworker.a $(B)/libnet.a $(B)/libvault.a $(B)/libdb.a $(B)/liblib.a
	$(LINK) -lssh2 -lcurl -lcrypto $(L_DB)
$(B)/bin/windlass: $(call objects,$(CLI_SRC)) $(B)/libnet.a $(B)/libvault.a $(B)/libdb.a $(B)/liblib.a
	$(LINK) -lcurl -lcrypto $(L_DB)
# The example app deployed by the demo and the tests: static, so that it runs on any target of this architecture.
$(B)/bin/hello: $(HELLO_SRC)
	@mkdir -p $(@D)
	$(QUIET_LINK)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -static -o $@ $^
$(B)/tests/%: $(B)/obj/tests/%.o $(LIBS_ALL)
	$(LINK) -lfcgi -lssh2 -lcurl -lcrypto $(L_DB)

# --- generic rules ----------------------------------------------------------------------------------------------------
V ?= 0
ifeq ($(V),0)
Q := @
QUIET_CC = @echo "  CC    $<"
QUIET_LINK = @echo "  LINK  $@"
else
QUIET_CC = @:
QUIET_LINK = @:
endif
define LINK
	@mkdir -p $(@D)
	$(QUIET_LINK)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group
endef

# Objects are made again when compiler or flags change.
shell_word = '$(subst ','\'',$(1))'
FLAGS_NOW = $(call shell_word,$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS))
$(B)/flags: force
	@mkdir -p $(@D)
	@printf '%s\n' $(FLAGS_NOW) | cmp -s - $@ || printf '%s\n' $(FLAGS_NOW) >$@
.PHONY: force
force:

$(B)/obj/%.o: %.c $(B)/flags | build/gen/statements.h
	@mkdir -p $(@D)
	$(QUIET_CC)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The scripts for targets are assembled into this object (worker/runner/target_scripts.c).
$(B)/obj/worker/runner/target_scripts.o: $(wildcard worker/runner/target/*.sh) recipes/lib.sh recipes/check/check.sh

SQL_FILES := $(sort $(wildcard db/queries/shared/*.sql db/queries/vault/*.sql db/migrations/shared/*.sql db/migrations/vault/*.sql))
build/gen/statements.h build/gen/statements.c &: tools/sql2c.awk $(SQL_FILES)
	@mkdir -p build/gen
	$(Q)awk -f tools/sql2c.awk -v header=build/gen/.h.$$$$ -v source=build/gen/.c.$$$$ $(SQL_FILES) \
	  && mv build/gen/.c.$$$$ build/gen/statements.c && mv build/gen/.h.$$$$ build/gen/statements.h

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# --- what people type -------------------------------------------------------------------------------------------------
deps: ## install what building and running needs (Debian packages, by name)
	@tools/deps.sh run

run: ## start Windlass on 127.0.0.1:8080 (PORT=, VAR=)
	@tools/deps.sh run
	@$(MAKE) --no-print-directory -s all
	@exec $(B)/bin/windlass up --var "$(or $(VAR),var)" --port "$(or $(PORT),8080)"

demo: ## the main job in one command, with a real server to deploy to (SMOKE=1: no person needed)
	@tools/deps.sh demo
	@$(MAKE) --no-print-directory -s all
	@exec tools/demo.sh $(B)/bin

tests-build: $(TEST_BIN) all
objects: $(call objects,$(LIB_SRC) $(NET_SRC) $(DB_SRC) $(VAULT_SRC) $(CGI_SRC) $(STREAM_SRC) $(WORKER_SRC) $(CLI_SRC) \
  $(TEST_SRC) cgi/web_main.c worker/main.c)
.PHONY: tests-build objects
test: ## run every test (SAN=1: under sanitizers); prints N passed, N failed
	@tests/run

torture: ## the same with all that is too long for every day: every kill of every recipe, all faults on both kinds of server, 20 deploys under load
	@WL_TEST_ALL=1 tests/run

lab: ## real servers and a registry to try things on, left running (as root); a second time it says how to connect
	@tools/deps.sh test
	@tests/lab/lab.sh up

lab-down: ## end the lab of `make lab`
	@tests/lab/lab.sh down

bench: ## how long the heaviest pages take beside small ones; one job on 200 servers beside parallel-ssh, which must cost four times as much
	@tools/deps.sh test
	@$(MAKE) --no-print-directory -s all
	@WL_NODE_MODULES=$(CURDIR)/build/node/node_modules tests/bench/secrets_page.mjs
	@WL_NODE_MODULES=$(CURDIR)/build/node/node_modules tests/bench/hosts.mjs

mutants: ## plant one fault at a time and see that the claim named for it turns red
	@tests/mutants/run

check: ## format, layers, shell scripts, routes, templates
	@tools/deps.sh test
	@tools/check.sh

format: ## clang-format all C
	@clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile
	@echo "  SAN=1 address, undefined and leak sanitizers (in build/san); CC=clang; V=1 shows the commands"
