#!/usr/bin/python3
"""Draws a run of mudot, density.png, energy.png and balance.png beside its run.h5, a study or a comparison.

Usage: scripts/plot.py OUT_DIRECTORY [--points CSV] [--labels X Y]

density.png   1-D: the density over time, linear and logarithmic, and the target.
              2-D: heat maps at five times with the contours of the target.
energy.png    the energy and its terms, and the decay rate -d(log F)/dt.
balance.png   the dissipation potentials R and R*, the defect of the energy-dissipation balance, the mass.

The directory of a study gets errors.png and dissipation.png (gamma), errors.png (order, particles), energy.png (rate),
balance.png (balance): see scripts/plot_study.py.

A directory with a compare.h5 (mudot compare) gets compare.png: see scripts/plot_compare.py.

Works while the run goes on, with what is there. --points draws the points of a CSV file (its first
two columns) over the last heat map; --labels names the axes.
"""
import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # the writer may still be at work
os.environ.setdefault("MPLCONFIGDIR", os.path.join("/tmp", f"mudot-matplotlib-{os.getuid()}"))

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap, Normalize, PowerNorm
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

# Okabe and Ito's colours, told apart by every kind of colour vision.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DENSITIES = matplotlib.colormaps["viridis"]
TIMES = ListedColormap(matplotlib.colormaps["cividis"](np.linspace(0, 0.92, 256)))
OUTSIDE = "#BBBBBB"

WIDE = 0.6  # boxes with less height over width stand in two columns
MAPS = 5  # heat maps in 2-D, one more where they stand in two columns
CURVES = 25  # curves in 1-D
DECADES = 8  # of a density on a logarithmic axis
ROUNDING = 1e-15  # an energy below this part of its largest value is rounding

plt.rcParams.update({
    "figure.dpi": 150, "font.size": 11, "axes.titlesize": 11, "axes.grid": True,
    "grid.alpha": 0.3, "grid.linewidth": 0.6, "lines.linewidth": 1.6, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
})


class PlotError(Exception):
    """A mistake of the user: one sentence."""


# ------------------------------------------------------------------ reading


