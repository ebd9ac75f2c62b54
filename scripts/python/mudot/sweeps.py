"""Runs for all values of some keys, in one Dataset."""
from __future__ import annotations

import concurrent.futures
import hashlib
import itertools
import os
import pathlib
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import arrays, program
from .case import Case, Source, word
from .errors import CaseError, FileError, Interrupted, MudotError
from .runs import Run, start


def sweep(case: Source, values: Mapping[str, Sequence[Any]], directory: Union[None, str, os.PathLike] = None, *,
          workers: int = 1, ranks: int = 1, command: str = "run", load: program.Load = None) -> Any:
    """Runs the case for every combination of `values` (key -> list of values, `kernel.bandwidth` or `kernel_bandwidth`)
    and gives one Dataset with a dimension per key: the columns of the ledger at the times of the snapshots and, if all
    runs share their grid, the density.

    Each run has a folder of its own below `directory` (default: `sweep` beside the case's own) whose name holds the hash
    of its case: what is done is not done again, what was stopped goes on. `workers` runs go on at a time. `load`: extensions
    that the case needs. Ctrl-C stops the runs that are at work, with checkpoints, and raises Interrupted; the same call
    goes on.
    """
    case = Case(case)
    if not values or any(len(np.atleast_1d(list(v))) == 0 for v in values.values()):
        raise CaseError("sweep: no values are given; give a mapping of keys to lists of values", 2)
    top = pathlib.Path(directory or pathlib.Path(case.directory or ".") / "sweep")
    keys = [key.replace(".", "_") for key in values]
    points = list(itertools.product(*(list(v) for v in values.values())))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(one, case.with_(dict(zip(keys, point))), keys, point, top, ranks, command, load) for point in points]
        runs = gather(jobs, top)
    return collect(dict(zip(values, map(list, values.values()))), runs)


def gather(jobs: List[Any], top: pathlib.Path) -> List[Run]:
    """All runs; after a first failure, or Ctrl-C, those that have not begun do not."""
    try:
        return [job.result() for job in jobs]
    except MudotError:
        for job in jobs:
            job.cancel()
        raise
    except KeyboardInterrupt:
        stop(jobs)
        done = sum(not job.cancelled() and job.exception() is None for job in jobs)
        raise Interrupted(f"sweep: stopped with {done} of {len(jobs)} runs done; those that were at work have their "
                          f"checkpoints below {top}, and the same call goes on", 5) from None


def stop(jobs: List[Any]) -> None:
    """Stops what is at work and waits for it; what begins meanwhile is stopped as well."""
    for job in jobs:
        job.cancel()
    while not all(job.done() for job in jobs):
        program.interrupt_all()
        concurrent.futures.wait(jobs, timeout=0.2)


def fingerprint(load: program.Load) -> str:
    """Of the extensions: another one under the same name makes another run."""
    files = [pathlib.Path(word) for word in program.loads(load)[1::2]]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files if file.is_file())).hexdigest() if files else ""


def one(case: Case, keys: Sequence[str], point: Sequence[Any], top: pathlib.Path, ranks: int, command: str,
        load: program.Load) -> Run:
    """One run, done before, gone on with, or new."""
    name = "-".join(f"{key}={word(value)}" for key, value in zip(keys, point)).replace("/", "_")[:80]
    directory = top / f"{name}-{case.digest(program.version(), command, *filter(None, [fingerprint(load)]))}"
    if finished(directory):
        return Run(directory, load=load)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return start(command, case, directory, ranks, ["-restart"], False, load)
    except MudotError as error:
        error.args = (f"{', '.join(f'{key} = {word(value)}' for key, value in zip(keys, point))}: {error}",)
        raise


def finished(directory: pathlib.Path) -> bool:
    if not directory.is_dir():
        return False
    try:
        return Run(directory).status == "done"
    except (FileError, OSError):
        return False


def at_snapshots(run: Run) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    """The ledger's columns at the times of the snapshots."""
    ledger, time = run.ledger, run.time
    names = [str(name) for name in (ledger if isinstance(ledger, dict) else ledger.data_vars)]
    t = np.asarray(ledger.coords["t"])
    return time, {name: np.interp(time, t, np.asarray(ledger[name])) for name in names}


def collect(values: Mapping[str, List[Any]], runs: Sequence[Run]) -> Any:
    shape = tuple(len(v) for v in values.values())
    dims = tuple(key.replace(".", "_") for key in values)
    coords: Dict[str, Any] = {dim: [v if np.ndim(v) == 0 else word(v) for v in listed]
                              for dim, listed in zip(dims, values.values())}
    found = [at_snapshots(run) for run in runs]
    time = longest([t for t, _ in found])
    variables: Dict[str, Tuple[Sequence[str], Any]] = {}
    for name in found[0][1]:
        rows = [padded(columns.get(name, np.zeros(0)), len(time)) for _, columns in found]
        name = f"ledger_{name}" if name in dims else name  # the energy of a term whose weight is a dimension
        variables[name] = ((*dims, "time"), np.reshape(rows, (*shape, len(time))))
    variables["directory"] = (dims, np.reshape([str(run.directory) for run in runs], shape))
    density = common_density(runs)
    if density is not None:
        axes = [str(axis) for axis in density[0].dims]
        coords.update({axis: np.asarray(density[0].coords[axis]) for axis in axes[1:]})
        variables["density"] = ((*dims, *axes), np.reshape([np.asarray(d) for d in density], (*shape, *density[0].values.shape)))
    return arrays.dataset(variables, {**coords, "time": time}, {})


def longest(times: Sequence[np.ndarray]) -> np.ndarray:
    """The times of all runs; they may end at different ones, but not differ before."""
    last = max(times, key=len)
    for t in times:
        if not np.allclose(t, last[:len(t)]):
            raise CaseError("sweep: the runs have snapshots at different times; give output.every or output.times", 2)
    return last


def padded(column: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([column, np.full(length - len(column), np.nan)])


def common_density(runs: Sequence[Run]) -> Optional[List[Any]]:
    """The densities, None if their grids or times differ, or of particles."""
    if any(run.is_cloud for run in runs):
        return None
    found = [run.density for run in runs]
    first = found[0]
    same = all(d.values.shape == first.values.shape and
               all(np.array_equal(np.asarray(d.coords[a]), np.asarray(first.coords[a])) for a in first.dims[1:])
               for d in found)
    return found if same else None
