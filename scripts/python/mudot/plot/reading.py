"""What figures need of a run, read so far as it goes."""
from __future__ import annotations

import pathlib
import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from .. import stored
from ..errors import FileError
from ..meshes import corners
from .style import in_column

WORDS = {"kl": "KL", "mmd": "MMD", "wasserstein": "Wasserstein", "fisher rao": "Fisher-Rao", "stein": "Stein",
         "hellinger": "Hellinger", "l2": "L²", "chi2": "χ²"}
WIDE = 0.6  # boxes with less height over width stand in two columns, and all in a journal's column


def blocks_of(case: str) -> Dict[str, Dict[str, str]]:
    """Blocks and keys of an effective case, which has a line for each key; deeper ones are joined by _.

    >>> blocks_of("energy:\\n  kl: 1\\ngeometry:\\n  stein:\\n    weight: 2\\n")
    {'energy': {'kl': '1'}, 'geometry': {'stein': '', 'stein_weight': '2'}}
    """
    blocks: Dict[str, Dict[str, str]] = {}
    block, inner = "", ""
    for line in case.splitlines():
        found = re.match(r"( *)([\w-]+): *(.*)$", line)
        if not found:
            continue
        indent, key, value = len(found.group(1)), found.group(2), found.group(3).strip()
        if indent == 0:
            block = key
            blocks[block] = {}
        elif block:
            inner = key if indent <= 2 else inner
            blocks[block][key if indent <= 2 else f"{inner}_{key}"] = value
    return blocks


def labels_of(case: str) -> Tuple[str, str]:
    """What the axes are called: grid.labels, else x and y.

    >>> labels_of('grid:\\n  labels: ["position (mm)", y]\\n'), labels_of("")
    (('position (mm)', 'y'), ('x', 'y'))
    """
    text = blocks_of(case).get("grid", {}).get("labels", "")
    found = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^\[\],"\s][^\[\],"]*)', text)]
    return (found + ["x", "y"][len(found):])[0], (found + ["x", "y"][len(found):])[1]


def summands(block: Dict[str, str]) -> List[str]:
    """Names with their weights: "0.5 Fisher-Rao".

    >>> summands({"stein": "{weight: 0.5, kernel: {bandwidth: 1}}", "mmd": "[{weight: 1}, {weight: 2}]", "kl": "0"})
    ['0.5 Stein', 'MMD', '2 MMD']
    """
    found = []
    for name, value in block.items():
        if name.endswith(("_weight", "ridge", "exponent", "_lambda")) or any(
                other != name and name.startswith(f"{other}_") and not block[other] for other in block):
            continue
        found += [f"{weight:g} {in_words(name)}" if weight != 1 else in_words(name)
                  for weight in weights_of(value or block.get(f"{name}_weight", "")) if weight]
    return found


def weights_of(value: str) -> List[float]:
    """Of a number, a mapping or a list of mappings; none of what is not a weight."""
    if value[:1] in ("{", "["):
        flat = re.sub(r"(?<=: )\{[^{}]*\}", "", value)  # without the mappings in them
        return [float(weight.group(1)) if (weight := re.search(r"\bweight: *([^,}\s]+)", part)) else 1.0
                for part in re.findall(r"\{[^{}]*\}", flat)]
    try:
        return [float(value)]
    except ValueError:
        return []


def in_words(name: str) -> str:
    """
    >>> in_words("kernel_fisher_rao")
    'kernel Fisher-Rao'
    """
    words = re.sub(r"_", " ", name)
    return re.sub(rf"\b({'|'.join(WORDS)})\b", lambda found: WORDS[found.group(1)], words)


def equation(case: str, status: str) -> str:
    """The title of a figure: which flow this is.

    >>> equation("energy:\\n  kl: 1\\ngeometry:\\n  wasserstein: 1\\n  fisher_rao: 0.5\\n  spherical: true\\n", "done")
    'dμ/dt = −K(μ) DF(μ),  K: Wasserstein + 0.5 Fisher-Rao, spherical;  F: KL'
    """
    blocks = blocks_of(case)
    geometry, energy = blocks.get("geometry", {}), blocks.get("energy", {})
    parts = summands(geometry), summands(energy)
    if not all(parts):
        return status
    spherical = ", spherical" if geometry.get("spherical") == "true" else ""
    doubt = f"  ({status})" if status.startswith(("running", "failed")) else ""
    return f"dμ/dt = −K(μ) DF(μ),  K: {' + '.join(parts[0])}{spherical};  F: {' + '.join(parts[1])}{doubt}"