class Run:
    """What run.h5 holds so far. Fields are [ny, nx], ny = 1 in 1-D."""

    def __init__(self, path):
        with open_run(path) as file:
            self.name = path.parent.resolve().name
            self.status = as_text(file.attrs.get("status", ""))
            self.case = as_text(file.attrs.get("case", ""))
            self.read_grid(file["grid"])
            self.read_densities(file)
            self.ledger = read_ledger(file.get("ledger"))

    def read_grid(self, grid):
        self.x = grid["x"][:]
        y = grid["y"][:] if "y" in grid else np.zeros(0)
        self.dim = 2 if y.size > 1 else 1
        self.y = y if self.dim == 2 else np.zeros(1)
        self.shape = (self.y.size, self.x.size)
        inside = grid["mask"][:].reshape(self.shape) > 0 if "mask" in grid else None
        self.inside = np.ones(self.shape, bool) if inside is None else inside

    def read_densities(self, file):
        count = min(file["time"].shape[0], file["density"].shape[0])
        if count == 0:
            raise PlotError("run.h5 holds no density yet; wait for the first one")
        self.time = file["time"][:count]
        self.density = file["density"]
        chosen = self.choose(CURVES if self.dim == 1 else MAPS + (box_ratio(self) < WIDE), count)
        self.chosen = {k: self.field(self.density[k]) for k in chosen}
        self.target = None
        if "target" in file and "log_density" in file["target"]:
            self.target = np.exp(self.field(file["target/log_density"][:]))
        self.density = None

    def field(self, values):
        """[ny, nx], not a number outside the domain."""
        return np.where(self.inside, np.asarray(values, float).reshape(self.shape), np.nan)

    def choose(self, most, count):
        """Snapshots that differ from each other by about the same distance in L1."""
        if count <= most:
            return range(count)
        sample = np.unique(np.linspace(0, count - 1, min(count, 400)).round().astype(int))
        length = np.zeros(sample.size)
        last = self.density[sample[0]]
        for i in range(1, sample.size):
            here = self.density[sample[i]]
            length[i] = length[i - 1] + np.abs(here - last).sum()
            last = here
        if not np.isfinite(length[-1]) or length[-1] == 0:
            return np.unique(np.linspace(0, count - 1, most).round().astype(int))
        marks = np.linspace(0, length[-1], most)
        chosen = sorted({*sample[np.abs(length[:, None] - marks).argmin(0)].tolist(), count - 1})
        while len(chosen) < most:  # one snapshot was nearest to several marks
            gap = max(range(len(chosen) - 1), key=lambda i: chosen[i + 1] - chosen[i])
            chosen.insert(gap + 1, (chosen[gap] + chosen[gap + 1]) // 2)
        return chosen

    def title(self):
        return f"{self.name} ({self.status})" if self.status.startswith(("running", "failed")) else self.name


def as_text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def open_run(path):
    """The file may be in the middle of an append: look again a few times."""
    directory = path.parent
    if not directory.is_dir():
        raise PlotError(f"{directory}: there is no such directory; give the output directory of a run")
    if not path.is_file():
        raise PlotError(f"{path}: there is no such file; {directory} is not the output directory of a run")
    for attempt in range(5):
        for swmr in (False, True):
            try:
                file = h5py.File(path, "r", libver="latest", swmr=swmr)
                if all(name in file for name in ("grid", "time", "density")):
                    return file
                file.close()
            except OSError:
                pass
        time.sleep(0.1 * (attempt + 1))
    raise PlotError(f"{path}: cannot be read as the file of a run (/grid, /time and /density)")


def read_ledger(group):
    """Name -> column; a run that goes on may have columns of different length: the shortest counts."""
    if group is None:
        return {}
    columns = {name: np.asarray(group[name][:], float) for name in group}
    rows = min((c.size for c in columns.values()), default=0)
    return {name: column[:rows] for name, column in columns.items()} if rows else {}


def read_points(path):
    try:
        return np.atleast_2d(np.genfromtxt(path, delimiter=",", skip_header=1))[:, :2]
    except (OSError, ValueError, IndexError):
        raise PlotError(f"{path}: cannot be read as a CSV file of points, one header line, two columns") from None


def edges(centres):
    """[lower, upper] of the box; a single cell is taken to have width 1."""
    half = (centres[1] - centres[0]) / 2 if centres.size > 1 else 0.5
    return centres[0] - half, centres[-1] + half


def box_ratio(run):
    """Height over width as drawn."""
    (x0, x1), (y0, y1) = edges(run.x), edges(run.y)
    ratio = (y1 - y0) / (x1 - x0)
    return ratio if 1 / 5 < ratio < 5 else 0.5


# ------------------------------------------------------------------ densities


def save(figure, directory, name):
    path = directory / name
    try:
        figure.savefig(path)
    except OSError as error:
        raise PlotError(f"{path}: cannot be written: {error.strerror}") from None
    plt.close(figure)
    print(path)


def density_range(run):
    """Largest density seen, and where a logarithmic axis may end."""
    fields = list(run.chosen.values()) + ([run.target] if run.target is not None else [])
    top = max((np.nanmax(f) for f in fields if np.isfinite(f).any()), default=1)
    return top if np.isfinite(top) and top > 0 else 1


def draw_curves(axes, run, norm):
    for k, rho in run.chosen.items():
        axes.plot(run.x, rho[0], color=TIMES(norm(run.time[k])))
    if run.target is not None:
        axes.plot(run.x, run.target[0], "--", color=VERMILLION, linewidth=1.8, label="target π")
    axes.set_ylabel("density ρ(t, x)")


def time_norm(times):
    """Colours of the times; early times get more of them where more of the curves are early."""
    last, middle = times[-1], np.median(times)
    if not last > 0:
        return Normalize(0, 1)
    gamma = np.log(0.5) / np.log(middle / last) if 0 < middle < last else 1
    return PowerNorm(min(max(gamma, 0.3), 1), 0, last)


def draw_line(run, labels):
    figure, (linear, decades) = plt.subplots(2, 1, figsize=(8, 7.5), sharex=True)
    norm = time_norm(run.time[list(run.chosen)])
    top = density_range(run)
    for axes in (linear, decades):
        draw_curves(axes, run, norm)
    linear.set_ylim(0, 1.05 * top)
    decades.set_yscale("log")
    decades.set_ylim(top * 10.0**-DECADES, 3 * top)
    decades.set_xlabel(labels[0])
    decades.set_xlim(*edges(run.x))
    if run.target is not None:
        linear.legend(loc="upper right")
    bar = figure.colorbar(matplotlib.cm.ScalarMappable(norm, TIMES), ax=[linear, decades])
    bar.set_label("time t")
    figure.suptitle(run.title())
    return figure


def target_levels(target):
    """Contours that hold 90, 50 and 10 per cent of the target's mass; none if it is constant."""
    values = np.sort(target[np.isfinite(target)])[::-1]
    if values.size == 0 or values[0] - values[-1] < 1e-9 * abs(values[0]):
        return []
    mass = np.cumsum(values)
    if not mass[-1] > 0:
        return []
    levels = np.unique([values[np.searchsorted(mass, part * mass[-1])] for part in (0.9, 0.5, 0.1)])
    return levels[(levels > values[-1]) & (levels < values[0])]


def draw_map(axes, run, k, norm, points):
    extent = (*edges(run.x), *edges(run.y))
    colours = DENSITIES.copy()
    colours.set_bad(OUTSIDE)
    image = axes.imshow(run.chosen[k], origin="lower", extent=extent, cmap=colours, norm=norm,
                        interpolation="nearest", aspect=map_aspect(run))
    levels = target_levels(run.target) if run.target is not None else []
    if len(levels):
        axes.contour(run.x, run.y, run.target, levels=levels, colors="white", linewidths=0.9)
    if points is not None:
        axes.plot(points[:, 0], points[:, 1], ".", color=VERMILLION, markersize=3)
    axes.set_title(f"t = {run.time[k]:.3g}")
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    return image


def map_aspect(run):
    """True to scale unless the box is very long."""
    (x0, x1), (y0, y1) = edges(run.x), edges(run.y)
    return box_ratio(run) * (x1 - x0) / (y1 - y0)


def map_layout(run, count, bars):
    """Rows, columns and size of the figure; bars: a colour bar below every map."""
    ratio = box_ratio(run)
    below = 0.75 if bars else 0
    if ratio >= WIDE:
        return 1, count, (max(2.6 * count + (0.9 if bars else 1.9), 6.5), 2.5 * ratio + 1.5 + below)
    columns = 2 if count > 1 else 1
    rows = -(-count // columns)
    return rows, columns, (5.2 * columns + 1, rows * (4.6 * ratio + 0.45 + below) + 1)


def draw_maps(run, labels, points):
    count = len(run.chosen)
    peaks = [max(np.nanmax(f), 1e-300) for f in run.chosen.values()]
    shared = Normalize(0, max(peaks)) if max(peaks) <= 4 * min(peaks) else None
    rows, columns, size = map_layout(run, count, shared is None)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True)
    for n, (axes, k) in enumerate(zip(grid.flat, run.chosen)):
        norm = shared or Normalize(0, peaks[n])
        image = draw_map(axes, run, k, norm, points if n == count - 1 else None)
        if shared is None:
            bar = figure.colorbar(image, ax=axes, orientation="horizontal", pad=0.02, shrink=0.9, aspect=30)
            bar.locator = MaxNLocator(3)
            bar.update_ticks()
    for axes in list(grid.flat)[count:]:
        axes.axis("off")
    if shared is not None:
        figure.colorbar(image, ax=grid, label="density ρ", shrink=0.9, pad=0.01)
    for axes in grid[:, 0]:
        axes.set_ylabel(labels[1])
    if count == 1:
        axes.set_xlabel(labels[0])
    else:
        figure.supxlabel(labels[0], fontsize=11)
    figure.suptitle("\n".join([run.title(), map_legend(run, shared, points)]), fontsize=11)
    return figure


def map_legend(run, shared, points):
    parts = []
    if shared is None:
        parts.append("colours: density ρ, a scale for each time")
    if run.target is not None and len(target_levels(run.target)):
        parts.append("lines: 10, 50, 90 % of the target's mass")
    if points is not None:
        parts.append("dots: the data")
    return "; ".join(parts)


# ------------------------------------------------------------------ the ledger


def positive(values):
    """For a logarithmic axis: not a number where it is not positive."""
    values = np.asarray(values, float)
    return np.where(values > 0, values, np.nan)


def time_axis(axes, t):
    axes.set_xlabel("time t")
    if t.size > 1:
        axes.set_xlim(t[0], t[-1])


def markers(count):
    """Few points are drawn as points, so that a single one is seen."""
    return {"marker": "o", "markersize": 4} if count <= 3 else {}


def logarithmic(axes):
    """A logarithmic axis if there is anything positive to show, with labels a reader can tell apart."""
    low = [y[np.isfinite(y) & (y > 0)] for y in (np.asarray(l.get_ydata(), float) for l in axes.lines)]
    low = np.concatenate(low) if low else np.zeros(0)
    if not low.size:
        axes.text(0.5, 0.5, "zero throughout", transform=axes.transAxes, ha="center", va="center")
        axes.set_yticks([])
        return
    axes.set_yscale("log")
    if low.max() > 1e2 * low.min():
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_minor_formatter(NullFormatter())


def decay_rate(ledger):
    """Times, -d(log F)/dt between the rows, and (R + R*)/F with the logarithmic mean of F: equal if
    the balance holds. Rows whose energy is rounding are left out."""
    t, energy = ledger["t"], ledger["energy"]
    before, after = energy[:-1], energy[1:]
    dt = np.diff(t)
    with np.errstate(all="ignore"):
        good = (dt > 0) & (after > ROUNDING * np.nanmax(energy)) & (after > 0) & (before > 0)
        rate = np.where(good, np.log(before / after) / dt, np.nan)
        mean = np.where(np.abs(before / after - 1) > 1e-6, (before - after) / np.log(before / after), after)
        balance = np.where(good, dissipation(ledger)[1:] / mean, np.nan)
    return (t[:-1] + t[1:]) / 2, rate, balance


def dissipation(ledger):
    return ledger["dissipation_primal"] + ledger["dissipation_dual"]


def draw_terms(axes, ledger, transform):
    colours = [GREEN, ORANGE, PURPLE, SKY, VERMILLION]
    terms = [name for name in ledger if name.startswith("energy_")]
    for n, name in enumerate(terms if len(terms) > 1 else []):
        axes.plot(ledger["t"], transform(ledger[name]), "--", color=colours[n % len(colours)],
                  label=name[len("energy_"):].replace("_", " "), **markers(ledger["t"].size))
    axes.plot(ledger["t"], transform(ledger["energy"]), color=BLUE, label="energy F", zorder=3,
              **markers(ledger["t"].size))
    if len(terms) > 1:
        axes.legend()


def same(values):
    return values


def draw_rate(axes, ledger):
    t, rate, balance = decay_rate(ledger)
    shown = np.r_[rate[np.isfinite(rate)], balance[np.isfinite(balance)]]
    axes.plot(t, rate, color=BLUE, label="−d(log F)/dt", **markers(t.size))
    axes.plot(t, balance, ":", color=VERMILLION, linewidth=2.2, label="(R + R*)/F", **markers(t.size))
    axes.set_ylabel("decay rate (1/time)")
    axes.legend()
    if shown.size and shown.min() > 0 and shown.max() > 30 * shown.min():
        logarithmic(axes)
    elif shown.size:
        axes.set_ylim(min(0, 1.1 * np.percentile(shown, 1)), 1.15 * np.percentile(shown, 99) or 1)
    else:
        axes.text(0.5, 0.5, "no rate: fewer than two energies above zero", transform=axes.transAxes, ha="center")
        axes.set_yticks([])


def draw_energy(run):
    ledger = run.ledger
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 7), sharex=True)
    energy = ledger["energy"]
    floor = ROUNDING * np.nanmax(np.abs(energy)) if np.isfinite(energy).any() else 0
    if not (energy < -floor).any():
        draw_terms(top, ledger, positive)
        logarithmic(top)
        top.set_ylabel("energy F")
        draw_rate(bottom, ledger)
    else:  # an energy that changes its sign has no decay rate
        draw_terms(top, ledger, same)
        top.set_ylabel("energy F")
        bottom.plot(ledger["t"], positive(dissipation(ledger)), color=BLUE, **markers(energy.size))
        bottom.set_ylabel("dissipation R + R* = −dF/dt")
        logarithmic(bottom)
    time_axis(bottom, ledger["t"])
    figure.suptitle(run.title())
    return figure


