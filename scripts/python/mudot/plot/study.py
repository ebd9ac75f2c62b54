"""Figures of studies.

gamma     errors       every error against the value, log-log: fitted slopes, the floor shaded
          dissipation  R and R* over time for each value, and of the limit
order     errors       with lines of the slopes 1 and 2
particles errors
rate      energy       the energy over time for each value with its fit, and the theorem's bound
contraction distance   the distance of the two solutions over time, and the bound
curve       errors     the integrals of R, R* and their sum along the curve, less the limit's
equivalence errors     the distance of the two solutions against step or cells
inequality  minimiser  the density with the least quotient that was found, beside the target
balance   balance      the defect against the step for each system, and what Rayleigh's principle says
"""
from __future__ import annotations

import pathlib
from typing import Any, Dict, List

import h5py
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from ..errors import FileError
from ..stored import as_text
from .axes import label_of, positive, with_error
from .reading import equation
from .style import BLUE, COLOURS, MARKS, TIMES, VERMILLION, below, in_column, legend, subplots, title

FLOOR_FACTOR = 3  # rows this near to the floor are left out of a fit
COUNTS = ("grid_cells", "particles_count")  # keys whose larger values are finer


class Study:
    def __init__(self, path: pathlib.Path) -> None:
        try:
            with h5py.File(path, "r") as file:
                self.attributes = dict(file.attrs)
                self.rows = {name: file["rows"][name][:] for name in file["rows"]}
                self.reference = {name: file["reference"][name][:] for name in file.get("reference", {})}
                self.curves = {name: file["curves"][name][:] for name in file.get("curves", {})}
                self.minimiser = {name: file["minimiser"][name][:] for name in file.get("minimiser", {})}
        except (OSError, KeyError) as error:
            raise FileError(f"{path}: cannot be read as the file of a study: {error}", 4) from None
        self.name = path.parent.resolve().name
        self.kind = as_text(self.attributes["type"])
        self.vary = as_text(self.attributes.get("vary", ""))
        self.axis = self.vary.replace("_", " ")

    def count(self) -> int:
        return len(self.rows["value"])

    def done(self) -> List[int]:
        return [row for row in range(self.count())
                if as_text(self.attributes.get(f"status_{row:04d}", "done")) == "done"]

    def title(self) -> str:
        """The flow that is studied, then the study."""
        kind = f"study of {self.kind}" + (f" in {self.axis}" if self.axis else "")
        flow = equation(as_text(self.attributes.get("case", "")), "") if self.kind != "balance" else ""
        return "\n".join(filter(None, [flow, f"{kind}: {as_text(self.attributes['verdict'])}"]))

    def sign(self) -> int:
        """-1 where errors fall as the values rise: counts, and parameters that go to infinity."""
        x = self.rows["value"][np.isfinite(self.rows["value"])]
        return -1 if self.vary in COUNTS or self.kind in ("gamma", "curve") and len(x) > 1 and x[-1] > x[0] else 1

    def floor(self, column: str) -> float:
        """Of the leading error: the column `floor` at the last row, what grid and step make of it there."""
        floor = self.rows["floor"]
        return floor[-1] if column in ("error_l1", "density_error_l1") and len(floor) else np.nan


# ------------------------------------------------------------------ errors against the value


def draw_error(axes: Any, study: Study, column: str, colour: str, mark: str) -> float:
    x, y = study.rows["value"], positive(study.rows[column])
    order = study.attributes.get(f"order_{column}", np.nan)
    error = study.attributes.get(f"order_stderr_{column}", np.nan)
    floor = study.floor(column)
    used = np.isfinite(y) & ~(y <= FLOOR_FACTOR * floor)
    sign = study.sign()
    label = label_of(column) + (f": order {with_error(order, error)}" if np.isfinite(order) else "")
    axes.plot(x[used], y[used], mark, color=colour, label=label)
    axes.plot(x[~used], y[~used], mark, color=colour, fillstyle="none")
    if np.isfinite(order) and used.any():
        middle = np.exp(np.mean(np.log(y[used]))) / np.exp(np.mean(np.log(x[used]))) ** (sign * order)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, middle * ends ** (sign * order), "-", color=colour, linewidth=1, alpha=0.7)
    return floor


