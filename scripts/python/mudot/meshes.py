"""Densities on an unstructured mesh, as programs for finite elements read them: the cells of the domain as lines or
quadrilaterals, with what each of them holds. Through meshio, where it is there, in any of its formats."""
from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import numpy as np


def corners(centres: np.ndarray) -> np.ndarray:
    """The ends of the cells of an axis; a single cell is taken to have width 1."""
    half = (centres[1] - centres[0]) / 2 if centres.size > 1 else 0.5
    return np.append(centres - half, centres[-1] + half)


def of_grid(x: np.ndarray, y: Optional[np.ndarray], inside: np.ndarray) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    """Points [n, 2] and {"line" or "quad": corners of each cell inside [cells, 2 or 4]}, x fastest; quadrilaterals are
    walked around against the clock. Every point is one of a cell."""
    nodes = x.size + 1
    first = np.flatnonzero(inside)
    if y is None:
        points, cells = np.stack([corners(x), np.zeros(nodes)], axis=1), np.stack([first, first + 1], axis=1)
    else:
        across, up = np.meshgrid(corners(x), corners(y))
        points = np.stack([across.ravel(), up.ravel()], axis=1)
        first = first // x.size * nodes + first % x.size
        cells = np.stack([first, first + 1, first + nodes + 1, first + nodes], axis=1)
    used, numbered = np.unique(cells, return_inverse=True)
    return points[used], {"line" if y is None else "quad": numbered.reshape(cells.shape)}


def of_run(run: Any, time: Optional[float]) -> Any:
    """The meshio.Mesh of a run at the snapshot nearest to a time, the last without one: density and target."""
    import meshio

    with run.open() as file:
        times = file["time"][:]
        at = times.size - 1 if time is None else int(np.abs(times - time).argmin())
        density, target = file["density"][at], np.exp(file["target/log_density"][:])
        inside = file["grid/mask"][:].ravel() > 0
        points, cells = of_grid(file["grid/x"][:], file["grid/y"][:] if density.ndim == 2 else None, inside)
    points = np.pad(points, ((0, 0), (0, 1)))  # in space, as most formats want them
    return meshio.Mesh(points, cells, cell_data={"density": [density.ravel()[inside]], "target": [target.ravel()[inside]]})