def draw_signed(axes, t, values, label):
    """The size on a logarithmic axis, the sign as colour."""
    style = markers(t.size)
    axes.set_ylabel(label)
    if (values > 0).any():
        axes.plot(t, positive(values), color=BLUE, label="positive", **style)
    if (values < 0).any():
        axes.plot(t, positive(-values), "--", color=VERMILLION, label="negative", **style)
        axes.legend(ncol=2)
    logarithmic(axes)


def draw_balance(run):
    ledger = run.ledger
    t = ledger["t"]
    figure, (potentials, defect, mass) = plt.subplots(3, 1, figsize=(8, 9), sharex=True)
    style = markers(t.size)
    potentials.plot(t, positive(ledger["dissipation_primal"]), color=BLUE, label="primal R(μ, dμ/dt)", **style)
    potentials.plot(t, positive(ledger["dissipation_dual"]), ":", color=VERMILLION, linewidth=2.4,
                    label="dual R*(μ, −DF)", **style)
    potentials.set_ylabel("dissipation potential")
    potentials.legend()
    logarithmic(potentials)
    draw_signed(defect, t, ledger["balance_defect"], "balance defect\nF + ∫(R + R*) − F(0)")
    draw_signed(mass, t, ledger["mass"] - ledger["mass"][0], "mass − initial mass")
    time_axis(mass, t)
    figure.suptitle(run.title())
    return figure


