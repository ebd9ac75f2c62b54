# mudot: gradient flows of measures. The two commands that do everything: make demo, make check.
#
#   make            build/mudot, build/libmudot.a, build/libmudot.so, the manual page, the completion
#   make demo       install what is missing, build, run the main case, draw it
#   make check      install what is missing, build, check format, names and layers, run the unit tests (1, 2 and
#                   4 ranks), the command line, the installation, the manual
#   make check-all  install more (clang, valgrind, a browser), then what make check does not do: random cases,
#                   static analysis, sanitizers, coverage, killed runs, valgrind, a browser, a minute of fuzzing
#   make test       the unit tests alone
#   make cli        the command line alone
#   make static     clang's warnings, clang-tidy, cppcheck
#   make coverage   the tests under sanitizers, and the lines of src/ that they run
#   make fuzz FUZZ_SECONDS=300
#   make stress     random cases against every promise: COUNT=1000 SEED=1
#   make bench      speed ratios, printed and written to build/bench.csv
#   make studies    every shipped study on two ranks, one table of verdicts, pictures
#   make manual     rewrite the generated tables of README.md and src/manual/
#   make test-report  install Chromium, test the pages of mudot report in it
#   make format     rewrite the sources in the checked-in style
#   make gallery    the pictures of the manual's gallery: every case and study once
#   make install PREFIX=/usr/local
#   make deb        a package for Debian of the same, build/mudot_VERSION_ARCHITECTURE.deb
#   make clean
#
# The build is for the processor of this machine. For others: make ARCH=x86-64-v3, make install ARCH=x86-64-v3
# (any name that -march takes; x86-64-v3 is Intel since 2013, AMD since 2015; x86-64 is all of them). A build
# folder keeps its ARCH until another is given or make clean; on a processor that lacks an instruction of its
# ARCH the program says so and ends.

VERSION := 0.2.0
# The library's interface: programs linked with libmudot.so.ABI run with every version of that ABI.
ABI     := $(basename $(VERSION))
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
export OMPI_MCA_hwloc_base_binding_policy := none
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
# Plans that tests and benchmarks measure do not go to the user.
export XDG_CACHE_HOME ?= $(abspath $(BUILD))/cache

CC      := mpicc
MPIEXEC ?= mpiexec
MODULES := petsc fftw3 hdf5-openmpi muparser gsl yaml-0.1 zlib
# What needs a compiler says what to install if there is none.
ifneq ($(filter-out deps deps-% demo check check-all clean format%,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell command -v $(CC) >/dev/null && pkg-config --exists $(MODULES) && echo there),there)
$(error $(shell scripts/install-deps --line))
endif
endif