def draw_slopes(axes: Any, study: Study, column: str) -> None:
    """Lines of the slopes 1 and 2 through the middle of what was measured, a little below it."""
    x, y = study.rows["value"], positive(study.rows[column])
    good = np.isfinite(y)
    if good.sum() < 2:
        return
    sign = study.sign()
    middle, height = np.exp(np.mean(np.log(x[good]))), 0.4 * np.exp(np.mean(np.log(y[good])))
    ends = np.array([x[good].min(), x[good].max()])
    for slope, style in ((1, ":"), (2, "--")):
        axes.plot(ends, height * (ends / middle) ** (sign * slope), style, color="#777777", linewidth=1,
                  label=f"slope {sign * slope}")


def shade_floor(axes: Any, floor: float) -> None:
    if not (np.isfinite(floor) and floor > 0):
        return
    bottom = min(axes.get_ylim()[0], floor / 2)
    axes.axhspan(bottom, FLOOR_FACTOR * floor, color="#000000", alpha=0.07, linewidth=0,
                 label="within a factor 3 of the floor")
    axes.axhline(floor, color="#777777", linewidth=0.8)
    axes.set_ylim(bottom=bottom)


def log_log(axes: Any, study: Study) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    values = np.unique(study.rows["value"][np.isfinite(study.rows["value"])])
    axes.set_xticks(values, [f"{v:g}" for v in values])
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.set_xlabel(study.axis)


def draw_errors(study: Study) -> Any:
    """The densities with their floor on the left; in a gamma study the energies and potentials on the right."""
    columns = [name for name in study.rows
               if ("error" in name or name == "distance") and name != "initial_energy_error"]
    columns = [name for name in columns if np.isfinite(positive(study.rows[name])).any()]
    density = [name for name in columns if "density" in name or study.kind in ("order", "equivalence", "curve")]
    other = [name for name in columns if name not in density]
    figure, panels = subplots(1, 2 if other else 1, (12 if other else 7.5, 5.5), squeeze=False)
    for axes, names in zip(panels.flat, (density, other)):
        floors = {name: draw_error(axes, study, name, COLOURS[n % 8], MARKS[n % 8]) for n, name in enumerate(names)}
        if study.kind in ("order", "equivalence") and names:
            draw_slopes(axes, study, names[0])
        log_log(axes, study)
        first = next((n for n in ("density_error_l1", "error_l1", "energy_error") if n in floors), None)
        shade_floor(axes, floors[first] if first else np.nan)
        legend(axes)
    panels[0, 0].set_ylabel("integral of R + R*, R, R*: away from the limit's" if study.kind == "curve" else
                            "error, largest over the output times")
    title(figure, study.title())
    return figure


def draw_particles(study: Study) -> Any:
    """The error of the particle method, that of independent samples beside it, and the transport distance."""
    figure, axes = subplots(1, 1, (7.5, 5.5))
    x, error, stderr = (study.rows[name] for name in ("value", "mmd_error", "mmd_error_stderr"))
    axes.errorbar(x, error, yerr=stderr, fmt="none", ecolor=BLUE, alpha=0.6, capsize=3)
    draw_error(axes, study, "mmd_error", BLUE, "o")
    axes.plot(x, study.rows["mmd_iid"], "--", color="#555555", label="MMD of N independent samples")
    axes.plot(x, study.rows["transport_error"], "s:", color=VERMILLION, label="transport distance")
    log_log(axes, study)
    floor = study.rows["floor"]
    shade_floor(axes, np.nanmax(floor) if np.isfinite(floor).any() else np.nan)
    axes.set_ylabel("distance to the grid flow at the end")
    legend(axes)
    title(figure, study.title())
    return figure


# ------------------------------------------------------------------ curves over time


