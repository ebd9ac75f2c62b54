"""What goes wrong, with the program's own sentence."""
from __future__ import annotations

from typing import Any, Optional


class MudotError(Exception):
    """A sentence of the program mudot. `status` is its exit status, `run` what is on disk (or None)."""

    def __init__(self, sentence: str, status: int = 0, run: Optional[Any] = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.run = run


class CaseError(MudotError):
    """The case or an argument is wrong (exit status 2)."""


class NumericsError(MudotError):
    """The numerics failed; the last good state is on disk, `run` opens it (exit status 3)."""


class FileError(MudotError):
    """A file could not be read or written (exit status 4)."""


class Interrupted(MudotError, KeyboardInterrupt):
    """A run was stopped before its end; `run.resume()` goes on (exit status 5)."""


class MissingError(MudotError):
    """The program, or a Python package that is asked for, is not there."""


KINDS = {2: CaseError, 3: NumericsError, 4: FileError, 5: Interrupted}


def of_status(status: int, sentence: str, run: Optional[Any] = None) -> MudotError:
    """The exception of an exit status.

    >>> of_status(2, 'time_step: "0" is not allowed')
    CaseError('time_step: "0" is not allowed')
    """
    return KINDS.get(status, MudotError)(sentence, status, run)
