# `make help` says what there is.  config.mk (written by ./configure from
# config.mk.in) holds what differs between systems; it is made when missing.

BUILD ?= build
FUZZ_SECONDS ?= 30
SMIME_CORPORA ?= $(abspath ../shared/corpora)
SANITIZE ?=

# These goals start before config.mk can be made, or do not need it: they
# install packages, clean up, or call make again.
NO_CONFIG = help deps demo check clean distclean format dist sanitize thread \
	faults fuzz coverage
ifneq ($(filter-out $(NO_CONFIG),$(or $(MAKECMDGOALS),all)),)
include config.mk
endif
ifdef PREFIX
prefix = $(PREFIX)
endif
ifdef SYSCONFDIR
sysconfdir = $(SYSCONFDIR)
endif
ifdef CI
WERROR = -Werror
endif

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla $(WERROR)
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD = -pie -Wl,-z,relro,-z,now,-z,noexecstack
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(HAVE) -DSMIME_MILTER_VERSION='"$(VERSION)"' \
	$(WARN) $(if $(SANITIZE),-fPIE,$(HARDEN)) $(CPPFLAGS) $(CFLAGS) \
	$(SANITIZE) -Ilib -MMD -MP
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) $(if $(SANITIZE),-pie,$(HARDEN_LD))

LIB_DIRS ?= $(filter-out LAYERS README,$(notdir $(wildcard lib/*)))
LIB_SRC = $(sort $(foreach d,$(LIB_DIRS),$(wildcard lib/$d/*.c)))
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o)
LIB = $(BUILD)/libsmime-milter.a
MILTER_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/*.c))
CTL_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/ctl/*.c))

UNIT_SRC = $(sort $(foreach d,$(LIB_DIRS),$(wildcard test/unit/$d/*_test.c)))
UNIT_BIN = $(UNIT_SRC:%.c=$(BUILD)/%)
UNIT_LIB = $(BUILD)/test/unit/libunit.a
# FOLDER_fixture.c is built with its folder, what else stands there always.
UNIT_LIB_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(patsubst \
	%,test/unit/%_fixture.c,$(filter-out $(LIB_DIRS),$(notdir \
	$(wildcard lib/*)))),$(wildcard test/unit/*.c)))
# A tool is test/tool/NAME.c, the files in test/tool/NAME/, or both.
TOOLS = $(sort $(basename $(notdir $(wildcard test/tool/*.c))) \
	$(notdir $(patsubst %/,%,$(dir $(wildcard test/tool/*/*.c)))))