# ------------------------------------------------------------------ the program


LEDGER_COLUMNS = ("t", "energy", "dissipation_primal", "dissipation_dual", "balance_defect", "mass")


def draw(arguments):
    directory = pathlib.Path(arguments.directory)
    sys.modules.setdefault("plot", sys.modules[__name__])  # what these import is this module
    has_run = (directory / "run.h5").is_file()
    if (directory / "compare.h5").is_file():
        import plot_compare

        plot_compare.draw(directory)
        if not has_run:
            return
    if (directory / "study.h5").is_file() and not has_run:
        import plot_study

        plot_study.draw(directory)
        return
    run = Run(directory / "run.h5")
    points = read_points(arguments.points) if arguments.points else None
    figure = draw_line(run, arguments.labels) if run.dim == 1 else draw_maps(run, arguments.labels, points)
    save(figure, directory, "density.png")
    if not all(name in run.ledger for name in LEDGER_COLUMNS):
        print("the ledger has no rows yet: energy.png and balance.png are left out", file=sys.stderr)
        return
    save(draw_energy(run), directory, "energy.png")
    save(draw_balance(run), directory, "balance.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="OUT_DIRECTORY")
    parser.add_argument("--points", metavar="CSV", help="points to draw over the last heat map")
    parser.add_argument("--labels", nargs=2, metavar=("X", "Y"), default=("x", "y"), help="names of the axes")
    try:
        draw(parser.parse_args())
    except PlotError as error:
        sys.exit(f"plot.py: {error}")


if __name__ == "__main__":
    main()
