"""compare: every distance over time, beside the mean and two standard deviations of what as many independent samples
of the reference would have; at a single time, the ratios to that mean."""
from __future__ import annotations

import pathlib
import textwrap
from typing import Any, Dict

import h5py
import numpy as np

from ..errors import FileError
from ..stored import as_text
from .axes import label_of, logarithmic, positive
from .style import BLUE, ORANGE, in_column, legend, subplots, title

COLUMNS = 2
ORDER = ("mmd2", "energy_distance", "w1", "w2", "sliced_w1", "sliced_w2", "kolmogorov", "histogram_l1", "mean_error",
         "covariance_error")
KEYS = ("value", "expected", "sd")


class Comparison:
    def __init__(self, path: pathlib.Path) -> None:
        try:
            with h5py.File(path, "r") as file:
                self.time = file["time"][:]
                self.particles = file["particles"][:].astype(int)
                self.sentence = as_text(file.attrs["sentence"])
                self.kernel = as_text(file.attrs["kernel"])
                self.metrics = {name: {key: file[name][key][:] for key in KEYS} for name in ORDER if name in file}
        except (OSError, KeyError) as error:
            raise FileError(f"{path}: cannot be read as the file of a comparison: {error}", 4) from None

    def title(self) -> str:
        low, high = self.particles.min(), self.particles.max()
        count = f"{low}" if low == high else f"{low} to {high}"
        if in_column():  # the caption of the journal has the rest
            return f"{count} particles and the density"
        return "\n".join([f"{count} particles and the density; kernel {self.kernel}", *textwrap.wrap(self.sentence, 90)])


def draw_metric(axes: Any, t: np.ndarray, metric: Dict[str, np.ndarray], name: str) -> None:
    value, expected, sd = (metric[key] for key in KEYS)
    low = np.maximum(expected - 2 * sd, 0.05 * expected)  # the axis is logarithmic
    axes.fill_between(t, low, expected + 2 * sd, color=ORANGE, alpha=0.3, linewidth=0)
    axes.plot(t, positive(expected), "--", color=ORANGE)
    mark = {"marker": "o", "markersize": 3} if t.size <= 40 else {}  # the times that there are
    axes.plot(t, positive(value), color=BLUE, **mark)
    axes.set_title(label_of(name))
    logarithmic(axes)
    axes.set_xlim(t[0], t[-1])
    axes.tick_params(labelbottom=True)


def draw_times(comparison: Comparison) -> Any:
    names = list(comparison.metrics)
    rows = -(-len(names) // COLUMNS)
    height = (3.2 if in_column() else 2.6) * rows + 1
    figure, grid = subplots(rows, COLUMNS, (5.5 * COLUMNS, height), sharex=True, squeeze=False)
    for axes, name in zip(grid.flat, names):
        draw_metric(axes, comparison.time, comparison.metrics[name], name)
    for axes in list(grid.flat)[len(names):]:
        axes.axis("off")
    for axes in list(grid.flat)[max(len(names) - COLUMNS, 0):len(names)]:
        axes.set_xlabel("time t")
    title(figure, f"{comparison.title()}\nband: N samples, mean ± 2 sd; dots: the particles")
    return figure


def draw_ratios(comparison: Comparison) -> Any:
    """One time: the distances over their means, with two standard deviations of the samples."""
    shown = {name: [m[key][0] / m["expected"][0] for key in ("value", "sd")]
             for name, m in reversed(list(comparison.metrics.items())) if m["expected"][0] > 0}
    figure, axes = subplots(1, 1, (8, 0.55 * len(shown) + 2))
    far = any(not 0.1 < ratio < 4 for ratio, _ in shown.values())
    for row, (ratio, sd) in enumerate(shown.values()):
        low = max(1 - 2 * sd, 0.05 if far else 0)
        axes.barh(row, 1 + 2 * sd - low, left=low, height=0.6, color=ORANGE, alpha=0.3,
                  label=None if row else "N samples: mean ± 2 sd")
        axes.plot(ratio, row, "o", color=BLUE, label=None if row else "the particles")
    axes.axvline(1, color=ORANGE, linestyle="--")
    axes.set_yticks(range(len(shown)), [label_of(name) for name in shown])
    if far:
        axes.set_xscale("log")
    else:
        axes.set_xlim(left=0)
    axes.set_xlabel(f"value over what N samples have on average, at t = {comparison.time[0]:g}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncol=2)
    title(figure, comparison.title())
    return figure


def figures(directory: pathlib.Path) -> Dict[str, Any]:
    comparison = Comparison(directory / "compare.h5")
    return {"compare": draw_times(comparison) if comparison.time.size > 1 else draw_ratios(comparison)}