def draw_dissipation(study: Study) -> Any:
    figure, panels = subplots(1, 2, (12, 5), sharey=True)
    t = study.curves["t"]
    for axes, name, label in zip(panels, ("dissipation_primal", "dissipation_dual"), ("primal R", "dual R*")):
        for row in study.done():
            axes.plot(t, positive(study.curves[name][row]), color=TIMES(row / max(study.count() - 1, 1)),
                      label=f"{study.axis} {study.rows['value'][row]:g}")
        axes.plot(t, positive(study.curves[name][study.count()]), "--", color=VERMILLION, label="limit")
        axes.set_yscale("log")
        axes.set_title(label)
        axes.set_xlabel("time t")
    panels[0].set_ylabel("dissipation potential of the step")
    legend(panels[1])
    title(figure, study.title())
    return figure


def same_runs(study: Study) -> Dict[int, List[int]]:
    """Rows by the first one that has the same energies to rounding."""
    groups: Dict[int, List[int]] = {}
    for row in study.done():
        energy = study.curves["observed"][row]
        first = next((other for other in groups
                      if np.allclose(study.curves["energy"][other], energy, rtol=1e-12, atol=0, equal_nan=True)), row)
        groups.setdefault(first, []).append(row)
    return groups


def draw_fit(axes: Any, study: Study, row: int, t: np.ndarray, energy: np.ndarray) -> None:
    """The exponential of the measured rate through the middle of the window, and the window."""
    window = [study.rows[name][row] if name in study.rows else np.nan for name in ("window_start", "window_end")]
    low, high = (w if np.isfinite(w) else end for w, end in zip(window, (t[0], t[-1])))
    rate, inside = study.rows["rate"][row], (t >= low) & (t <= high) & (energy > 0)
    if not np.isfinite(rate) or not inside.any():
        return
    middle = t[inside][inside.sum() // 2]
    level = energy[inside][inside.sum() // 2]
    axes.plot(t[inside], level * np.exp(-rate * (t[inside] - middle)), color="#000000", linewidth=0.9, alpha=0.8)


def draw_window(axes: Any, study: Study) -> None:
    """The times of the fits, shaded where all rows share them."""
    names = ("window_start", "window_end")
    windows = {tuple(study.rows[name][row] for name in names if name in study.rows) for row in study.done()}
    if len(windows) == 1 and np.isfinite(list(windows)).all() and len(min(windows)) == 2:
        axes.axvspan(*min(windows), color="#000000", alpha=0.05, linewidth=0, label="window of the fits, which are black")


def draw_envelopes(study: Study) -> Any:
    figure, axes = subplots(1, 1, (8, 5.5))
    t = study.curves["t"]
    for n, (row, alike) in enumerate(same_runs(study).items()):
        energy, bound = (study.curves[name][row] / study.curves["observed"][row][0] for name in ("observed", "bound"))
        values = [study.rows["value"][other] for other in alike if np.isfinite(study.rows["value"][other])]
        name = f"{study.axis} {' = '.join(f'{v:g}' for v in values)}: " if values and study.axis else ""
        twins = f"({len(alike)} runs with the same energies) " if len(alike) > 1 else ""
        axes.plot(t, positive(energy), color=COLOURS[2 * n % 8], linewidth=2.4, alpha=0.8, label=f"{name}{twins}energy, fitted rate {study.rows['rate'][row]:.4g}")
        draw_fit(axes, study, row, t, energy)
        axes.plot(t, positive(bound), "--", color=COLOURS[(2 * n + 1) % 8],
                  label=f"{name}bound $e^{{-ct}}$, c = {study.rows['constant'][row]:.4g}")
    draw_window(axes, study)
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-14))
    axes.set_xlabel("time t")
    axes.set_ylabel("energy F(t)/F(0)")
    legend(axes)
    title(figure, study.title())
    return figure


