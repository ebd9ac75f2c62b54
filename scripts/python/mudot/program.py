"""Finding and running the program mudot."""
from __future__ import annotations

import functools
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import warnings
from typing import Any, Callable, List, Mapping, Optional, Sequence, Set, Tuple, Union

from . import errors

PROGRESS = re.compile(r"t = (\S+) of (\S+?),")
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Load = Union[None, str, os.PathLike, Sequence[Union[str, os.PathLike]]]  # extensions: shared objects
Progress = Callable[[float, float, str], None]  # t, end, the program's line


def find() -> str:
    """The path of the program: $MUDOT, that of this installation, that of this source folder, that of $PATH."""
    here = pathlib.Path(__file__).resolve()
    nearby = [folder / name for folder in here.parents[1:5] for name in ("bin/mudot", "build/mudot")]
    given = os.environ.get("MUDOT")
    if given:
        nearby = [pathlib.Path(given)]
    for path in nearby:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    found = None if given else shutil.which("mudot")
    if not found:
        raise errors.MissingError(f"the program mudot is not found{f' at {given}' if given else ''}; install it, or give "
                                  "its path in the environment variable MUDOT")
    return found


def command(arguments: Sequence[Any], ranks: int = 1) -> List[str]:
    """The words of a command line."""
    launcher = [os.environ.get("MPIEXEC", "mpiexec"), "-n", str(ranks)] if ranks > 1 else []
    return [*launcher, find(), *map(str, arguments)]


def sentence_of(text: str) -> str:
    """The program's own sentence of what it has said.

    >>> sentence_of("mudot: warning: 7 % is off the grid\\nmudot: time_end: is missing\\n")
    'time_end: is missing'
    """
    lines = [line for line in ESCAPES.sub("", text).splitlines() if line.strip(" -")]
    own = [line[len("mudot: "):] for line in lines if line.startswith("mudot: ") and "warning:" not in line]
    return (own or lines or ["the program ended without a word"])[-1]


def warnings_of(text: str) -> List[str]:
    """The warnings among what the program has said."""
    return re.findall(r"^mudot: warning: *(.*)$", ESCAPES.sub("", text), re.M)


def loads(load: Load) -> List[str]:
    """The words of a command line that load extensions.

    >>> loads(["./one.so", "./two.so"]), loads("./one.so"), loads(None)
    (['-load', './one.so', '-load', './two.so'], ['-load', './one.so'], [])
    """
    listed = [] if load is None else [load] if isinstance(load, (str, os.PathLike)) else list(load)
    return [word for path in listed for word in ("-load", os.fspath(path))]


def stopped(out: str) -> str:
    """What an interrupted program has printed, as one sentence.

    >>> stopped("steps  7\\nstopped         at t = 0.5: SIGINT\\ncheckpoint      t = 0.5 in out\\n")
    'the run was stopped at t = 0.5: SIGINT; its checkpoint, of t = 0.5, lies in out; run.resume() goes on'
    """
    at = re.search(r"^stopped +(.*)$", out, re.M)
    kept = re.search(r"^checkpoint +(t = \S+) in (.*)$", out, re.M)
    if at and kept:
        return (f"the run was stopped {at.group(1)}; its checkpoint, of {kept.group(1)}, lies in {kept.group(2)}; "
                "run.resume() goes on")
    if at:
        return f"the study was stopped: {at.group(1)}, and the same call goes on"
    return "the program was stopped before there was anything to keep"


running: Set["Call"] = set()  # those that are at work, in all threads
changing = threading.Lock()


def interrupt_all() -> None:
    """Stops what is at work after its step, once."""
    with changing:
        calls = list(running)
    for call in calls:
        call.interrupt()


class Call:
    """The program at work, its errors read as on a terminal so that it tells how far it is."""

    def __init__(self, words: Sequence[str], progress: Optional[Progress] = None) -> None:
        self.words, self.progress = list(words), progress
        self.said: List[str] = []
        self.process: Optional[subprocess.Popen] = None
        self.interrupted = False

    def start(self, folder: str) -> None:
        """OpenMPI's processes leave files below TMPDIR in a folder that all mpiexec of a user share, and which goes with
        the first of them that ends: each has its own."""
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **({"TMPDIR": folder} if folder else {})}
        master, slave = pty.openpty()
        self.listener = threading.Thread(target=self.listen, args=(master,), daemon=True)
        self.listener.start()
        try:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
                                            text=True, env=environment, start_new_session=True)
        except OSError as error:
            raise errors.MissingError(f"{self.words[0]}: cannot be run: {error.strerror}") from None
        finally:
            os.close(slave)

    def interrupt(self) -> None:
        if not self.interrupted and self.process and self.process.poll() is None:
            self.interrupted = True
            os.killpg(self.process.pid, signal.SIGINT)

    def listen(self, master: int) -> None:
        rest = ""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:  # the other end is closed
                part = b""
            if not part:
                break
            *lines, rest = re.split(r"[\r\n]", rest + part.decode("utf-8", "replace"))
            for line in lines:
                self.hear(line)
        self.hear(rest)
        os.close(master)

    def hear(self, line: str) -> None:
        line = ESCAPES.sub("", line).strip()
        found = PROGRESS.match(line)
        if found and self.progress:
            self.progress(float(found.group(1)), float(found.group(2)), line)
        elif line and not found:
            self.said.append(line)

    def work(self, folder: str) -> Tuple[int, str, str]:
        """Exit status, standard output, what was said. Ctrl-C is passed on, and waited for."""
        with changing:
            running.add(self)
        try:
            self.start(folder)
            out = self.process.communicate()[0]
        except KeyboardInterrupt:
            if not self.process:
                raise
            self.interrupt()
            out = self.process.communicate()[0]
        finally:
            with changing:
                running.discard(self)
        self.listener.join(5)
        return self.process.returncode, out, "\n".join(self.said)


def call(arguments: Sequence[Any], ranks: int = 1, progress: Optional[Progress] = None, allowed: Sequence[int] = (0,),
         called: Mapping[str, str] = {}) -> Tuple[int, str]:
    """Runs a command to its end: exit status and standard output. A status that is not allowed raises the exception of
    that status. `called`: what temporary files are called in sentences."""
    one = Call(command(arguments, ranks), progress)
    folder = tempfile.mkdtemp(prefix="mudot-") if ranks > 1 else ""
    try:
        status, out, said = one.work(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for path, name in called.items():
        said = said.replace(path, name)
    if status == 5 or (status and one.interrupted):  # mpiexec has a status of its own
        raise errors.Interrupted(stopped(out), 5)
    if status < 0:
        raise errors.MudotError(f"the program was ended by {signal.Signals(-status).name}", status)
    if status not in allowed:
        raise errors.of_status(status, sentence_of(said))
    for warning in warnings_of(said):
        warnings.warn(warning, stacklevel=4)
    return status, out


@functools.lru_cache(maxsize=None)
def version() -> str:
    """The version of the program that is found."""
    return subprocess.run(command(["--version"]), capture_output=True, text=True, check=True).stdout.split()[-1]
