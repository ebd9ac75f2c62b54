# mudot: gradient flows of measures. The two commands that do everything: make demo, make check.
#
#   make            build/mudot, build/libmudot.a, build/libmudot.so
#   make demo       install what is missing, build, run the main case, draw it
#   make check      install what is missing, build, run every test (1, 2 and 4 ranks, sanitizers, format)
#   make stress     random cases against every promise: COUNT=1000 SEED=1
#   make bench      speed ratios, printed and written to build/bench.csv
#   make studies    every shipped study on two ranks, one table of verdicts, pictures
#   make format     rewrite the sources in the checked-in style
#   make install PREFIX=/usr/local
#   make clean

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3
JOBS    ?= $(shell nproc)

# OpenMPI refuses to run as root and on more ranks than cores unless told otherwise.
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_rmaps_base_oversubscribe := 1
export OMPI_MCA_btl_vader_single_copy_mechanism := none
export OMPI_MCA_mpi_yield_when_idle := 1
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

CC      := mpicc
MPIEXEC ?= mpiexec
MODULES := petsc fftw3 hdf5-openmpi muparser gsl yaml-0.1
ARCH    ?= -march=native
OPT     ?= -O3 -g
SANITIZE ?=
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror
CFLAGS   = -std=c11 -D_GNU_SOURCE $(OPT) $(ARCH) -fPIC -fno-math-errno -fno-trapping-math \
           -ffp-contract=off $(WARN) $(SANITIZE) -Isrc -DMUDOT_VERSION='"$(VERSION)"' -MMD -MP
PKG_CFLAGS = $(patsubst -I%,-isystem %,$(filter-out -D_FORTIFY_SOURCE%,$(shell pkg-config --cflags $(MODULES))))
PKG_LIBS   = $(shell pkg-config --libs $(MODULES)) -lm

SOURCES  := $(filter-out src/command/main.c,$(wildcard src/*/*.c))
OBJECTS  := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
SUPPORT  := tests/support.c tests/flow_support.c
BENCHES  := $(patsubst scripts/%.c,$(BUILD)/%,$(wildcard scripts/bench_*.c))
FORMATTED = $(wildcard src/*.h src/*/*.h src/*/*.c tests/*.h tests/*.c scripts/*.c scripts/*.h)

.PHONY: all demo check deps format format-check test sanitize cli stress bench studies install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/mudot $(BUILD)/libmudot.a $(BUILD)/libmudot.so

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -c $< -o $@

$(BUILD)/libmudot.a: $(OBJECTS)
	@rm -f $@
	@echo "  AR $@"; ar rcs $@ $^

$(BUILD)/libmudot.so: $(OBJECTS)
	@echo "  LD $@"; $(CC) -shared $(SANITIZE) -o $@ $^ $(PKG_LIBS)

$(BUILD)/mudot: $(BUILD)/obj/command/main.o $(BUILD)/libmudot.a
	@echo "  LD $@"; $(CC) $(SANITIZE) -o $@ $^ $(PKG_LIBS)

$(BUILD)/tests/%: tests/%.c $(SUPPORT) $(BUILD)/libmudot.a
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) $(shell pkg-config --cflags check) -MF $@.d $< $(SUPPORT) \
	  -o $@ $(BUILD)/libmudot.a $(PKG_LIBS) $(shell pkg-config --libs check)

$(BUILD)/tests/stress: tests/stress.c tests/stress_case.c tests/stress.h $(BUILD)/libmudot.a
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -MF $@.d tests/stress.c tests/stress_case.c -o $@ \
	  $(BUILD)/libmudot.a $(PKG_LIBS)

$(BUILD)/bench_%: scripts/bench_%.c scripts/bench.h $(BUILD)/libmudot.a
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -MF $@.d $< -o $@ $(BUILD)/libmudot.a $(PKG_LIBS)

deps:
	@scripts/install-deps

# A second make, so that pkg-config is asked only after the packages are there.
demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@scripts/demo $(BUILD)/mudot

check: deps
	@$(MAKE) --no-print-directory format-check
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TESTS) $(BUILD)/tests/stress
	@$(MAKE) --no-print-directory test
	@BUILD=$(BUILD) MPIEXEC=$(MPIEXEC) tests/stress.sh check
	@$(MAKE) --no-print-directory cli
	@$(MAKE) --no-print-directory sanitize

test: $(TESTS)
	@scripts/run-tests $(BUILD)/tests $(MPIEXEC)

SANITIZED = BUILD=$(BUILD)/sanitize OPT="-O1 -g" \
	  SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined"

# The unit tests once more on one rank under the address and undefined-behaviour sanitizers.
sanitize:
	@$(MAKE) --no-print-directory -j$(JOBS) $(SANITIZED) sanitize-tests
	@$(MAKE) --no-print-directory $(SANITIZED) sanitize-run

.PHONY: sanitize-tests sanitize-run
sanitize-tests: $(TESTS)

sanitize-run:
	@ASAN_OPTIONS=detect_leaks=0 RANKS=1 MU_TEST_QUICK=1 scripts/run-tests $(BUILD)/tests $(MPIEXEC)

cli: $(BUILD)/mudot
	@BUILD=$(BUILD) tests/cli.sh

COUNT ?= 1000
SEED  ?= 1
stress: all $(BUILD)/tests/stress
	@BUILD=$(BUILD) MPIEXEC=$(MPIEXEC) COUNT=$(COUNT) SEED=$(SEED) tests/stress.sh

bench: $(BENCHES)
	@rm -f $(BUILD)/bench.csv
	@for b in $(BENCHES); do $$b -bench_csv $(BUILD)/bench.csv || exit 1; done

studies: $(BUILD)/mudot
	@PYTHON="$(PYTHON)" scripts/run-studies $(BUILD)/mudot $(MPIEXEC); status=$$?; \
	for d in out/studies/*/; do $(PYTHON) scripts/plot.py $$d >/dev/null || exit 1; done; exit $$status

format:
	clang-format -i $(FORMATTED)

format-check:
	@clang-format --dry-run -Werror $(FORMATTED)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(BUILD)/mudot $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libmudot.a $(BUILD)/libmudot.so $(DESTDIR)$(PREFIX)/lib
	install -m 644 src/mudot.h $(DESTDIR)$(PREFIX)/include
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@MODULES@|$(MODULES)|' \
	  scripts/mudot.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/mudot.pc

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