def draw_distances(study: Study) -> Any:
    figure, axes = subplots(1, 1, (8, 5.5))
    t = study.curves["t"]
    for n, row in enumerate(study.done()):
        value = study.rows["value"][row]
        name = f"{study.axis} {value:g}: " if np.isfinite(value) else ""
        axes.plot(t, positive(study.curves["distance"][row]), color=COLOURS[2 * n % 8], linewidth=2.4, alpha=0.8,
                  label=f"{name}distance, rate at least {study.rows['observed'][row]:.4g}")
        axes.plot(t, positive(study.curves["bound"][row]), "--", color=COLOURS[(2 * n + 1) % 8],
                  label=f"{name}bound $e^{{-ct}}$, c = {study.rows['constant'][row]:.4g}")
    axes.set_yscale("log")
    axes.set_xlabel("time t")
    axes.set_ylabel("distance of the two solutions")
    legend(axes)
    title(figure, study.title())
    return figure


def draw_minimiser(study: Study) -> Any:
    found = study.minimiser
    density, target, x = found["density"], found["target"], found["x"]
    label = f"minimiser, 2 R*/F = {study.attributes['constant']:.4g}"
    if density.ndim == 1:
        figure, axes = subplots(1, 1, (8, 5.5))
        axes.plot(x, target, "--", color="#555555", label="target")
        axes.plot(x, density, color=BLUE, label=label)
        axes.set_xlabel("x")
        axes.set_ylabel("density")
        legend(axes)
    else:
        figure, panels = subplots(1, 2, (12, 5.5), sharey=True)
        for axes, values, name in zip(panels, (density, target), (label, "target")):
            axes.pcolormesh(x, found["y"], values, shading="nearest", cmap="cividis", vmin=0, vmax=values.max())
            axes.set_title(name)
            axes.set_xlabel("x")
            axes.set_aspect("equal")
        panels[0].set_ylabel("y")
    title(figure, study.title())
    return figure


# ------------------------------------------------------------------ the balance


def draw_systems(study: Study) -> Any:
    """Lines are told apart by colour, mark and dashes together."""
    figure, (left, right) = subplots(1, 2, (15, 6))
    index = study.rows["system_index"]
    with np.errstate(all="ignore"):
        defect = positive(study.rows["balance_defect"] / study.rows["dissipated_energy"])
    for n, system in enumerate(np.unique(index)):
        mine = index == system
        label = as_text(study.attributes[f"system_{np.flatnonzero(mine)[0]:04d}"])
        style = {"marker": MARKS[n % 8], "color": COLOURS[n % 8], "markersize": 5, "alpha": 0.85,
                 "linestyle": ("-", "--", ":", "-.")[n // 8 % 4],
                 "fillstyle": "full" if n % 16 < 8 else "none"}
        left.plot(study.rows["value"][mine], defect[mine], label=label.replace(":", ", ").replace("_", " "), **style)
        right.plot(study.rows["value"][mine], positive(study.rows["rayleigh_gap"][mine]), **style)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        steps = np.unique(study.rows["value"])
        axes.set_xticks(steps, [f"{v:g}" for v in steps])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("time step")
    left.set_ylabel("relative balance defect" if in_column() else "balance defect over what is dissipated")
    right.set_ylabel("Rayleigh gap (R + ⟨G, v⟩ + R*)/R*" + ("" if in_column() else ", largest over the steps"))
    names = left.get_legend_handles_labels()
    right.legend(*names, **(below(right, len(names[0])) if in_column() else {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}))
    title(figure, study.title())
    return figure


FIGURES = {"gamma": {"errors": draw_errors, "dissipation": draw_dissipation}, "order": {"errors": draw_errors},
           "rate": {"energy": draw_envelopes}, "balance": {"balance": draw_systems},
           "particles": {"errors": draw_particles}, "contraction": {"distance": draw_distances},
           "equivalence": {"errors": draw_errors}, "curve": {"errors": draw_errors},
           "inequality": {"minimiser": draw_minimiser}}


def figures(directory: pathlib.Path) -> Dict[str, Any]:
    """Name -> figure of the study in a directory; none for a type that has none."""
    study = Study(directory / "study.h5")
    return {name: draw(study) for name, draw in FIGURES.get(study.kind, {}).items()}