# What a build folder was made for is kept until another ARCH is given on the command line.
ifneq ($(origin ARCH),command line)
ARCH    := native
-include $(BUILD)/arch.mk
endif
MARCH   := $(if $(filter -%,$(ARCH)),$(ARCH),$(ARCH:%=-march=%))
OPT     ?= -O3 -g1
SANITIZE ?=
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror
CFLAGS   = -std=c11 -D_GNU_SOURCE $(OPT) $(MARCH) -fPIC -fno-math-errno -fno-trapping-math \
           -ffp-contract=off -fopenmp-simd $(WARN) $(SANITIZE) -Isrc -DMUDOT_VERSION='"$(VERSION)"' -MMD -MP
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(filter-out -D_FORTIFY_SOURCE%,$(shell pkg-config --cflags $(MODULES) 2>/dev/null)))
PKG_LIBS   := $(shell pkg-config --libs $(MODULES) 2>/dev/null) -lhdf5_hl -llapack -lblas -lm
# GCC reads the headers of the system once for all files; a compiler that was chosen reads them in each.
PRECOMPILED := $(if $(OMPI_CC),,$(BUILD)/system.h.gch)
COMPILE    = $(CC) $(CFLAGS) $(PKG_CFLAGS) $(PRECOMPILED:%.gch=-include %)
# The linker that does not read all libraries of PETSc's libraries for each test.
TEST_LINK := $(if $(shell command -v ld.gold),-fuse-ld=gold)
TEST_LIBS  = $(TEST_LINK) $(BUILD)/libmudot.a $(PKG_LIBS)
# SUNDIALS, where it is there: what compares mudot with CVODE says so, and does nothing, where it is not.
CVODE      = $(if $(shell printf '\043include <cvode/cvode.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo there), \
             $(addprefix -lsundials_,cvode nvecserial sunmatrixdense sunmatrixband sunlinsoldense sunlinsolband generic))

SOURCES  := $(filter-out src/command/% src/manual/%,$(wildcard src/*/*.c))
PROGRAM  := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/command/*.c src/manual/*.c)) \
            $(BUILD)/obj/manual/chapters.o
# The manual: src/manual/*.md in this order.
CHAPTERS := cases gallery geometries energies kernels running references atlas studies particle-methods comparing python reports speed library checks
OBJECTS  := $(SOURCES:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/report/report_page.o
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
SUPPORT  := tests/support.c tests/flow_support.c
BENCHES  := $(patsubst scripts/%.c,$(BUILD)/%,$(wildcard scripts/bench_*.c))
FORMATTED = $(wildcard src/*.h src/*/*.h src/*/*.c tests/*.h tests/*.c scripts/*.c scripts/*.h scripts/examples/*.c)

.PHONY: FORCE all deps deps-tests deps-checks demo check check-all test cli coverage sanitize-build static valgrind \
        fuzz fuzzers restart test-report stress bench studies references gallery manual format format-check install deb \
        clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/mudot $(BUILD)/libmudot.a $(BUILD)/libmudot.so $(BUILD)/mudot.1 $(BUILD)/mudot-completion.bash \
     $(CHAPTERS:%=$(BUILD)/man/mudot-%.7)

# Every object is made anew when ARCH changes.
$(BUILD)/arch.mk: FORCE
	@mkdir -p $(@D); echo 'ARCH := $(ARCH)' | cmp -s - $@ || echo 'ARCH := $(ARCH)' >$@

# What looks at the processor first runs on all of them.
$(BUILD)/obj/command/main.o $(BUILD)/obj/base/processor.o: MARCH :=

$(BUILD)/system.h.gch: Makefile $(BUILD)/arch.mk
	@mkdir -p $(@D)
	@printf '#include <%s>\n' petscts.h petscdmda.h math.h stdio.h stdlib.h string.h >$(@:.gch=)
	@echo "  CC $(@:.gch=)"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -x c-header -c $(@:.gch=) -o $@

$(BUILD)/obj/%.o: src/%.c $(BUILD)/arch.mk | $(PRECOMPILED)
	@mkdir -p $(@D)
	@echo "  CC $<"; $(COMPILE) -c $< -o $@

# The page of mudot report, with its style sheet and script, as lines of C strings; page.js starts it
# and comes last.
SCRIPT := $(addprefix src/report/page/,elements.js axes.js figures.js maps.js time.js data.js equation.js \
            densities.js ledgers.js particles.js studies.js comparisons.js page.js)
PAGE   := src/report/page/page.html src/report/page/page.css $(SCRIPT)

$(BUILD)/obj/report/report_page.c: $(PAGE) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "report/report.h"'; echo 'const char *const mu_report_page[] = {'; \
	  sed -e '/^@STYLE@$$/{r src/report/page/page.css' -e 'd;}' \
	      -e '/^@SCRIPT@$$/{' $(SCRIPT:%=-e 'r %') -e 'd;}' src/report/page/page.html | \
	  sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n",/'; echo 'NULL};'; } > $@

# The chapters of the manual as lines of C strings, and as manual pages.
$(BUILD)/obj/manual/chapters.c: scripts/typeset $(CHAPTERS:%=src/manual/%.md) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "manual/manual.h"'; echo 'const MuChapter mu_manual[] = {'; \
	  for c in $(CHAPTERS); do echo "{\"$$c\", \"$$(scripts/typeset summary src/manual/$$c.md)\", (const char *const[]){"; \
	  scripts/typeset text src/manual/$$c.md | sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n",/'; echo 'NULL}},'; done; \
	  echo '{NULL, NULL, NULL}};'; } > $@

$(BUILD)/man/mudot-%.7: src/manual/%.md scripts/typeset
	@mkdir -p $(@D)
	@scripts/typeset man $< $(VERSION) > $@

$(BUILD)/obj/manual/chapters.o: $(BUILD)/obj/manual/chapters.c
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -c $< -o $@

$(BUILD)/obj/report/report_page.o: $(BUILD)/obj/report/report_page.c
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -c $< -o $@

$(BUILD)/libmudot.a: $(OBJECTS)
	@rm -f $@
	@echo "  AR $@"; ar rcs $@ $^

$(BUILD)/libmudot.so: $(OBJECTS)
	@echo "  LD $@"; $(CC) -shared -Wl,-soname,libmudot.so.$(ABI) -Wl,--no-undefined $(SANITIZE) -o $@ $^ $(PKG_LIBS)
	@ln -sf libmudot.so $@.$(ABI)

# The whole library, and its names for extensions (-load).
$(BUILD)/mudot: $(PROGRAM) $(OBJECTS)
	@echo "  LD $@"; $(CC) $(SANITIZE) -rdynamic -o $@ $^ $(PKG_LIBS)

# The manual page and the completion are made of the program's own texts.
$(BUILD)/mudot.1: scripts/make-man $(BUILD)/mudot
	@echo "  MAN $@"; scripts/make-man $(BUILD)/mudot >$@

$(BUILD)/mudot-completion.bash: scripts/mudot-completion.bash $(BUILD)/mudot
	@{ echo "IFS= read -r -d '' _mudot_manual <<'TEXT'"; $(BUILD)/mudot help all && echo TEXT && \
	  echo "IFS= read -r -d '' _mudot_lists <<'TEXT'" && $(BUILD)/mudot list && echo TEXT && cat $<; } >$@

# What make install needs beside the program: completion for zsh and fish, the schema of cases.
INSTALLED := $(BUILD)/_mudot $(BUILD)/mudot.fish $(BUILD)/mudot.schema.json

$(BUILD)/_mudot: scripts/make-completion $(BUILD)/mudot
	@$(PYTHON) scripts/make-completion zsh $(BUILD)/mudot >$@

$(BUILD)/mudot.fish: scripts/make-completion $(BUILD)/mudot
	@$(PYTHON) scripts/make-completion fish $(BUILD)/mudot >$@

$(BUILD)/mudot.schema.json: scripts/python/mudot/schema.py $(BUILD)/mudot
	@MUDOT=$(BUILD)/mudot PYTHONPATH=scripts/python PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m mudot.schema >$@

SUPPORT_OBJECTS = $(SUPPORT:tests/%.c=$(BUILD)/tests/%.o)

$(SUPPORT_OBJECTS): $(BUILD)/tests/%.o: tests/%.c $(BUILD)/arch.mk | $(PRECOMPILED)
	@mkdir -p $(@D)
	@echo "  CC $<"; $(COMPILE) $(shell pkg-config --cflags check) -c $< -o $@

$(TESTS): $(BUILD)/tests/%: tests/%.c $(SUPPORT_OBJECTS) $(BUILD)/libmudot.a
	@echo "  CC $<"; $(COMPILE) $(shell pkg-config --cflags check) -MF $@.d $< \
	  $(SUPPORT_OBJECTS) -o $@ $(TEST_LIBS) $(shell pkg-config --libs check) $(MORE_LIBS)

$(BUILD)/tests/test_stiff $(BUILD)/bench_stiff: MORE_LIBS = $(CVODE)

$(BUILD)/tests/%.so: scripts/examples/%.c
	@mkdir -p $(@D)
	@echo "  LD $@"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -MF $@.d -shared $< -o $@

$(BUILD)/tests/stress: tests/stress.c tests/stress_case.c tests/stress.h $(BUILD)/libmudot.a \
  $(BUILD)/tests/congestion.so $(BUILD)/tests/saturation.so
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -MF $@.d tests/stress.c tests/stress_case.c -rdynamic -o $@ \
	  $(BUILD)/libmudot.a $(PKG_LIBS)

$(BUILD)/bench_%: scripts/bench_%.c scripts/bench.h $(BUILD)/libmudot.a
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -MF $@.d $< -o $@ $(BUILD)/libmudot.a $(PKG_LIBS) $(MORE_LIBS)

deps:
	@scripts/install-deps

deps-tests:
	@scripts/install-deps base tests
	@scripts/install-deps cvode || :

deps-checks:
	@scripts/install-deps base tests checks
	@scripts/install-deps cvode || :
	@scripts/install-deps browser || :
	@scripts/install-deps python || :

# -j for a make in a recipe, unless this one has been given it.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

# A second make, so that pkg-config is asked only after the packages are there.
demo: deps
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@scripts/demo $(BUILD)/mudot

RUN_PARTS = $(PYTHON) tests/run.py --build $(BUILD) --mpiexec "$(MPIEXEC)" --jobs $(JOBS)

check: deps-tests
	@$(MAKE) --no-print-directory $(PARALLEL) all $(TESTS)
	@$(RUN_PARTS) check

check-all: deps-checks
	@$(MAKE) --no-print-directory $(PARALLEL) all $(TESTS) $(BUILD)/tests/stress
	@$(RUN_PARTS) four_ranks static sanitized stress fuzz restart browser formats valgrind references

test: deps-tests
	@$(MAKE) --no-print-directory $(PARALLEL) $(TESTS)
	@$(RUN_PARTS) unit

cli: all
	@$(RUN_PARTS) cli installed

coverage:
	@$(RUN_PARTS) sanitized

sanitize-build:
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(BUILD)/sanitize OPT="-O1 -g1" \
	  SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined --coverage" \
	  $(TESTS:$(BUILD)/%=$(BUILD)/sanitize/%) all
	@find $(BUILD)/sanitize -name '*.gcda' -delete

# clang: the whole build with its warnings as errors, clang-tidy, cppcheck. The analyzer of clang-tidy
# looks at no more than max-nodes states of a function (a third of its default).
CLANG      ?= clang
CLANG_TIDY ?= clang-tidy
TIDY_DEPTH := $(if $(filter no,$(ANALYZER)),--checks=-clang-analyzer-*) $(foreach word,-Xclang -analyzer-config -Xclang max-nodes=75000,--extra-arg=$(word))
MPI_CFLAGS  = $(patsubst -I%,-isystem %,$(filter -I%,$(shell mpicc --showme:compile)))
TIDIED     := $(patsubst %.c,$(BUILD)/tidy/%.ok,$(wildcard src/*/*.c scripts/*.c))
CHECKED_C  := $(patsubst %.c,$(BUILD)/clang/%.ok,$(wildcard tests/*.c scripts/*.c))
CLANG_BUILD = OMPI_CC="$(CLANG)" $(MAKE) --no-print-directory $(PARALLEL) BUILD=$(BUILD)/clang \
	      OPT="-O1 -gdwarf-4 -DMU_PLAIN_MEMORY -Wno-pass-failed" ARCH=

static:
	+@$(CLANG_BUILD) $(BUILD)/clang/mudot
	@$(MAKE) --no-print-directory $(PARALLEL) $(CHECKED_C) $(TIDIED)
	@echo "  cppcheck"; cppcheck -q -j$(JOBS) --std=c11 --library=posix -Isrc --inline-suppr \
	  '-DPetscFunctionReturn(x)=return x' \
	  --enable=warning,performance,portability --suppressions-list=tests/cppcheck.supp \
	  --error-exitcode=1 src tests scripts
	@echo "static checks: clean"

$(BUILD)/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY $<"; $(CLANG_TIDY) --quiet $(TIDY_DEPTH) $< -- $(filter-out -M%,$(CFLAGS)) \
	  $(PKG_CFLAGS) $(MPI_CFLAGS) 2>&1 | grep -v 'warnings generated' >$@.log; \
	  if [ -s $@.log ]; then cat $@.log; exit 1; fi; touch $@

$(BUILD)/clang/%.ok: %.c
	@mkdir -p $(@D)
	@echo "  CLANG $<"; $(CLANG) -fsyntax-only $(filter-out -M%,$(CFLAGS)) $(PKG_CFLAGS) \
	  $(MPI_CFLAGS) $(shell pkg-config --cflags check) $< && touch $@

# Uninitialised values and stray accesses on one small case, built by clang for any processor.
valgrind:
	+@$(CLANG_BUILD) $(BUILD)/clang/mudot
	@rm -rf $(BUILD)/clang/out
	@valgrind -q --error-exitcode=9 $(BUILD)/clang/mudot run \
	  scripts/spherical-ift-kl.yaml -grid_cells 32 -time_end 0.02 -time_step 0.01 \
	  -output_directory $(BUILD)/clang/out && echo "valgrind: clean"

# Fuzzing with libFuzzer and clang's sanitizers, FUZZ_SECONDS in total on two processors.
FUZZ_SECONDS ?= 300
FUZZERS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz_*.c))
FUZZ_BUILD   ?= $(BUILD)/fuzz
FUZZ_OPT     ?= -O1 -g
FUZZED   = OMPI_CC="$(CLANG)" $(MAKE) --no-print-directory $(PARALLEL) BUILD=$(FUZZ_BUILD) OPT="$(FUZZ_OPT)" \
	   ARCH= SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Wno-pass-failed"

fuzz:
	+@$(FUZZED) fuzzers
	@PYTHON="$(PYTHON)" tests/fuzz.sh $(FUZZ_BUILD) $(FUZZ_SECONDS)

fuzzers: $(FUZZERS)

$(BUILD)/tests/fuzz_%: tests/fuzz_%.c tests/fuzz.h $(BUILD)/libmudot.a
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -fsanitize=fuzzer -MF $@.d $< -o $@ \
	  $(BUILD)/libmudot.a $(PKG_LIBS)

# Rewrites the generated parts of README.md and src/manual/, which make check looks at.
manual: $(BUILD)/mudot
	@$(PYTHON) scripts/make-manual $(BUILD)/mudot
	@$(MAKE) --no-print-directory all

# Runs that are killed, stopped and starved of disk space, and go on.
restart: $(BUILD)/mudot
	@BUILD=$(BUILD) MPIEXEC="$(MPIEXEC)" $(PYTHON) tests/restart.py

test-report: $(BUILD)/mudot
	@scripts/install-deps browser
	@BUILD=$(BUILD) MPIEXEC="$(MPIEXEC)" $(PYTHON) tests/report.py

COUNT ?= 1000
SEED  ?= 1
stress: all $(BUILD)/tests/stress
	@BUILD=$(BUILD) MPIEXEC=$(MPIEXEC) COUNT=$(COUNT) SEED=$(SEED) tests/stress.sh

bench: $(BENCHES) $(BUILD)/mudot
	@rm -f $(BUILD)/bench.csv
	@for b in $(BENCHES); do $$b -bench_csv $(BUILD)/bench.csv || exit 1; done
	@$(PYTHON) scripts/bench-runs.py $(BUILD)/mudot $(BUILD)/bench.csv
	@$(PYTHON) scripts/bench-table.py $(BUILD)/bench.csv

studies: $(BUILD)/mudot
	@PYTHON="$(PYTHON)" scripts/run-studies $(BUILD)/mudot $(MPIEXEC); status=$$?; \
	for d in out/studies/*/; do $(PYTHON) scripts/plot.py $$d >/dev/null || exit 1; done; exit $$status

references: $(BUILD)/mudot
	@$(PYTHON) scripts/run-references $(BUILD)/mudot

# The pictures of src/manual/gallery.md: every case and study once.
gallery: $(BUILD)/mudot
	@$(PYTHON) scripts/make-gallery $(BUILD)/mudot
	@$(PYTHON) scripts/make-manual $(BUILD)/mudot

format:
	clang-format -i $(FORMATTED)

format-check:
	@clang-format --dry-run -Werror $(FORMATTED)

DEST = $(DESTDIR)$(PREFIX)
# Where Python looks for packages below the prefix; Debian's has a name of its own.
PACKAGES = lib/python$(shell $(PYTHON) -c 'import sys, sysconfig as s; print("%d.%d/%s-packages" % (*sys.version_info[:2],              "dist" if "posix_local" in s.get_scheme_names() else "site"))')

install: all $(INSTALLED)
	install -d $(addprefix $(DEST)/,bin lib/pkgconfig include share/man/man1 share/man/man7 \
	  share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d share/mudot \
	  share/doc/mudot/examples)
	install -m 755 $(BUILD)/mudot $(DEST)/bin
	install -m 644 $(BUILD)/libmudot.a $(DEST)/lib
	install -m 755 $(BUILD)/libmudot.so $(DEST)/lib/libmudot.so.$(VERSION)
	ln -sf libmudot.so.$(VERSION) $(DEST)/lib/libmudot.so.$(ABI)
	ln -sf libmudot.so.$(ABI) $(DEST)/lib/libmudot.so
	install -m 644 src/mudot.h $(DEST)/include
	install -d $(DEST)/include/mudot
	install -m 644 src/mudot/*.h $(DEST)/include/mudot
	scripts/make-pkg-config '$(PREFIX)' '$(VERSION)' '$(MODULES)' '$(DESTDIR)' > $(DEST)/lib/pkgconfig/mudot.pc
	install -m 644 $(BUILD)/mudot.1 $(DEST)/share/man/man1
	install -m 644 $(CHAPTERS:%=$(BUILD)/man/mudot-%.7) $(DEST)/share/man/man7
	install -m 644 $(BUILD)/mudot-completion.bash $(DEST)/share/bash-completion/completions/mudot
	install -m 644 $(BUILD)/_mudot $(DEST)/share/zsh/site-functions
	install -m 644 $(BUILD)/mudot.fish $(DEST)/share/fish/vendor_completions.d
	install -m 644 $(BUILD)/mudot.schema.json $(DEST)/share/mudot
	install -m 644 LICENSE README.md CITATION.cff .github/CHANGES.md $(DEST)/share/doc/mudot
	install -m 644 scripts/examples/*.c scripts/examples/*.yaml scripts/examples/*.ipynb scripts/examples/Makefile $(DEST)/share/doc/mudot/examples
	install -m 755 scripts/examples/*.py $(DEST)/share/doc/mudot/examples
	install -d $(DEST)/$(PACKAGES)/mudot/plot
	install -m 644 scripts/python/mudot/*.py scripts/python/mudot/py.typed $(DEST)/$(PACKAGES)/mudot
	install -m 644 scripts/python/mudot/plot/*.py $(DEST)/$(PACKAGES)/mudot/plot

deb: all $(INSTALLED)
	@MAKE="$(MAKE)" scripts/make-deb $(BUILD) $(VERSION)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
