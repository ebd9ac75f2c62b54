"""Cases: a YAML file or a mapping, with overrides."""
from __future__ import annotations

import hashlib
import json
import numbers
import os
import pathlib
import re
import tempfile
from typing import Any, Dict, List, Mapping, Optional, Union

import numpy as np

from .errors import CaseError

Source = Union[str, os.PathLike, Mapping[str, Any], "Case"]
FILES = re.compile(r"\b(?:file|mask|case)\b\"?:\s*[\"']?([^\"'\s,}]+)")
DIRECTORY = re.compile(r"\boutput\b\"?:.*?\bdirectory\b\"?:\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s,}#]+))", re.S)


def word(value: Any) -> str:
    """A value as the command line takes it.

    >>> word(0.1), word(True), word([1, 2]), word(np.eye(2))
    ('0.1', 'true', '1,2', '1.0,0.0,0.0,1.0')
    """
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple)):
        return ",".join(word(v) for part in value for v in (part if isinstance(part, (list, tuple)) else [part]))
    if isinstance(value, numbers.Integral):
        return str(int(value))
    return repr(float(value)) if isinstance(value, numbers.Real) else str(value)


def flatten(mapping: Mapping[str, Any], before: str = "") -> Dict[str, Any]:
    """Nested keys joined by _, keys with dots as well.

    >>> flatten({"kernel": {"bandwidth": 0.1}, "time.end": 2})
    {'kernel_bandwidth': 0.1, 'time_end': 2}
    """
    flat: Dict[str, Any] = {}
    for key, value in mapping.items():
        name = f"{before}{str(key).replace('.', '_')}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}_"))
        else:
            flat[name] = value
    return flat


def plain(value: Any) -> Any:
    """A value as JSON, which is YAML too."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.ravel().tolist())
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


class Case:
    """A case of `mudot run`: the path of a YAML file, a mapping of its blocks, or another case, and overrides.

    >>> case = Case({"grid": {"lower": [0], "upper": [1], "cells": [8]}}, time={"end": 1})
    >>> case.with_({"kernel.bandwidth": 0.5}).options()
    ['-time_end', '1', '-kernel_bandwidth', '0.5']
    """

    def __init__(self, source: Source, overrides: Optional[Mapping[str, Any]] = None, **blocks: Any) -> None:
        self.overrides: Dict[str, Any] = {}
        self.path: Optional[pathlib.Path] = None
        if isinstance(source, Case):
            self.path, self.text, self.overrides = source.path, source.text, dict(source.overrides)
        elif isinstance(source, Mapping):
            self.text = json.dumps(plain(source), indent=1)
        else:
            self.path = pathlib.Path(source)
            try:
                self.text = self.path.read_text()
            except OSError as error:
                raise CaseError(f"{self.path}: cannot be read: {error.strerror}", 4) from None
        self.overrides.update(flatten({**(overrides or {}), **blocks}))

    def with_(self, overrides: Optional[Mapping[str, Any]] = None, **blocks: Any) -> "Case":
        """The same case with more overrides."""
        return Case(self, overrides, **blocks)

    def options(self) -> List[str]:
        """The overrides as words of a command line."""
        return [part for key, value in self.overrides.items() for part in (f"-{key}", word(value))]

    @property
    def directory(self) -> Optional[str]:
        """Where results go, None if the case does not say it."""
        if "output_directory" in self.overrides:
            return str(self.overrides["output_directory"])
        found = DIRECTORY.search(self.text)
        return next(filter(None, found.groups())) if found else None

    def digest(self, *more: str) -> str:
        """A hash of the text, the overrides and the files that they name.

        >>> case = Case({"time": {"end": 1}})
        >>> case.digest() == Case({"time": {"end": 1}}).digest() != case.with_(time={"end": 2}).digest()
        True
        """
        overrides = {key: word(value) for key, value in self.overrides.items() if not key.startswith("output_directory")}
        named = FILES.findall(self.text) + [value for key, value in overrides.items() if key.endswith(("file", "mask"))]
        state = hashlib.sha256("\0".join([self.text, json.dumps(sorted(overrides.items())), *more]).encode())
        folder = self.path.parent if self.path else pathlib.Path(".")
        for name in sorted(set(named)):
            for path in (pathlib.Path(name), folder / name, folder.parent / name):
                if path.is_file():
                    state.update(path.read_bytes())
                    break
        return state.hexdigest()[:12]

    def file(self) -> "CaseFile":
        """The case as a file, for the time of a `with`."""
        return CaseFile(self)

    def __repr__(self) -> str:
        return f"Case({str(self.path) if self.path else '{...}'!r}, {self.overrides})"


class CaseFile:
    """The path of a case; a mapping is written to a temporary one, which is removed and is `called` the case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.made: Optional[str] = None

    @property
    def called(self) -> Dict[str, str]:
        return {self.made: "the case"} if self.made else {}

    def __enter__(self) -> str:
        if self.case.path:
            return str(self.case.path)
        handle, self.made = tempfile.mkstemp(suffix=".yaml", prefix="mudot-case-")
        with os.fdopen(handle, "w") as out:
            out.write(self.case.text)
        return self.made

    def __exit__(self, *_: Any) -> None:
        if self.made:
            os.unlink(self.made)
