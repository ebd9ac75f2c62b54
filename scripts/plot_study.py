"""Draws a study of mudot; scripts/plot.py calls it for a directory with a study.h5.

gamma     errors.png       every error against the value, log-log: fitted slopes, the floor shaded
          dissipation.png  R and R* over time for each value, and of the limit
order     errors.png
rate      energy.png       the energy over time for each value, and the theorem's bound
balance   balance.png      the defect against the step for each system, and what Rayleigh's principle says
"""
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

import h5py
from plot import BLUE, GREEN, ORANGE, PURPLE, SKY, TIMES, VERMILLION, PlotError, as_text, plt, positive, save

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000", "#999999")
MARKS = "osD^vP*X"
FLOOR_FACTOR = 3  # rows this near to the floor are left out of a fit


class Study:
    def __init__(self, path):
        try:
            with h5py.File(path, "r") as file:
                self.attributes = dict(file.attrs)
                self.rows = {name: file["rows"][name][:] for name in file["rows"]}
                self.reference = {name: file["reference"][name][:] for name in file.get("reference", {})}
                self.curves = {name: file["curves"][name][:] for name in file.get("curves", {})}
        except (OSError, KeyError) as error:
            raise PlotError(f"{path}: cannot be read as the file of a study: {error}") from None
        self.name = path.parent.resolve().name
        self.kind = as_text(self.attributes["type"])
        self.vary = as_text(self.attributes.get("vary", ""))

    def count(self):
        return len(self.rows["value"])

    def done(self, row):
        return as_text(self.attributes.get(f"status_{row:04d}", "done")) == "done"

    def title(self):
        return f"{self.name}: {as_text(self.attributes['verdict'])}"

    def floor(self, column):
        """Of an error column: the reference's own, the last one, or the column `floor`."""
        if self.kind == "gamma" and column in self.reference:
            return self.reference[column][-1]
        floor = self.rows["floor"]
        return np.nanmax(floor) if column == "error_l1" and np.isfinite(floor).any() else np.nan


def axis_name(study):
    return study.vary.replace("_", " ")


# ------------------------------------------------------------------ errors against the value


def draw_error(axes, study, column, colour, mark):
    x, y = study.rows["value"], positive(study.rows[column])
    order = study.attributes.get(f"order_{column}", np.nan)
    error = study.attributes.get(f"order_stderr_{column}", np.nan)
    floor = study.floor(column)
    used = np.isfinite(y) & ~(y <= FLOOR_FACTOR * floor)
    sign = -1 if study.vary in ("grid_cells", "particles_count") else 1
    label = column.replace("_", " ").replace("error l", "error L")
    if np.isfinite(order):
        label += f": {order:.2f}" + (f" ± {error:.2f}" if np.isfinite(error) else "")
    axes.plot(x[used], y[used], mark, color=colour, label=label)
    axes.plot(x[~used], y[~used], mark, color=colour, fillstyle="none")
    if np.isfinite(order) and used.any():
        middle = np.exp(np.mean(np.log(y[used]))) / np.exp(np.mean(np.log(x[used]))) ** (sign * order)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, middle * ends ** (sign * order), "-", color=colour, linewidth=1, alpha=0.7)
    return floor


def shade_floor(axes, floor):
    if not (np.isfinite(floor) and floor > 0):
        return
    bottom = min(axes.get_ylim()[0], floor / 2)
    axes.axhspan(bottom, FLOOR_FACTOR * floor, color="#000000", alpha=0.07, linewidth=0,
                 label="within a factor 3 of the floor")
    axes.axhline(floor, color="#777777", linewidth=0.8)
    axes.set_ylim(bottom=bottom)


def log_log(axes, study):
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(study.rows["value"], [f"{v:g}" for v in study.rows["value"]])
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.set_xlabel(axis_name(study))


def draw_errors(study):
    """The densities with their floor on the left; in a gamma study the energies and potentials on the right."""
    columns = [name for name in study.rows if "error" in name and name != "initial_energy_error"]
    columns = [name for name in columns if np.isfinite(positive(study.rows[name])).any()]
    density = [name for name in columns if "density" in name or study.kind == "order"]
    other = [name for name in columns if name not in density]
    figure, panels = plt.subplots(1, 2 if other else 1, figsize=(12 if other else 7.5, 5.5), squeeze=False)
    for axes, names in zip(panels.flat, (density, other)):
        floors = {name: draw_error(axes, study, name, COLOURS[n % 8], MARKS[n % 8]) for n, name in enumerate(names)}
        log_log(axes, study)
        first = next((n for n in ("density_error_l1", "error_l1", "energy_error") if n in floors), None)
        shade_floor(axes, floors[first] if first else np.nan)
        axes.legend(fontsize=9)
    panels[0, 0].set_ylabel("error, largest over the output times")
    figure.suptitle(study.title())
    return figure


