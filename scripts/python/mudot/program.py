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
import threading
import warnings
from typing import Any, Callable, List, Optional, Sequence, Tuple

from . import errors

PROGRESS = re.compile(r"t = (\S+) of (\S+?),")
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

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
    lines = [line for line in ESCAPES.sub("", text).splitlines() if line.strip()]
    own = [line[len("mudot: "):] for line in lines if line.startswith("mudot: ") and "warning:" not in line]
    return (own or lines or ["the program ended without a word"])[-1]


def warnings_of(text: str) -> List[str]:
    """The warnings among what the program has said."""
    return re.findall(r"^mudot: warning: *(.*)$", ESCAPES.sub("", text), re.M)


class Call:
    """The program at work, its errors read as on a terminal so that it tells how far it is."""

    def __init__(self, words: Sequence[str], progress: Optional[Progress] = None) -> None:
        self.progress = progress
        self.said: List[str] = []
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
        master, slave = pty.openpty()
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave, text=True,
                                            env=environment, start_new_session=True)
        except OSError as error:
            os.close(master)
            raise errors.MissingError(f"{words[0]}: cannot be run: {error.strerror}") from None
        finally:
            os.close(slave)
        self.listener = threading.Thread(target=self.listen, args=(master,), daemon=True)
        self.listener.start()

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

    def finish(self) -> Tuple[int, str, str]:
        """Exit status, standard output, what was said. Ctrl-C is passed on, and waited for."""
        try:
            out = self.process.communicate()[0]
        except KeyboardInterrupt:
            os.killpg(self.process.pid, signal.SIGINT)
            out = self.process.communicate()[0]
        self.listener.join(5)
        return self.process.returncode, out, "\n".join(self.said)


def call(arguments: Sequence[Any], ranks: int = 1, progress: Optional[Progress] = None,
         allowed: Sequence[int] = (0,)) -> Tuple[int, str]:
    """Runs a command to its end: exit status and standard output. A status that is not allowed raises the exception of
    that status."""
    status, out, said = Call(command(arguments, ranks), progress).finish()
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
