# convoy: why is this multithreaded program not faster?
#
#   make          build/convoy, one binary with its BPF programs inside
#   make test     the dry side: unit tests under ASan and UBSan, no root
#   make e2e      end to end on the running kernel, as root
#   make fuzz     hostile input to every parser, FUZZ_SECONDS=100 in all, with clang's libFuzzer
#   make vm       the same on older kernels, in virtual machines
#   make lint     floors, sizes, format, scripts, analyzer, the trimmed vmlinux.h
#   make check    all of these, one count at the end
#   make static   build/static: convoy and workloads that need no library
#   make bench    the table of BENCHMARKS.md (long; wants an idle machine)
#   make install  PREFIX=/usr/local, DESTDIR=; with manual pages and completions
#   make deb      build/convoy_VERSION_ARCH.deb
#   V=1 shows the commands, DEBUG=1 builds with sanitizers (into build/debug)

VERSION := 0.1.0
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PREFIX ?= /usr/local
Q := $(if $(V),,@)
SAY := @printf '  %-4s %s\n'

BUILD := build$(if $(DEBUG),/debug)
ARCH_DEFINE := $(subst aarch64,arm64,$(subst x86_64,x86,$(shell uname -m)))
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS ?= -O2 -g
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DCONVOY_VERSION='"$(VERSION)"' \
	-Iinclude -Iuser -I$(BUILD) $(WARNINGS)
ALL_CFLAGS := $(BASE_CFLAGS) $(CFLAGS) $(if $(DEBUG),$(SANITIZE))
SAN_CFLAGS := $(BASE_CFLAGS) -O1 -g $(SANITIZE)
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH_DEFINE) \
	-Iinclude -Ivmlinux -Ibpf -Wall -Werror
# Everything but libbpf, libelf, zlib and libc is linked statically: the binary travels alone.
LDLIBS := -Wl,-Bstatic -ljansson -lncursesw -ltinfo -Wl,-Bdynamic -lbpf -lelf -lz -lm -pthread
comma := ,
TEST_LDLIBS := -lcmocka -ljansson -lz -lm -pthread

