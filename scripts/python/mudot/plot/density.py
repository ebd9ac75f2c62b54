"""density: in 1-D curves over time, linear and logarithmic; in 2-D heat maps at some times."""
from __future__ import annotations

from typing import Any, Optional, Sequence, Tuple

import matplotlib.cm
import numpy as np
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.ticker import MaxNLocator

from .reading import Drawn, box_ratio, edges, in_two_columns
from .style import DENSITIES, OUTSIDE, TIMES, VERMILLION, in_column, subplots, title

CURVES = 8
MAPS = 5  # one more where they stand in two columns
DECADES = 8  # of a density on a logarithmic axis


def density_range(run: Drawn) -> float:
    """Largest density seen."""
    fields = list(run.chosen.values()) + ([run.target] if run.target is not None else [])
    top = max((np.nanmax(f) for f in fields if np.isfinite(f).any()), default=1)
    return top if np.isfinite(top) and top > 0 else 1


def time_norm(times: np.ndarray) -> Normalize:
    """Colours of the times; early times get more of them where more of the curves are early."""
    last, middle = times[-1], np.median(times)
    if not last > 0:
        return Normalize(0, 1)
    gamma = np.log(0.5) / np.log(middle / last) if 0 < middle < last else 1
    return PowerNorm(min(max(gamma, 0.3), 1), 0, last)


def error_note(run: Drawn, snapshots: Sequence[int]) -> str:
    """What a reference's densities are off by."""
    error = run.error.get("l1", np.zeros(0))
    return f"error of the densities in L¹: at most {error[list(snapshots)].max():.1e}" if error.size > max(snapshots) else ""


def draw_line(run: Drawn, labels: Sequence[str]) -> Any:
    figure, (linear, decades) = subplots(2, 1, (8, 7.5), sharex=True)
    norm = time_norm(run.time[list(run.chosen)])
    top = density_range(run)
    for axes in (linear, decades):
        for k, rho in run.chosen.items():
            axes.plot(run.x, rho[0], color=TIMES(norm(run.time[k])))
        if run.target is not None:
            axes.plot(run.x, run.target[0], "--", color=VERMILLION, linewidth=1.8, label="target π")
        axes.set_ylabel("density ρ(t, x)")
    linear.set_ylim(0, 1.05 * top)
    decades.set_yscale("log")
    decades.set_ylim(top * 10.0**-DECADES, 3 * top)
    decades.set_xlabel(labels[0])
    decades.set_xlim(*edges(run.x))
    if run.target is not None:
        linear.legend(loc="upper right")
    bar = figure.colorbar(matplotlib.cm.ScalarMappable(norm, TIMES), ax=[linear, decades])
    bar.set_label("time t")
    ticks(bar, run.time[list(run.chosen)], norm)
    title(figure, "\n".join(filter(None, [run.title, error_note(run, list(run.chosen))])))
    return figure


def ticks(bar: Any, times: np.ndarray, norm: Normalize) -> None:
    """The times of the curves, those whose labels do not touch."""
    shown: list = []
    for t in times:
        if not shown or norm(t) - norm(shown[-1]) > 0.05:
            shown.append(t)
    bar.set_ticks(shown, labels=[f"{t:.4g}" for t in shown])
    bar.minorticks_off()


def target_levels(target: np.ndarray) -> Any:
    """Contours that hold 90, 50 and 10 per cent of the target's mass; none if it is constant."""
    values = np.sort(target[np.isfinite(target)])[::-1]
    if values.size == 0 or values[0] - values[-1] < 1e-9 * abs(values[0]):
        return []
    mass = np.cumsum(values)
    if not mass[-1] > 0:
        return []
    levels = np.unique([values[np.searchsorted(mass, part * mass[-1])] for part in (0.9, 0.5, 0.1)])
    return levels[(levels > values[-1]) & (levels < values[0])]


