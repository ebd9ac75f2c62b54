"""Reading the files of results, also while they are being written."""
from __future__ import annotations

import os
import pathlib
import time
from typing import Any, Dict, Iterator, Sequence

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # the writer may still be at work

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from .errors import FileError  # noqa: E402


def as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def open_file(path: pathlib.Path, needed: Sequence[str]) -> h5py.File:
    """The file may be in the middle of an append: it is looked at again a few times."""
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: there is no such directory; give the output directory of a run", 4)
    if not path.is_file():
        raise FileError(f"{path}: there is no such file; {path.parent} is not the output directory of a run", 4)
    for attempt in range(5):
        try:
            file = h5py.File(path, "r")
            if all(name in file for name in needed):
                return file
            file.close()
        except OSError:
            pass
        time.sleep(0.1 * (attempt + 1))
    wanted = ", ".join(f"/{name}" for name in needed)
    raise FileError(f"{path}: cannot be read as the file of a run ({wanted})", 4)


def columns(group: Any) -> Dict[str, np.ndarray]:
    """Name -> column; while a run goes on columns may have different lengths: the shortest counts."""
    if group is None:
        return {}
    found = {name: np.asarray(group[name][:], float) for name in group}
    rows = min((column.size for column in found.values()), default=0)
    return {name: column[:rows] for name, column in found.items()} if rows else {}


def attributes(item: Any) -> Dict[str, Any]:
    """Those that say something, without what netCDF and HDF5 keep for themselves."""
    own = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "_FillValue"}
    return dict(each(item, own))


def each(item: Any, without: Any) -> Iterator[Any]:
    for name in item.attrs:
        if name not in without:
            value = item.attrs[name]
            yield name, as_text(value) if isinstance(value, (bytes, str)) else np.asarray(value)[()]