DRY_SOURCES := $(wildcard user/base/*.c user/stream/*.c user/model/*.c user/analysis/*.c \
	user/output/*.c)
WET_SOURCES := $(wildcard user/names/*.c user/capture/*.c user/cli/*.c)
TEST_SOURCES := $(wildcard tests/unit/test_*.c)
TEST_HELPERS := $(filter-out $(TEST_SOURCES),$(wildcard tests/unit/*.c))
# The wet rooms that can be tested without the BPF programs.
WET_TEST_SOURCES := $(wildcard tests/wet/test_*.c)
WET_TESTED := $(wildcard user/names/*.c) \
	$(addprefix user/capture/,spawn.c run_as.c host.c quota.c pace.c)
WORKLOAD_SOURCES := $(wildcard tests/e2e/workloads/w_*.c)
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
# What parses the bytes of others.
FUZZED := $(DRY_SOURCES) $(wildcard user/names/*.c) user/capture/quota.c

DRY_OBJECTS := $(DRY_SOURCES:%.c=$(BUILD)/%.o)
WET_OBJECTS := $(WET_SOURCES:%.c=$(BUILD)/%.o)
SAN_OBJECTS := $(DRY_SOURCES:%.c=$(BUILD)/san/%.o)
HELPER_OBJECTS := $(TEST_HELPERS:%.c=$(BUILD)/san/%.o)
ANALYZED := $(patsubst %.c,$(BUILD)/analyzer/%.o,$(DRY_SOURCES) $(WET_SOURCES))
UNIT_TESTS := $(TEST_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)
WET_TESTS := $(WET_TEST_SOURCES:tests/wet/%.c=$(BUILD)/wet/%)
WORKLOADS := $(WORKLOAD_SOURCES:tests/e2e/workloads/%.c=$(BUILD)/e2e/%)
FUZZ_OBJECTS := $(FUZZED:%.c=$(BUILD)/fuzz/%.o)
FUZZERS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/fuzz/%)

.PHONY: all clean test e2e lint check bench install uninstall deb static vm fuzz
.PHONY: build-test build-e2e build-fuzz build-check analyzer
.SECONDARY:
.DELETE_ON_ERROR:

all: $(BUILD)/convoy

$(BUILD)/convoy: $(WET_OBJECTS) $(BUILD)/libdry.a
	$(SAY) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(WET_OBJECTS) $(BUILD)/libdry.a $(LDLIBS)

$(BUILD)/libdry.a: $(DRY_OBJECTS)
$(BUILD)/san/libdry.a: $(SAN_OBJECTS)
$(BUILD)/libdry.a $(BUILD)/san/libdry.a:
	$(SAY) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

# Only the wet side knows the BPF programs: the dry side builds and is tested without clang.
$(WET_OBJECTS) $(WET_SOURCES:%.c=$(BUILD)/analyzer/%.o): | $(BUILD)/trace.skel.h

# The countdown's workload script and its C code for the `nogil` variant travel inside the binary.
EMBEDDING := $(BUILD)/user/cli/countdown_embed.o $(BUILD)/analyzer/user/cli/countdown_embed.o
$(EMBEDDING): tools/workload.py $(BUILD)/nogil.so
$(EMBEDDING): EXTRA_CFLAGS := -Wa,-I$(BUILD)

# The page of the HTML report, its parts in this order, with the hashes of what may run in it.
PAGE := $(addprefix user/output/page/,page.html page.css format.js words.js charts.js variants.js \
	tracks.js canvas.js hand.js tables.js causes.js compare.js main.js)
PAGE_EMBEDDING := $(addsuffix /user/output/html_embed.o,$(BUILD) $(BUILD)/san $(BUILD)/fuzz \
	$(BUILD)/analyzer)
$(PAGE_EMBEDDING): $(BUILD)/page.html
$(PAGE_EMBEDDING): EXTRA_CFLAGS := -Wa,-I$(BUILD)

$(BUILD)/page.html: tools/mkpage $(PAGE)
	@mkdir -p $(@D)
	$(SAY) GEN $@
	$(Q)tools/mkpage $(PAGE) > $@.tmp && mv $@.tmp $@

$(BUILD)/nogil.so: tools/nogil.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(BASE_CFLAGS) -O2 -fPIC -shared -s -MMD -MP -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/san/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) SAN $<
	$(Q)$(CC) $(SAN_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

# The analyzer thinks for ever over uthash's usual hash function, and takes its tables for leaks.
ANALYZER_CFLAGS := -O1 -fanalyzer -DHASH_FUNCTION=HASH_OAT '-Duthash_malloc(size)=xcalloc(1, size)'
$(BUILD)/analyzer/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) SCAN $<
	$(Q)$(CC) $(BASE_CFLAGS) $(EXTRA_CFLAGS) $(ANALYZER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(SAY) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(SAY) GEN $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F)_bpf > $@.tmp && mv $@.tmp $@

$(BUILD)/tests/%: $(BUILD)/san/tests/unit/%.o $(HELPER_OBJECTS) $(BUILD)/san/libdry.a
	@mkdir -p $(@D)
	$(SAY) LD $@
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ $(TEST_LDLIBS)

$(BUILD)/wet/%: $(BUILD)/san/tests/wet/%.o $(WET_TESTED:%.c=$(BUILD)/san/%.o) $(BUILD)/san/libdry.a
	@mkdir -p $(@D)
	$(SAY) LD $@
	$(Q)$(CC) $(SAN_CFLAGS) -o $@ $^ $(TEST_LDLIBS)

# Fuzzers: what reaches for the outside is led to the input (tests/fuzz/world.c).
FUZZ_CFLAGS := $(BASE_CFLAGS) -Itests/fuzz -O1 -g $(SANITIZE)
FUZZ_WRAPPED := fopen open openat opendir access mapping_open perf_map_open target_read
FUZZ_LDFLAGS := $(FUZZ_WRAPPED:%=-Wl,--wrap=%)

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) FUZZ $<
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/libfuzzed.a: $(FUZZ_OBJECTS) $(BUILD)/fuzz/tests/fuzz/world.o
	$(SAY) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/fuzz/libfuzzed.a
	$(SAY) LD $@
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(FUZZ_LDFLAGS) -o $@ $^ -ljansson -lz -lm

# Workloads are measured, so they are built as programs of users are.
$(BUILD)/e2e/%: tests/e2e/workloads/%.c tests/e2e/workloads/w.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(BASE_CFLAGS) -O2 -g -Itests/e2e/workloads -MMD -MP -MF $@.d -o $@ $^ -pthread

# Users of other name services than files are not known to a static convoy: the linker warns.
STATIC_LDLIBS := -static $(filter-out -Wl$(comma)%,$(LDLIBS))
STATIC_WORKLOADS := $(patsubst $(BUILD)/e2e/%,$(BUILD)/static/%,$(WORKLOADS))

$(BUILD)/static/convoy: $(WET_OBJECTS) $(BUILD)/libdry.a
	@mkdir -p $(@D)
	$(SAY) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--no-warnings -o $@ $^ $(STATIC_LDLIBS)

$(BUILD)/static/%: tests/e2e/workloads/%.c tests/e2e/workloads/w.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(BASE_CFLAGS) -O2 -g -Itests/e2e/workloads -static -o $@ $^ -pthread

static: $(BUILD)/static/convoy $(STATIC_WORKLOADS)

build-test: $(UNIT_TESTS)
build-e2e: $(BUILD)/convoy $(WORKLOADS) $(WET_TESTS)
build-fuzz: $(FUZZERS)
build-check: build-test build-e2e build-fuzz
analyzer: $(ANALYZED)

test: build-test
	$(Q)tests/run unit

e2e: build-e2e
	$(Q)tests/run wet e2e

FUZZ_SECONDS ?= 100
fuzz: build-fuzz
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) TEST_TIMEOUT=$$(($(FUZZ_SECONDS) + 120)) tests/run fuzz

vm: static
	$(Q)TEST_TIMEOUT=600 tests/run vm

lint:
	$(Q)tests/run lint

check: build-check
	$(Q)tests/run

bench: build-e2e
	$(Q)tests/bench/run

# Manual pages and completions come out of the binary itself.
$(BUILD)/docs: $(BUILD)/convoy tools/mkdocs $(wildcard tools/man/*.txt)
	$(SAY) GEN $@
	$(Q)tools/mkdocs $< $@

INSTALL_MAN := $(DESTDIR)$(PREFIX)/share/man/man1
INSTALL_BASH := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/convoy
# Where zsh looks depends on who built it; Debian keeps /usr/share/zsh/site-functions free.
ZSH_DIR ?= $(PREFIX)/share/zsh/site-functions
INSTALL_ZSH := $(DESTDIR)$(ZSH_DIR)/_convoy
INSTALL_FISH := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/convoy.fish

install: $(BUILD)/convoy $(BUILD)/docs
	install -D -m 0755 $(BUILD)/convoy $(DESTDIR)$(PREFIX)/bin/convoy
	install -d $(INSTALL_MAN)
	install -m 0644 $(BUILD)/docs/man/*.1 $(INSTALL_MAN)/
	install -D -m 0644 $(BUILD)/docs/completion/convoy $(INSTALL_BASH)
	install -D -m 0644 $(BUILD)/docs/completion/_convoy $(INSTALL_ZSH)
	install -D -m 0644 $(BUILD)/docs/completion/convoy.fish $(INSTALL_FISH)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/convoy $(INSTALL_MAN)/convoy.1 $(INSTALL_MAN)/convoy-*.1
	rm -f $(INSTALL_BASH) $(INSTALL_ZSH) $(INSTALL_FISH)

deb: $(BUILD)/convoy $(BUILD)/docs
	$(Q)tools/deb/build $(VERSION) $(BUILD)

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
