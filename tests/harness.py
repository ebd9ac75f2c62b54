"""What the programs of the checks in Python share: a line per check, the totals, the program under test."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
MUDOT = str(BUILD / "mudot")
MPIEXEC = os.environ.get("MPIEXEC", "mpiexec")
counts = {"passed": 0, "failed": 0}


def check(name, good, why=""):
    counts["passed" if good else "failed"] += 1
    print(f"ok      {name}" if good else f"FAILED  {name}: {why}", flush=True)
    return good


def mudot(*arguments, ranks=1, **options):
    command = [MPIEXEC, "-n", str(ranks)] if ranks > 1 else []
    return subprocess.run([*command, MUDOT, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def done(name, *arguments, **options):
    result = mudot(*arguments, **options)
    check(name, result.returncode == 0, result.stderr.strip())
    return result


def refused(name, status, words, *arguments):
    """One sentence with the words, and the exit status."""
    result = mudot(*arguments)
    good = result.returncode == status and words in result.stderr and result.stderr.count("\n") == 1
    check(name, good, f"{result.returncode} {result.stderr.strip()}")


@contextlib.contextmanager
def folder():
    """An empty folder to work in."""
    work = tempfile.mkdtemp(prefix="mudot-check-")
    os.chdir(work)
    try:
        yield pathlib.Path(work)
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)


def totals():
    print(f"{counts['passed']} passed, {counts['failed']} failed", flush=True)
    sys.exit(0 if counts["passed"] and not counts["failed"] else 1)
