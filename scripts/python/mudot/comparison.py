"""Distances between particles and a stored density."""
from __future__ import annotations

import os
import pathlib
import tempfile
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import h5py
import numpy as np

from . import arrays, program
from .errors import CaseError
from .runs import Run


def compare(run: Union[Run, str, os.PathLike], particles: Any, time: Union[None, float, Sequence[float]] = None,
            weights: Any = None, *, seed: int = 1, directory: Union[None, str, os.PathLike] = None,
            load: program.Load = None, **options: Any) -> Any:
    """A table (pandas.DataFrame where pandas is there): a row per time and distance, with its `value`, what as many
    independent samples have on average (`expected`, `sd`), and the `score`, (value - expected)/sd.

    `particles` are an array [n, d] of NumPy, PyTorch or JAX with a time, a list of them with as many times, another Run,
    or the path of a file. `load`: extensions that the run needs, where it is not a Run that has them. `options` are those of `mudot compare`: replicates, directions, kernel_bandwidth, ...
    """
    reference = run if isinstance(run, Run) else Run(run, load=load)
    with tempfile.TemporaryDirectory(prefix="mudot-") as folder:
        out = os.fspath(directory) if directory else os.path.join(folder, "compared")
        files = list(write(particles, weights, folder, time, dimension_of(reference)))
        at = [] if time is None else ["-time", ",".join(repr(float(t)) for t in np.atleast_1d(time))]
        more = [part for key, value in options.items() for part in (f"-{key}", str(value))]
        called = {file: "particles" if len(files) == 1 else f"particles[{k}]" for k, file in enumerate(files)
                  if file.startswith(folder)}
        program.call(["compare", reference.path, *files, *at, "-seed", seed, "-output_directory", out, "-overwrite", *more,
                      *program.loads(reference.load)], called=called)
        return arrays.table(list(rows(pathlib.Path(out) / "compare.h5")))


def dimension_of(run: Run) -> int:
    """Of the space that the densities or particles of a run live in."""
    return int(run.position.shape[-1]) if run.is_cloud else int(run.density.ndim) - 1


def write(particles: Any, weights: Any, folder: str, time: Any, dim: int) -> Iterator[str]:
    """The names of files with the particles."""
    if isinstance(particles, Run):
        yield str(particles.path)
    elif isinstance(particles, (str, os.PathLike)):
        yield os.fspath(particles)
    else:
        clouds = particles if np.ndim(time) and time is not None else [particles]
        masses = weights if np.ndim(time) and weights is not None else [weights] * len(clouds)
        for number, (cloud, mass) in enumerate(zip(clouds, masses)):
            yield write_one(arrays.numbers_of(cloud), mass, os.path.join(folder, f"{number}.npy"), dim)


def write_one(x: np.ndarray, weights: Any, path: str, dim: int) -> str:
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2:
        raise CaseError(f"particles: an array of the shape {x.shape} is given; it must be [n, d]", 2)
    if x.shape[1] != dim:
        raise CaseError(f"particles: an array with {x.shape[1]} columns is given; the run has {dim} "
                        f"dimension{'s' if dim > 1 else ''}; weights are given as weights=", 2)
    if weights is not None:
        x = np.c_[x, arrays.numbers_of(weights).reshape(len(x), 1)]
    np.save(path, x)
    return path


def rows(path: pathlib.Path) -> Iterator[Dict[str, Any]]:
    with h5py.File(path, "r") as file:
        times, names = file["time"][:], [name for name in file if "value" in getattr(file[name], "keys", list)()]
        for k, t in enumerate(times):
            for name in order(names):
                yield {"time": float(t), "particles": int(file["particles"][k]), "metric": name,
                       **{key: float(file[name][key][k]) for key in ("value", "expected", "sd", "score")}}


def order(names: List[str]) -> List[str]:
    first = ["mmd2", "energy_distance", "w1", "w2", "sliced_w1", "sliced_w2"]
    return [name for name in first if name in names] + sorted(set(names) - set(first))
