"""Studies: a sweep with a verdict on a theorem."""
from __future__ import annotations

import os
import pathlib
from typing import Any, Mapping, Optional, Union

import h5py
import numpy as np

from . import arrays, errors, program, stored
from .case import Case, Source


class Study:
    """A finished study: its directory or its study.h5."""

    def __init__(self, directory: Union[str, os.PathLike]) -> None:
        path = pathlib.Path(directory)
        self.directory = path.parent if path.suffix == ".h5" else path
        self.path = self.directory / "study.h5"
        if not self.path.is_file():
            raise errors.FileError(f"{self.path}: there is no such file; the study is not finished", 4)

    @property
    def attrs(self) -> Mapping[str, Any]:
        with h5py.File(self.path, "r") as file:
            return stored.attributes(file)

    @property
    def verdict(self) -> str:
        """holds, fails or undecided."""
        return str(self.attrs["verdict"])

    @property
    def rows(self) -> Any:
        """A table, a row per value."""
        with h5py.File(self.path, "r") as file:
            columns = {name: file["rows"][name][:] for name in file["rows"]}
        names = sorted(columns, key=lambda name: name != "value")
        count = len(columns["value"])
        return arrays.table([{name: columns[name][k].item() for name in names} for k in range(count)])

    @property
    def curves(self) -> Any:
        """A Dataset of the curves over time, a task per row and reference; empty where a study has none."""
        with h5py.File(self.path, "r") as file:
            group = file.get("curves", {})
            found = {name: group[name][:] for name in group}
        t = found.pop("t", np.zeros(0))
        return arrays.dataset({name: (("task", "t"), values) for name, values in found.items()}, {"t": t}, {})

    def plot(self, **options: Any) -> Any:
        """Figures of matplotlib, which a notebook shows."""
        from . import plot

        return plot.figures(self.directory, (), **options)

    def __repr__(self) -> str:
        return f"<mudot.Study {self.directory}: {self.verdict}>"


def study(source: Source, directory: Optional[Union[str, os.PathLike]] = None, *, ranks: int = 1, overwrite: bool = False,
          load: program.Load = None, **blocks: Any) -> Study:
    """Runs a study, whatever its verdict is. `load`: extensions that its case needs."""
    case = Case(source, **blocks)
    if directory is not None:
        case = case.with_(output={"directory": os.fspath(directory)})
    if case.directory is None:
        raise errors.CaseError("output_directory: is missing; give directory, or a block output to the study", 2)
    file = case.file()
    with file as path:
        program.call(["study", path, *case.options(), *(["-output_overwrite"] if overwrite else []),
                      *program.loads(load)], ranks, allowed=(0, 1), called=file.called)
    return Study(case.directory)