TOOL_BIN = $(TOOLS:%=$(BUILD)/test/tool/%)
tool_src = $(wildcard test/tool/$1.c test/tool/$1/*.c)
FUZZ_BIN = $(patsubst %.c,$(BUILD)/%,$(wildcard test/fuzz/*_fuzz.c))
# What they found, read again by `make check`; they need the whole library.
IS_WHOLE = $(if $(filter-out $(LIB_DIRS),$(filter-out LAYERS README,$(notdir \
	$(wildcard lib/*)))),,yes)
REPLAY_BIN = $(if $(IS_WHOLE),$(FUZZ_BIN:%_fuzz=%_replay))
BENCH_BIN = $(patsubst %.c,$(BUILD)/%,$(wildcard test/bench/*_bench.c))
PROGRAMS = $(BUILD)/smime-milter $(BUILD)/smimectl

# What the test programs find in their environment.
SMIME_PKI = $(abspath $(BUILD))/pki
export BUILD SMIME_CORPORA SMIME_PKI FUZZ_SECONDS
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
BUILD_FIRST = $(MAKE) --no-print-directory -j$(JOBS)
# V=1 shows the commands in full.
Q = $(if $(V),,@)
say = @$(if $(V),:,echo '  $1 $2')
# One part of `make check`: runs it, keeps its log and its counts.
PART = test/tool/part.sh

all: $(PROGRAMS)
lib: $(LIB)
tools: $(TOOL_BIN)

$(LIB): $(LIB_OBJ)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/smime-milter: $(MILTER_OBJ) $(LIB)
	$(call say,ld,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(LIB_LIBS)

$(BUILD)/smimectl: $(CTL_OBJ) $(LIB)
	$(call say,ld,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS) $(LIB_LIBS)

$(BUILD)/lib/mime/%.o: CPPFLAGS += $(GMIME_CFLAGS)
$(BUILD)/test/unit/%.o: CPPFLAGS += -Itest/unit
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# An archive: a test takes from it what it needs and no more.
$(UNIT_LIB): $(UNIT_LIB_OBJ)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/test/unit/%_test: $(BUILD)/test/unit/%_test.o $(UNIT_LIB) $(LIB)
	$(call say,ld,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIB_LIBS)

$(BUILD)/tool/%.o: test/tool/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

define link_tool
$(BUILD)/test/tool/$1: $(patsubst test/%.c,$(BUILD)/%.o,$(tool_src)) $(LIB)
	@mkdir -p $$(@D)
	$$(call say,ld,$$@)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIB_LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call link_tool,$t)))

$(BUILD)/test/bench/%: $(BUILD)/test/bench/%.o $(LIB)
	$(call say,ld,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/test/fuzz/%_replay: $(BUILD)/test/fuzz/%_fuzz.o \
		$(BUILD)/test/fuzz/replay.o $(LIB)
	$(call say,ld,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIB_LIBS)

$(BUILD)/test/fuzz/%: $(BUILD)/test/fuzz/%.o $(LIB)
	$(call say,ld,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIB_LIBS)

# ---- what a user calls ----

deps:
	@test/tool/deps.sh build
demo:
	@test/tool/deps.sh build demo
	@$(BUILD_FIRST) all
	@test/demo/demo.sh
check:
	@test/tool/deps.sh build demo test
	@$(BUILD_FIRST) everything
	@$(MAKE) --no-print-directory check-parts
everything: all $(UNIT_BIN) $(REPLAY_BIN) $(if $(IS_WHOLE),$(BENCH_BIN)) \
	tools $(PKI)
check-parts:
	@rm -rf $(BUILD)/parts
	-@$(MAKE) --no-print-directory lint
	-@$(MAKE) --no-print-directory check-unit
	-@$(MAKE) --no-print-directory check-flow
	-@$(MAKE) --no-print-directory check-mta
	-@$(MAKE) --no-print-directory check-interop
	@test/tool/tally.sh $(BUILD)/parts lint unit flow mta interop

PKI = $(BUILD)/pki/ca.pem
$(PKI): test/pki/make-pki.sh
	@rm -rf $(@D)
	@sh test/pki/make-pki.sh $(@D) --quiet

check-unit: $(UNIT_BIN) $(REPLAY_BIN) $(PKI)
	@$(PART) unit test/tool/unit.sh $(UNIT_BIN) $(REPLAY_BIN)
check-flow: all tools $(PKI)
	@$(PART) flow test/tool/suite.sh test/flow
check-mta: all $(PKI)
	@$(PART) mta test/tool/suite.sh test/mta
# A thousand mails while everything around them is killed: some ten minutes.
soak: all $(PKI)
	@python3 -B test/mta/soak.py $(SOAK_MAILS)
check-interop: all tools $(PKI)
	@$(PART) interop test/tool/suite.sh test/interop
lint: $(LIB_OBJ)
	@$(PART) lint test/lint/run.sh

# ---- the same tests, watched ----

ASAN = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
ASAN_ENV = UBSAN_OPTIONS=print_stacktrace=1 \
	ASAN_OPTIONS=detect_stack_use_after_return=1 \
	LSAN_OPTIONS=suppressions=$(abspath test/tool/lsan.supp):print_suppressions=0
TSAN = -fsanitize=thread -fno-omit-frame-pointer
WATCHED = check-unit check-flow

sanitize:
	@test/tool/deps.sh build test
	@$(ASAN_ENV) $(MAKE) --no-print-directory BUILD=$(BUILD)-asan \
		SANITIZE="$(ASAN)" CFLAGS="-O1 -g" -k $(WATCHED)
thread:
	@test/tool/deps.sh build test
	@TSAN_OPTIONS=halt_on_error=0:exitcode=66 $(MAKE) \
		--no-print-directory BUILD=$(BUILD)-tsan SANITIZE="$(TSAN)" \
		CFLAGS="-O1 -g" -k $(WATCHED)
coverage:
	@test/tool/deps.sh build test coverage
	@rm -rf $(BUILD)-cov
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-cov HARDEN= \
		CFLAGS="-O0 -g --coverage -fprofile-update=atomic" \
		LDFLAGS=--coverage WERROR= $(WATCHED)
	@test/tool/coverage.sh $(BUILD)-cov 90
faults:
	@test/tool/deps.sh build test
	@$(MAKE) --no-print-directory faults-run
faults-run: $(UNIT_BIN) $(PKI) $(BUILD)/test/tool/fault
	@$(PART) faults-unit test/tool/unit.sh $(filter %fault_test \
		%faults_test,$(UNIT_BIN))
	@$(PART) faults test/tool/faults.py
fuzz:
	@test/tool/deps.sh build fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz CC=clang-14 WERROR= \
		CFLAGS="-O1 -g" LDFLAGS= \
		SANITIZE="-fsanitize=address,undefined,fuzzer-no-link" fuzz-run
fuzz-run: $(FUZZ_BIN)
	@$(PART) fuzz test/tool/fuzz.sh $(FUZZ_BIN)
bench: all tools $(BENCH_BIN) $(PKI)
	@test/bench/bench.sh
analyze:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-analyze \
		CFLAGS="-O1 -g -fanalyzer" WERROR=-Werror all
format:
	@test/tool/deps.sh format
	@clang-format-14 -i $$(git ls-files '*.c' '*.h')

# ---- packages ----

DIST = smime-milter-$(shell sed -n 's/^AC_INIT.*\[\([0-9.]*\)\].*/\1/p' configure.ac)
DOCS = README NEWS SECURITY LICENSE CONTRIBUTING
man8dir = $(mandir)/man8
man5dir = $(mandir)/man5
man1dir = $(mandir)/man1
confdir = $(sysconfdir)/smime-milter
D = $(DESTDIR)

install: all
	install -d $(D)$(sbindir) $(D)$(man8dir) $(D)$(man5dir) $(D)$(man1dir) \
		$(D)$(docdir)/examples $(D)$(confdir) $(D)$(unitdir) \
		$(D)$(sysusersdir) $(D)$(tmpfilesdir)
	install -m 755 $(PROGRAMS) $(D)$(sbindir)
	install -m 644 milter/smime-milter.8 $(D)$(man8dir)
	install -m 644 milter/ctl/smimectl.1 $(D)$(man1dir)
	install -m 644 etc/smime-milter.conf.5 $(D)$(man5dir)
	install -m 644 $(DOCS) $(D)$(docdir)
	install -m 644 etc/smime-milter.conf $(wildcard etc/postfix.* \
		etc/sendmail.* etc/examples/*) \
		$(D)$(docdir)/examples
	sed -e 's|/usr/s*bin/smime|$(sbindir)/smime|' etc/smime-milter.service \
		>$(D)$(unitdir)/smime-milter.service
	chmod 644 $(D)$(unitdir)/smime-milter.service
	for unit in smime-milter-ca smime-milter-ca-issue smime-milter-ca-renew; do \
		sed -e 's|/usr/s*bin/smime|$(sbindir)/smime|' \
			etc/$$unit.service >$(D)$(unitdir)/$$unit.service && \
		chmod 644 $(D)$(unitdir)/$$unit.service && \
		install -m 644 etc/$$unit.timer $(D)$(unitdir) || exit 1; \
	done
	install -m 644 etc/sysusers.conf $(D)$(sysusersdir)/smime-milter.conf
	install -m 644 etc/tmpfiles.conf $(D)$(tmpfilesdir)/smime-milter.conf
	@test -e $(D)$(confdir)/smime-milter.conf || \
		install -m 640 etc/smime-milter.conf $(D)$(confdir)
	@test -e $(D)$(confdir)/templates || { \
		install -d $(D)$(confdir)/templates && \
		install -m 644 etc/templates/* $(D)$(confdir)/templates; }

dist: configure
	rm -rf $(DIST) $(DIST).tar.gz
	git archive --prefix=$(DIST)/ HEAD | tar xf -
	cp configure $(DIST)/
	touch $(DIST)/configure
	tar czf $(DIST).tar.gz --owner=0 --group=0 $(DIST)
	rm -rf $(DIST)

config.mk: configure config.mk.in
	@if [ -x config.status ]; then \
		./config.status --recheck && ./config.status; \
	else ./configure; fi

configure: configure.ac
	@command -v autoconf >/dev/null || { echo "autoconf is missing:" \
		"'make deps' installs it (or install it yourself)" >&2; exit 1; }
	autoconf -o $@.new && mv $@.new $@

clean:
	rm -rf build build-* smime-milter-*.tar.gz
distclean: clean
	rm -rf config.mk configure config.log config.status autom4te.cache \
		demo-output

help:
	@sed -n 's/^#: //p' Makefile
#: deps           install what building needs (Debian; by package name)
#: all            the daemon and smimectl
#: install        PREFIX, SYSCONFDIR, DESTDIR
#: demo           real mails through a private Postfix, judged by openssl
#: check          every test: lint, unit, flow, mta, interop
#: check-unit check-flow check-mta check-interop   one part of it
#: sanitize       unit and flow tests with ASan and UBSan
#: thread         the same with TSan
#: faults         allocations that fail, one after the other
#: fuzz           each fuzzer for FUZZ_SECONDS (30)
#: soak           a thousand mails, and everything killed at random
#: bench          signatures, megabytes and latencies
#: coverage       line coverage of lib/, at least 90 %
#: analyze        gcc -fanalyzer
#: lint format    the house rules; clang-format
#: dist           a tarball with configure
#: clean distclean help
#: BUILD=DIR puts everything elsewhere; LIB_DIRS="base addr" takes part of it.

-include $(shell find $(addprefix $(BUILD)/,lib milter test tool) \
	-type f -name '*.d' 2>/dev/null)
.PHONY: all lib tools deps demo check everything check-parts check-unit check-flow \
	check-mta check-interop lint sanitize thread coverage faults \
	faults-run fuzz fuzz-run soak bench analyze format install dist clean \
	distclean help
.SECONDARY:
