"""Arrays with names of their axes: those of xarray where it is there, otherwise plain ones that hold the same."""
from __future__ import annotations

import dataclasses
import importlib
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np


def optional(name: str) -> Any:
    """A module, or None where it is not there; it is looked for when it is wanted, since xarray takes long to load."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@dataclasses.dataclass
class Array:
    """What xarray.DataArray holds: values, names of the axes, coordinates along them."""

    values: np.ndarray
    dims: Tuple[str, ...]
    coords: Dict[str, np.ndarray]
    name: str = ""
    attrs: Dict[str, Any] = dataclasses.field(default_factory=dict)

    def __array__(self, dtype: Any = None) -> np.ndarray:
        return np.asarray(self.values, dtype)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    def __len__(self) -> int:
        return len(self.values)

    def __getattr__(self, name: str) -> Any:
        coords = self.__dict__.get("coords", {})
        if name in coords:
            return coords[name]
        if name in ("shape", "ndim", "size", "dtype") and "values" in self.__dict__:
            return getattr(self.values, name)
        raise AttributeError(name)


class Arrays(dict):
    """What xarray.Dataset holds: arrays by name, which are attributes as well, and coordinates."""

    coords: Dict[str, np.ndarray]

    def __getattr__(self, name: str) -> Any:
        for place in (self, self.__dict__.get("coords", {})):
            if name in place:
                return place[name]
        raise AttributeError(name)


def array(name: str, dims: Sequence[str], values: Any, coords: Mapping[str, Any], attrs: Mapping[str, Any]) -> Any:
    """A DataArray, or an Array."""
    own = {dim: np.asarray(coords[dim]) for dim in dims if dim in coords}
    xarray = optional("xarray")
    if xarray is not None:
        return xarray.DataArray(np.asarray(values), dims=list(dims), coords=own, name=name, attrs=dict(attrs))
    return Array(np.asarray(values), tuple(dims), own, name, dict(attrs))


def dataset(variables: Mapping[str, Tuple[Sequence[str], Any]], coords: Mapping[str, Any],
            attrs: Mapping[str, Any]) -> Any:
    """A Dataset, or Arrays."""
    xarray = optional("xarray")
    if xarray is not None:
        return xarray.Dataset({name: (list(dims), values) for name, (dims, values) in variables.items()},
                              coords=dict(coords), attrs=dict(attrs))
    made = Arrays({name: array(name, dims, values, coords, {}) for name, (dims, values) in variables.items()})
    made.coords = {name: np.asarray(values) for name, values in coords.items()}
    made.attrs = dict(attrs)
    return made


class Rows(List[Dict[str, Any]]):
    """A table without pandas: a list of rows; a name gives a column.

    >>> Rows([{"metric": "w1", "value": 0.5}])["value"]
    array([0.5])
    """

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return np.array([row[key] for row in self])
        return super().__getitem__(key)

    @property
    def columns(self) -> List[str]:
        return list(super().__getitem__(0)) if self else []

    def __repr__(self) -> str:
        cells = [self.columns] + [[f"{v:.5g}" if isinstance(v, float) else str(v) for v in row.values()] for row in self]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths)) for row in cells)


def table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A pandas.DataFrame, or Rows."""
    pandas = optional("pandas")
    return pandas.DataFrame(list(rows)) if pandas is not None else Rows([dict(row) for row in rows])


def numbers_of(values: Any) -> np.ndarray:
    """A NumPy array of what NumPy, PyTorch, JAX or a list hold, as float64."""
    for name in ("detach", "cpu"):
        values = getattr(values, name)() if hasattr(values, name) else values
    return np.ascontiguousarray(values, dtype=float)