class Drawn:
    """What run.h5 holds so far, a few of its snapshots. Fields are [ny, nx], ny = 1 in 1-D."""

    def __init__(self, directory: pathlib.Path, curves: int, maps: int) -> None:
        with stored.open_file(directory / "run.h5", ("grid", "time", "density")) as file:
            self.case = stored.as_text(file.attrs.get("case", ""))
            self.title = equation(self.case, stored.as_text(file.attrs.get("status", "")))
            self.labels = labels_of(self.case)
            self.read_grid(file["grid"])
            self.read_densities(file, curves, maps)
            self.ledger = stored.columns(file.get("ledger"))
            self.error = stored.columns(file.get("error"))  # of a reference
            self.moments = stored.columns(file.get("moments"))

    def read_grid(self, grid: Any) -> None:
        self.x = grid["x"][:]
        y = grid["y"][:] if "y" in grid else np.zeros(0)
        self.dim = 2 if y.size > 1 else 1
        self.y = y if self.dim == 2 else np.zeros(1)
        self.shape = (self.y.size, self.x.size)
        inside = grid["mask"][:].reshape(self.shape) > 0 if "mask" in grid else None
        self.inside = np.ones(self.shape, bool) if inside is None else inside

    def read_densities(self, file: Any, curves: int, maps: int) -> None:
        count = min(file["time"].shape[0], file["density"].shape[0])
        if count == 0:
            raise FileError("run.h5 holds no density yet; wait for the first one", 4)
        self.time = file["time"][:count]
        most = curves if self.dim == 1 else maps + in_two_columns(self)
        self.chosen = {int(k): self.field(file["density"][k]) for k in choose(file["density"], most, count)}
        self.target: Optional[np.ndarray] = None
        if "target" in file and "log_density" in file["target"]:
            self.target = np.exp(self.field(file["target/log_density"][:]))

    def field(self, values: Any) -> np.ndarray:
        """[ny, nx], not a number outside the domain."""
        return np.where(self.inside, np.asarray(values, float).reshape(self.shape), np.nan)


def choose(density: Any, most: int, count: int) -> Sequence[int]:
    """Snapshots that differ from each other by about the same distance in L1."""
    if count <= most:
        return range(count)
    sample = np.unique(np.linspace(0, count - 1, min(count, 400)).round().astype(int))
    length = np.zeros(sample.size)
    last = density[int(sample[0])]
    for i in range(1, sample.size):
        here = density[int(sample[i])]
        length[i] = length[i - 1] + np.abs(here - last).sum()
        last = here
    if not np.isfinite(length[-1]) or length[-1] == 0:
        return np.unique(np.linspace(0, count - 1, most).round().astype(int)).tolist()
    marks = np.linspace(0, length[-1], most)
    chosen = sorted({*sample[np.abs(length[:, None] - marks).argmin(0)].tolist(), count - 1})
    while len(chosen) < most:  # one snapshot was nearest to several marks
        gap = max(range(len(chosen) - 1), key=lambda i: chosen[i + 1] - chosen[i])
        chosen.insert(gap + 1, (chosen[gap] + chosen[gap + 1]) // 2)
    return chosen


def edges(centres: np.ndarray) -> Tuple[float, float]:
    """[lower, upper] of the box; a single cell is taken to have width 1."""
    ends = corners(centres)
    return ends[0], ends[-1]


def box_ratio(run: Any) -> float:
    """Height over width as drawn: true to scale unless the box is very long."""
    (x0, x1), (y0, y1) = edges(run.x), edges(run.y)
    ratio = (y1 - y0) / (x1 - x0)
    return ratio if 1 / 5 < ratio < 5 else 0.5


def in_two_columns(run: Any) -> bool:
    return in_column() or box_ratio(run) < WIDE


def read_points(path: Any) -> np.ndarray:
    """Points of a CSV file, the first two columns, or an array."""
    if isinstance(path, np.ndarray):
        return path[:, :2]
    try:
        if str(path).endswith(".npy"):
            return np.load(path)[:, :2]
        return np.atleast_2d(np.genfromtxt(path, delimiter=",", skip_header=1))[:, :2]
    except (OSError, ValueError, IndexError):
        raise FileError(f"{path}: cannot be read as a CSV file of points, one header line, two columns", 4) from None
