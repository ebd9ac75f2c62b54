#!/usr/bin/python3
"""Runs parts of the checks side by side, a line per program, and closes with one line of totals.

Usage: tests/run.py [--build DIR] [--mpiexec MPIEXEC] [--jobs N] PART...

A part is one of the functions below. A program counts by the last line of its output that has totals ("3 passed,
0 failed, 1 skipped", or those of a Check suite), else as one by its exit status; with exit status 77 it is skipped, its
last line says why. What was skipped is named again at the end. Logs are kept in DIR/log, with the times of all.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITE = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)
TOTALS = re.compile(r"^(\d+) passed, (\d+) failed(?:, \d+ skipped)?$", re.M)
SKIPPED = 77
# OpenMPI would tie the first ranks of all programs to the same processor.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
               "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_mpi_yield_when_idle": "1",
               "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Ranks of one machine need no network; without it they start faster.
ON_ONE_MACHINE = {"OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader", "OMPI_MCA_osc": "sm",
                  "HWLOC_COMPONENTS": "-x86", "HWLOC_PLUGINS_PATH": "/nonexistent"}


class Job:
    """A program: its name, command, environment, the processors that it keeps busy, the names of the jobs before it."""

    def __init__(self, name, *command, processors=1, after=(), **environment):
        self.name, self.command = name, [str(word) for word in command]
        self.environment, self.processors, self.after = environment, processors, set(after)
        self.passed, self.failed, self.skipped, self.seconds, self.busy, self.text = 0, 0, [], 0.0, 0.0, ""

    def run(self, directory):
        begin = time.time()
        environment = {**os.environ, **ENVIRONMENT, **self.environment}
        environment["MAKEFLAGS"] = re.sub(r"-j\d*\b|--jobserver-\S+", "", environment.get("MAKEFLAGS", ""))
        with tempfile.TemporaryDirectory(prefix="mu-") as own, \
                open(directory / (re.sub(r"\W+", "-", self.name) + ".log"), "w+", errors="replace") as log:
            environment["TMPDIR"] = own  # OpenMPI keeps and removes a folder there that its programs share
            child = subprocess.Popen(self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT, env=environment)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            self.text = log.read()
        self.seconds, self.busy = time.time() - begin, used.ru_utime + used.ru_stime
        self.count(child.returncode)

    def count(self, status):
        suite, totals = SUITE.findall(self.text), TOTALS.findall(self.text)
        self.skipped = re.findall(r"^skipped +(.*)$", self.text, re.M)
        if status == SKIPPED:
            self.skipped = [f"{self.name}: {(self.text.strip() or 'it does not say why').splitlines()[-1]}"]
        elif suite:
            checks, failures, errors = map(int, suite[-1])
            self.passed, self.failed = checks - failures - errors, failures + errors
        elif totals:
            self.passed, self.failed = map(int, totals[-1])
        else:
            self.passed = int(status == 0)
        if status not in (0, SKIPPED) and not self.failed or self.passed + self.failed + len(self.skipped) == 0:
            self.failed += 1

    def line(self):
        word = "FAILED " if self.failed else "ok     " if self.passed else "skipped"
        number = self.passed + self.failed
        return f"{word} {self.name} ({f'{number} checks, ' if number > 1 else ''}{self.seconds:.1f} s)"


def show(job):
    if job.failed:
        lines = job.text.splitlines()
        told = [line for line in lines if line.startswith(("FAILED", "        | "))]
        print("\n".join(told[:60] or lines[-40:]))
    print(job.line(), flush=True)


def schedule(jobs, processors, directory):
    """Every job as soon as those before it are done and its processors are free, in the order of the list."""
    names, waiting, running, free = {job.name for job in jobs}, list(jobs), [], processors
    changed = threading.Condition()

    def work(job):
        job.run(directory)
        with changed:
            running.remove(job)
            changed.notify()
            show(job)

    with changed:
        while waiting or running:
            busy = sum(min(job.processors, processors) for job in running)
            unfinished = {job.name for job in waiting + running}
            for job in waiting:
                if not job.after & names & unfinished and min(job.processors, processors) <= processors - busy:
                    waiting.remove(job)
                    running.append(job)
                    threading.Thread(target=work, args=(job,)).start()
                    break
            else:
                changed.wait()


# ---------------------------------------------------------------------------------------------- parts


# Tests whose ranks wait long for each other where they are more than the cores; make check runs them on one and two
# ranks, make check-all on four.
LONG_ON_FOUR = {"test_case", "test_conformance", "test_convolution", "test_energy", "test_exact", "test_extrapolation",
                "test_extrapolation_rows", "test_extremes", "test_flow", "test_geometry", "test_limited", "test_pairs",
                "test_particles", "test_proximal", "test_restart_particles", "test_runge_kutta", "test_study",
                "test_theorems", "test_transport", "test_units"}

# CVODE's vectors are those of one rank.
ON_ONE = {"test_stiff"}


def unit_tests(ranks, mpiexec, build, leave_out=(), only=None, **options):
    for source in sorted((ROOT / "tests").glob("test_*.c")):
        if source.stem in leave_out or (only and source.stem not in only) or (ranks > 1 and source.stem in ON_ONE):
            continue
        start, fast = ([*mpiexec.split(), "-n", ranks], ON_ONE_MACHINE) if ranks > 1 else ([], {})
        yield Job(f"{source.stem} on {ranks} rank{'s' * (ranks > 1)}", *start, f"{build}/tests/{source.stem}",
                  processors=ranks, **fast, **options)


def command_line(build, prefix="command line", **options):
    for section in "input samples commands hostile runs particles studies killed".split():
        yield Job(f"{prefix}: {section}", "tests/cli.sh", section, BUILD=build, **options)


def style(build, mpiexec, jobs):
    """Format, names and layers of the sources."""
    yield Job("format", "make", "format-check")
    yield Job("names", "tests/check_names.py", f"{build}/mudot")
    yield Job("layers", "tests/check_layers.py", build)


def cli(build, mpiexec, jobs):
    """The command line."""
    yield from command_line(build, MPIEXEC=mpiexec)
    yield Job("certificates", "tests/ledger.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("masses", "tests/mass.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("references, quick", "tests/references.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("a full disk, quick", "tests/full_disk.py", f"{build}/mudot", "--every", "40", "run", "restart", "sample-over")
    yield Job("the Python package, quick", "tests/package.py", "quick", BUILD=build, MPIEXEC=mpiexec)


def installed(build, mpiexec, jobs):
    """What make install leaves."""
    yield Job("installation", "tests/install.sh", BUILD=build, MPIEXEC=mpiexec)


def references(build, mpiexec, jobs):
    """mudot reference against exact solutions, all of them."""
    yield Job("references", "tests/references.py", "--all", BUILD=build, MPIEXEC=mpiexec)


def manual(build, mpiexec, jobs):
    """README.md and src/manual/: generated parts, commands and what they print, links."""
    yield Job("manual", "tests/manual.py", build)


def copied(build, mpiexec, jobs):
    """Descriptors under other names have the same flows."""
    yield Job("copied descriptors", "tests/copied.py", build, processors=2)


def unit(build, mpiexec, jobs):
    """Unit tests on 1, 2 and, but for the long ones, 4 ranks."""
    for ranks in 1, 2, 4:
        yield from unit_tests(ranks, mpiexec, build, LONG_ON_FOUR if ranks == 4 else ())


def four_ranks(build, mpiexec, jobs):
    """The long unit tests on 4 ranks."""
    yield from unit_tests(4, mpiexec, build, only=LONG_ON_FOUR)


def check(build, mpiexec, jobs):
    """All of make check: style, cli, installed, manual, unit, copied."""
    for make in style, cli, installed, manual, unit, copied:
        yield from make(build, mpiexec, jobs)


def stress(build, mpiexec, jobs):
    """Random cases against every promise; the cases that mudot new writes; studies in other units."""
    yield Job("stress", "tests/stress.sh", "check", processors=2, BUILD=build, MPIEXEC=mpiexec)
    yield Job("cases of mudot new", "tests/new.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("studies in other units", "tests/units.py", BUILD=build, MPIEXEC=mpiexec)


def static(build, mpiexec, jobs):
    """What compilers and cppcheck see without running anything."""
    yield Job("static", "make", f"-j{jobs}", f"BUILD={build}", "ANALYZER=no", "static", processors=jobs)


def sanitized(build, mpiexec, jobs):
    """The unit tests and the command line under sanitizers, counting the lines of src/ that run."""
    quiet = "detect_leaks=0"
    build_it, there = "build with sanitizers", f"{build}/sanitize"
    yield Job(build_it, "make", f"-j{jobs}", f"BUILD={build}", "sanitize-build", processors=jobs, ASAN_OPTIONS=quiet)
    # A refusal need not free what it has: the program ends. So leaks are looked for in the unit tests.
    done = [*command_line(there, "sanitized command line", after=[build_it], ASAN_OPTIONS=quiet,
                          MPIEXEC=mpiexec),
            Job("sanitized report", "tests/report.py", "--without-browser", after=[build_it], ASAN_OPTIONS=quiet,
                BUILD=there, MPIEXEC=mpiexec)]
    for job in unit_tests(1, mpiexec, there, after=[build_it], MU_TEST_QUICK="1", ASAN_OPTIONS="leak_check_at_exit=0",
                          LSAN_OPTIONS=f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0"):
        job.name = f"sanitized {job.name}"
        done.append(job)
    yield from done
    yield Job("coverage", "scripts/coverage", there, after=[job.name for job in done])


def restart(build, mpiexec, jobs):
    """Runs that are killed, stopped and starved of disk space."""
    yield Job("restart", "tests/restart.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("a full disk at every call", "tests/full_disk.py", f"{build}/mudot", "--every", "4")


def valgrind(build, mpiexec, jobs):
    """Uninitialised values and stray accesses on one small case."""
    yield Job("valgrind", "make", f"-j{jobs}", f"BUILD={build}", "valgrind", processors=jobs)


def browser(build, mpiexec, jobs):
    """The pages of mudot report in Chromium."""
    yield Job("report in a browser", "tests/report.py", BUILD=build, MPIEXEC=mpiexec)


def formats(build, mpiexec, jobs):
    """What others read and write: arrays of NumPy, netCDF, XDMF; the Python package with all that it uses."""
    yield Job("arrays of NumPy", "tests/npy.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("the package for Debian", "tests/deb.sh", BUILD=build)
    yield Job("netCDF and XDMF", "tests/formats.py", BUILD=build, MPIEXEC=mpiexec)
    yield Job("the Python package", "tests/package.py", BUILD=build, MPIEXEC=mpiexec)


def fuzz(build, mpiexec, jobs):
    """A minute of random bytes; programs that are built fast, not optimized."""
    yield Job("fuzzing", "make", f"-j{jobs}", f"BUILD={build}", "fuzz", "FUZZ_SECONDS=60",
              f"FUZZ_BUILD={build}/fuzz-check", "FUZZ_OPT=-O0 -gline-tables-only", processors=jobs)


PARTS = {make.__name__: make for make in (style, cli, installed, manual, unit, four_ranks, copied, check, stress, static,
                                         sanitized, restart, valgrind, browser, formats, fuzz, references)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="\n".join(f"{name:10} {make.__doc__}" for name, make in PARTS.items()))
    parser.add_argument("--build", default="build")
    parser.add_argument("--mpiexec", default="mpiexec")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="PART")
    given = parser.parse_args()
    os.chdir(ROOT)
    jobs = [job for name in given.parts for job in PARTS[name](given.build, given.mpiexec, given.jobs)]
    directory = ROOT / given.build / "log"
    directory.mkdir(parents=True, exist_ok=True)
    begin = time.time()
    schedule(jobs, given.jobs, directory)
    with open(directory / "times.txt", "a") as times:
        for job in sorted(jobs, key=lambda job: -job.busy):
            times.write(f"{job.busy:8.1f} s busy {job.seconds:8.1f} s  {job.name}\n")
    skipped = [line for job in jobs for line in job.skipped]
    print("\n".join([f"skipped {line}" for line in skipped] + [f"{time.time() - begin:.0f} s"]))
    passed, failed = sum(job.passed for job in jobs), sum(job.failed for job in jobs)
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main())
