"""Runs: solving a flow or moving particles, and what they leave."""
from __future__ import annotations

import html
import os
import pathlib
import tempfile
from typing import Any, Dict, List, Optional, Union

import numpy as np

from . import arrays, errors, program, stored
from .case import Case, Source
from .progress import Bar


def run(case: Source, directory: Optional[Union[str, os.PathLike]] = None, *, ranks: int = 1, overwrite: bool = False,
        progress: Optional[bool] = None, load: program.Load = None) -> "Run":
    """Solves the flow of a case and opens its results. `directory` stands for `output_directory`; `load` names
    extensions, shared objects whose energies, operators and kernels the case may use.

    Ctrl-C stops after a step, with a checkpoint, and raises Interrupted; its `run.resume()` goes on.
    """
    return start("run", Case(case), directory, ranks, ["-output_overwrite"] if overwrite else [], progress, load)


def particles(case: Source, directory: Optional[Union[str, os.PathLike]] = None, *, ranks: int = 1,
              overwrite: bool = False, progress: Optional[bool] = None, load: program.Load = None) -> "Run":
    """Runs the particle method of a case."""
    return start("particles", Case(case), directory, ranks, ["-output_overwrite"] if overwrite else [], progress, load)


def start(command: str, case: Case, directory: Optional[Union[str, os.PathLike]], ranks: int, more: List[str],
          progress: Optional[bool], load: program.Load = None) -> "Run":
    """The command on a case; what is on disk is the `run` of an exception."""
    if directory is not None:
        case = case.with_(output={"directory": os.fspath(directory)})
    where = case.directory
    if where is None:
        raise errors.CaseError("output_directory: is missing; give directory, or a block output to the case", 2)
    shown = Bar(progress)
    try:
        file = case.file()
        with file as path:
            program.call([command, path, *case.options(), *more, *program.loads(load)], ranks, shown, called=file.called)
    except (errors.NumericsError, errors.Interrupted) as error:
        error.run = Run(where, load=load)
        error.run.case, error.run.command = case, command
        raise
    finally:
        shown.close()
    done = Run(where, load=load)
    done.case, done.command = case, command
    return done