def draw_particles(study):
    """The error of the particle method, that of independent samples beside it, and the transport distance."""
    figure, axes = plt.subplots(figsize=(7.5, 5.5))
    x, error, stderr = (study.rows[name] for name in ("value", "mmd_error", "mmd_error_stderr"))
    axes.errorbar(x, error, yerr=stderr, fmt="none", ecolor=BLUE, alpha=0.6, capsize=3)
    draw_error(axes, study, "mmd_error", BLUE, "o")
    axes.plot(x, study.rows["mmd_iid"], "--", color="#555555", label="MMD of N independent samples")
    axes.plot(x, study.rows["transport_error"], "s:", color=VERMILLION, label="transport distance")
    log_log(axes, study)
    shade_floor(axes, np.nanmax(study.rows["floor"]))
    axes.set_ylabel("distance to the grid flow at the end")
    axes.legend(fontsize=9)
    figure.suptitle(study.title())
    return figure


# ------------------------------------------------------------------ curves over time


def shade_of(study, row):
    return TIMES(row / max(study.count() - 1, 1))


def draw_dissipation(study):
    figure, panels = plt.subplots(1, 2, figsize=(12, 5), sharey=True)
    t = study.curves["t"]
    for axes, name, label in zip(panels, ("dissipation_primal", "dissipation_dual"), ("primal R", "dual R*")):
        for row in filter(study.done, range(study.count())):
            axes.plot(t, positive(study.curves[name][row]), color=shade_of(study, row),
                      label=f"{axis_name(study)} {study.rows['value'][row]:g}")
        axes.plot(t, positive(study.curves[name][study.count()]), "--", color=VERMILLION, label="limit")
        axes.set_yscale("log")
        axes.set_title(label)
        axes.set_xlabel("time t")
    panels[0].set_ylabel("dissipation potential of the step")
    panels[1].legend(fontsize=8)
    figure.suptitle(study.title())
    return figure


def draw_envelopes(study):
    figure, axes = plt.subplots(figsize=(8, 5.5))
    t = study.curves["t"]
    for row in filter(study.done, range(study.count())):
        colour = COLOURS[row % 8]
        energy, bound = study.curves["energy"][row], study.curves["bound"][row]
        value = study.rows["value"][row]
        name = f"{axis_name(study)} {value:g}: " if np.isfinite(value) else ""
        axes.plot(t, positive(energy / energy[0]), color=colour,
                  label=f"{name}rate {study.rows['rate'][row]:.3g}, constant {study.rows['constant'][row]:.3g}")
        axes.plot(t, positive(bound / energy[0]), "--", color=colour, linewidth=1)
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-14))
    axes.set_xlabel("time t")
    axes.set_ylabel("energy F(t)/F(0); dashed: the bound e^(−ct)")
    axes.legend(fontsize=9)
    figure.suptitle(study.title())
    return figure


# ------------------------------------------------------------------ the balance


def draw_systems(study):
    figure, (left, right) = plt.subplots(1, 2, figsize=(15, 6))
    index = study.rows["system_index"]
    with np.errstate(all="ignore"):
        defect = positive(study.rows["balance_defect"] / study.rows["dissipated_energy"])
    for n, system in enumerate(np.unique(index)):
        mine = index == system
        label = as_text(study.attributes[f"system_{np.flatnonzero(mine)[0]:04d}"])
        style = {"marker": MARKS[n % 8], "color": COLOURS[n % 8], "markersize": 5,
                 "linestyle": "-" if n < 8 else ("--" if n < 16 else ":")}
        left.plot(study.rows["value"][mine], defect[mine], label=label, **style)
        right.plot(study.rows["value"][mine], positive(study.rows["rayleigh_gap"][mine]), **style)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        steps = np.unique(study.rows["value"])
        axes.set_xticks(steps, [f"{v:g}" for v in steps])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("time step")
    left.set_ylabel("balance defect over what is dissipated")
    right.set_ylabel("Rayleigh gap (R + ⟨G, v⟩ + R*)/R*, largest over the steps")
    right.legend(*left.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    figure.suptitle(study.title())
    return figure


def draw(directory):
    study = Study(directory / "study.h5")
    if study.kind in ("gamma", "order"):
        save(draw_errors(study), directory, "errors.png")
    if study.kind == "gamma":
        save(draw_dissipation(study), directory, "dissipation.png")
    if study.kind == "rate":
        save(draw_envelopes(study), directory, "energy.png")
    if study.kind == "balance":
        save(draw_systems(study), directory, "balance.png")
    if study.kind == "particles":
        save(draw_particles(study), directory, "errors.png")