def draw_map(axes: Any, run: Drawn, rho: np.ndarray, norm: Normalize, points: Optional[np.ndarray] = None) -> Any:
    """One heat map, the target's contours and points over it."""
    (x0, x1), (y0, y1) = edges(run.x), edges(run.y)
    colours = DENSITIES.copy()
    colours.set_bad(OUTSIDE)
    image = axes.imshow(rho, origin="lower", extent=(x0, x1, y0, y1), cmap=colours, norm=norm, interpolation="nearest",
                        aspect=box_ratio(run) * (x1 - x0) / (y1 - y0))
    levels = target_levels(run.target) if run.target is not None else []
    if len(levels):
        axes.contour(run.x, run.y, run.target, levels=levels, colors="white", linewidths=0.9)
    if points is not None:
        draw_points(axes, points)
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    return image


def draw_points(axes: Any, points: np.ndarray) -> Any:
    """Small and pale where there are many, so that the density stays visible."""
    shade = min(1.0, 8 / np.sqrt(len(points) + 1) + 0.15)
    return axes.plot(points[:, 0], points[:, 1], "o", color=VERMILLION, markersize=2, markeredgewidth=0, alpha=shade)[0]


def map_layout(run: Drawn, count: int, bars: bool) -> Tuple[int, int, Tuple[float, float]]:
    """Rows, columns and size of the figure; bars: a colour bar below every map."""
    ratio = box_ratio(run)
    below = 0.75 if bars else 0
    if not in_two_columns(run):
        return 1, count, (max(2.6 * count + (0.9 if bars else 1.9), 6.5), 2.5 * ratio + 1.5 + below)
    columns = 2 if count > 1 else 1
    rows = -(-count // columns)
    return rows, columns, (5.2 * columns + 1, rows * ((3.5 if in_column() else 4.6) * ratio + 0.45 + below) + 1)


def draw_maps(run: Drawn, labels: Sequence[str], points: Optional[np.ndarray], own_scales: bool) -> Any:
    count = len(run.chosen)
    peaks = [max(np.nanmax(f), 1e-300) for f in run.chosen.values()]
    rows, columns, size = map_layout(run, count, own_scales)
    figure, grid = subplots(rows, columns, size, squeeze=False, sharex=True, sharey=True)
    for n, (axes, k) in enumerate(zip(grid.flat, run.chosen)):
        norm = Normalize(0, peaks[n] if own_scales else max(peaks))
        image = draw_map(axes, run, run.chosen[k], norm, points if n == count - 1 else None)
        axes.set_title(f"t = {run.time[k]:.4g}")
        if own_scales:
            bar = figure.colorbar(image, ax=axes, orientation="horizontal", pad=0.02, shrink=0.9, aspect=30)
            bar.locator = MaxNLocator(3)
            bar.update_ticks()
    for axes in list(grid.flat)[count:]:
        axes.axis("off")
    if not own_scales:
        figure.colorbar(image, ax=grid, label="density ρ", shrink=0.9, pad=0.01)
    for axes in grid[:, 0]:
        axes.set_ylabel(labels[1])
    for axes in list(grid.flat)[max(count - columns, 0):count]:
        axes.tick_params(labelbottom=True)
    if count == 1:
        grid[0, 0].set_xlabel(labels[0])
    else:
        figure.supxlabel(labels[0], fontsize="medium")
    legend = map_legend(run, own_scales, points)
    title(figure, "\n".join([run.title, legend] if legend else [run.title]))
    return figure


def map_legend(run: Drawn, own_scales: bool, points: Optional[np.ndarray]) -> str:
    parts = ["colours: density ρ, a scale for each time"] if own_scales else []
    if run.target is not None and len(target_levels(run.target)):
        parts.append("lines: 10, 50, 90 % of the target's mass")
    if points is not None:
        parts.append("dots: the data")
    parts += [note for note in [error_note(run, list(run.chosen))] if note]
    return "; ".join(parts)
