# make help says what there is.  config.mk (written by ./configure from
# config.mk.in) holds what differs between systems; it is made when missing.

BUILD ?= build
CC ?= cc
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla -Werror
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
SANITIZE ?=
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) $(if $(SANITIZE),,$(HARDEN)) \
	$(CFLAGS) $(SANITIZE) -Ilib -MMD -MP
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) $(if $(SANITIZE),-pie,-pie -Wl,-z,relro,-z,now)

LIB_DIRS ?= $(filter-out LAYERS README,$(notdir $(wildcard lib/*)))
LIB_SRC = $(sort $(foreach d,$(LIB_DIRS),$(wildcard lib/$d/*.c)))
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o)
LIB = $(BUILD)/libsmime-milter.a
LIB_LIBS = -lconfig -lidn2 -lssl -lcrypto -lpthread
MILTER_LIBS = -lmilter -lsystemd -lseccomp
CTL_LIBS = -ljansson

UNIT_SRC = $(sort $(foreach d,$(LIB_DIRS),$(wildcard test/unit/$d/*_test.c)))
UNIT_BIN = $(UNIT_SRC:%.c=$(BUILD)/%)
UNIT_LIB_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(wildcard test/unit/*.c))

all: $(BUILD)/smime-milter $(BUILD)/smimectl

lib: $(LIB)

$(LIB): $(LIB_OBJ)
	rm -f $@
	ar rcs $@ $^

$(BUILD)/smime-milter: $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/*.c)) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(LIB_LIBS)

$(BUILD)/smimectl: $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/ctl/*.c)) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS) $(LIB_LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/test/unit/%_test: $(BUILD)/test/unit/%_test.o $(UNIT_LIB_OBJ) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIB_LIBS)

check-unit: $(UNIT_BIN)
	@for t in $(UNIT_BIN); do $$t || exit 1; done

clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all lib check-unit clean
.SECONDARY:
