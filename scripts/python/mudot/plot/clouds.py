"""cloud: particles in the plane at some times; on a line their histograms. energy of a cloud: its ledger."""
from __future__ import annotations

import pathlib
from typing import Any, Dict, Optional, Sequence

import numpy as np

from .. import stored
from .axes import label_of, logarithmic, markers, positive, time_axis
from .reading import equation, labels_of
from .style import BLUE, COLOURS, TIMES, in_column, legend, subplots, title

TIMES_SHOWN = 5
LEDGER = ("energy", "mmd2", "ess", "displacement")


class Cloud:
    """What particles.h5 holds so far."""

    def __init__(self, directory: pathlib.Path) -> None:
        with stored.open_file(directory / "particles.h5", ("time", "position", "weight")) as file:
            count = min(file[name].shape[0] for name in ("time", "position", "weight"))
            case = stored.as_text(file.attrs.get("case", ""))
            self.title, self.labels = equation(case, stored.as_text(file.attrs.get("status", ""))), labels_of(case)
            self.title += f"\n{stored.as_text(file.attrs.get('method', ''))}, {file['position'].shape[1]} particles"
            self.time, self.position = file["time"][:count], file["position"]
            shown = np.unique(np.linspace(0, count - 1, min(count, TIMES_SHOWN)).round().astype(int))
            self.shown = {int(k): (file["position"][k], file["weight"][k]) for k in shown}
            self.ledger = stored.columns(file.get("ledger"))


def sizes(weight: np.ndarray) -> np.ndarray:
    """Areas in proportion to the weights."""
    return np.clip(6 * weight / np.mean(weight), 0.2, 60)


def draw_plane(cloud: Cloud, labels: Sequence[str]) -> Any:
    count = len(cloud.shown)
    columns = min(count, 2) if in_column() else count
    rows = -(-count // columns)
    low, high = (pick([pick(x[:, :2], axis=0) for x, _ in cloud.shown.values()], axis=0) for pick in (np.min, np.max))
    ratio = np.clip((high[1] - low[1]) / (high[0] - low[0]), 0.3, 3) if high[0] > low[0] else 1
    size = (max(2.8 * columns, 6), rows * 2.3 * ratio * max(1, 2 / columns) + 1.6)
    figure, grid = subplots(rows, columns, size, squeeze=False, sharex=True, sharey=True)
    for axes, (k, (x, weight)) in zip(grid.flat, cloud.shown.items()):
        axes.scatter(x[:, 0], x[:, 1], s=sizes(weight), color=BLUE, alpha=min(1, 12 / np.sqrt(len(x)) + 0.1), linewidths=0)
        axes.set_title(f"t = {cloud.time[k]:.4g}")
        axes.set_aspect("equal")
    for axes in list(grid.flat)[count:]:
        axes.axis("off")
    for axes in list(grid.flat)[max(count - columns, 0):count]:
        axes.set_xlabel(labels[0])
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel(labels[1] if len(labels) > 1 else "y")
    title(figure, cloud.title)
    return figure


def draw_line(cloud: Cloud, labels: Sequence[str]) -> Any:
    figure, axes = subplots(1, 1, (8, 5))
    low = min(x[:, 0].min() for x, _ in cloud.shown.values())
    high = max(x[:, 0].max() for x, _ in cloud.shown.values())
    bins = np.linspace(low, high, 41)
    for n, (k, (x, weight)) in enumerate(cloud.shown.items()):
        axes.hist(x[:, 0], bins, weights=weight, density=True, histtype="step", linewidth=1.6,
                  color=TIMES(n / max(len(cloud.shown) - 1, 1)), label=f"t = {cloud.time[k]:.4g}")
    axes.set_xlabel(labels[0])
    axes.set_ylabel("density of the particles")
    legend(axes)
    title(figure, cloud.title)
    return figure


def draw_ledger(cloud: Cloud) -> Any:
    names = [name for name in LEDGER if name in cloud.ledger]
    figure, panels = subplots(len(names), 1, (8, 2.2 * len(names) + 1), squeeze=False, sharex=True)
    t = cloud.ledger["t"]
    for axes, name, colour in zip(panels.flat, names, COLOURS):
        values = cloud.ledger[name]
        signed = name == "ess" or (values < 0).any()
        axes.plot(t, values if signed else positive(values), color=colour, **markers(t.size))
        axes.set_ylabel({"ess": "effective size"}.get(name, label_of(name)))
        if not signed:
            logarithmic(axes)
    time_axis(panels[-1, 0], t)
    title(figure, cloud.title)
    return figure


def figures(directory: pathlib.Path, labels: Optional[Sequence[str]]) -> Dict[str, Any]:
    cloud = Cloud(directory)
    labels = labels or cloud.labels
    found = {"cloud": (draw_line if next(iter(cloud.shown.values()))[0].shape[1] == 1 else draw_plane)(cloud, labels)}
    if any(name in cloud.ledger for name in LEDGER):
        found["energy"] = draw_ledger(cloud)
    return found