class Run:
    """A run on disk, finished or not: its directory, or its run.h5 or particles.h5. Everything is read when it is asked
    for, so that a run that goes on may be looked at. `load`: the extensions that its case needs; nothing is loaded
    because a file says so."""

    def __init__(self, directory: Union[str, os.PathLike], *, load: program.Load = None) -> None:
        self.load = load
        path = pathlib.Path(directory)
        self.directory = path.parent if path.suffix == ".h5" else path
        cloud = self.directory / "particles.h5"
        self.is_cloud = cloud.is_file() and not (self.directory / "run.h5").is_file()
        self.path = cloud if self.is_cloud else self.directory / "run.h5"
        self.case: Optional[Case] = None
        self.command = "particles" if self.is_cloud else "run"

    def open(self) -> Any:
        """The file, by h5py."""
        return stored.open_file(self.path, ("time", "position" if self.is_cloud else "density"))

    @property
    def attrs(self) -> Dict[str, Any]:
        """Version, command line, case, scheme, status and so on."""
        with self.open() as file:
            return stored.attributes(file)

    @property
    def status(self) -> str:
        return str(self.attrs.get("status", ""))

    @property
    def time(self) -> np.ndarray:
        """Times of the snapshots."""
        with self.open() as file:
            return file["time"][:]

    def series(self, name: str) -> Any:
        """A dataset with one item per snapshot."""
        with self.open() as file:
            count = min(file["time"].shape[0], file[name].shape[0])
            values = file[name][:count]
            coords = {"time": file["time"][:count]}
            dims = ["time", "particle", "axis"][:values.ndim]
            if name == "density":
                dims = ["time", *(("y", "x") if values.ndim == 3 else ("x",))]
                coords.update({axis: file[f"grid/{axis}"][:] for axis in dims[1:]})
            return arrays.array(name, dims, values, coords, {"long_name": name})

    @property
    def density(self) -> Any:
        """density(time, y, x)."""
        return self.series("density")

    @property
    def position(self) -> Any:
        """Of particles: position(time, particle, axis)."""
        return self.series("position")

    @property
    def weight(self) -> Any:
        """Of particles: weight(time, particle)."""
        return self.series("weight")

    def field(self, name: str, path: str, transform: Any) -> Any:
        with self.open() as file:
            if path not in file:
                raise errors.FileError(f"{self.path}: has no {path}", 4)
            values = transform(file[path][:])
            dims = ("y", "x") if values.ndim == 2 else ("x",)
            return arrays.array(name, dims, values, {axis: file[f"grid/{axis}"][:] for axis in dims}, {"long_name": name})

    @property
    def target(self) -> Any:
        """The target's density(y, x)."""
        return self.field("target", "target/log_density", np.exp)

    @property
    def mask(self) -> Any:
        """mask(y, x): whether a cell is in the domain."""
        return self.field("mask", "grid/mask", lambda values: values > 0)

    @property
    def ledger(self) -> Any:
        """A Dataset: a variable per column along the time t of the steps."""
        with self.open() as file:
            found = stored.columns(file.get("ledger"))
        t = found.pop("t", np.zeros(0))
        return arrays.dataset({name: (("t",), column) for name, column in found.items()}, {"t": t}, {})

    def sample(self, n: int, time: Optional[float] = None, seed: int = 1, method: str = "iid") -> np.ndarray:
        """n points [n, d] of the density at a time (default: the last)."""
        with tempfile.TemporaryDirectory(prefix="mudot-") as folder:
            file = os.path.join(folder, "points.npy")
            at = [] if time is None else ["-time", time]
            program.call(["sample", self.path, "-n", n, "-seed", seed, "-method", method, "-output", file, *at,
                          *program.loads(self.load)], called={file: "points"})
            return np.load(file)

    def mesh(self, time: Optional[float] = None) -> Any:
        """A meshio.Mesh: the cells of the domain as lines or quadrilaterals, with density and target, at the snapshot
        nearest to a time (default: the last). `run.mesh(0.5).write("flow.vtu")`. Needs meshio."""
        from . import meshes

        return meshes.of_run(self, time)

    def resume(self, *, ranks: int = 1, progress: Optional[bool] = None) -> "Run":
        """Goes on from the newest checkpoint to the end of the case."""
        case = self.case or Case(self.effective_case())
        return start(self.command, case, self.directory, ranks, ["-restart"], progress, self.load)

    def effective_case(self) -> pathlib.Path:
        """The case that the run was, written to case.yaml in its directory."""
        path = self.directory / "case.yaml"
        path.write_text(str(self.attrs.get("case", "")))
        return path

    def plot(self, *names: str, **options: Any) -> Any:
        """Figures of matplotlib, which a notebook shows: density, energy, balance (default: all); of particles: cloud.
        Options: points, labels, column_width (inches)."""
        from . import plot

        return plot.figures(self.directory, names, **options)

    def movie(self, path: Union[str, os.PathLike], **options: Any) -> pathlib.Path:
        """The density over time as .mp4 (through ffmpeg) or .gif."""
        from .plot import movie

        return movie.write(self.directory, pathlib.Path(path), **options)

    def report(self, path: Optional[Union[str, os.PathLike]] = None) -> pathlib.Path:
        """One page of HTML."""
        made = pathlib.Path(path) if path else self.directory / "report.html"
        program.call(["report", self.directory, "-output", made, "-overwrite", *program.loads(self.load)])
        return made

    def __repr__(self) -> str:
        return f"<mudot.Run {self.directory}: {self.status}>"

    def _repr_html_(self) -> str:
        head = f"<p>{html.escape(repr(self))}</p>"
        try:
            return head + self.plot()._repr_html_()
        except (errors.MudotError, ImportError):
            return head
