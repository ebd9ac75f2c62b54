"""Draws a comparison of particles with a stored run; scripts/plot.py calls it for a directory with a compare.h5.

compare.png   every distance over time, beside the mean and two standard deviations of what as many independent
              samples of the reference would have; at a single time, the ratios to that mean
"""
import numpy as np

import h5py
from plot import BLUE, ORANGE, PlotError, as_text, logarithmic, markers, plt, positive, save, time_axis

COLUMNS = 2
ORDER = ("mmd2", "energy_distance", "w1", "w2", "sliced_w1", "sliced_w2", "kolmogorov", "histogram_l1", "mean_error",
         "covariance_error")


class Comparison:
    def __init__(self, path):
        try:
            with h5py.File(path, "r") as file:
                self.time = file["time"][:]
                self.particles = file["particles"][:].astype(int)
                self.sentence = as_text(file.attrs["sentence"])
                self.kernel = as_text(file.attrs["kernel"])
                self.metrics = {name: {key: file[name][key][:] for key in ("value", "expected", "sd")}
                                for name in ORDER if name in file}
        except (OSError, KeyError) as error:
            raise PlotError(f"{path}: cannot be read as the file of a comparison: {error}") from None
        self.name = path.parent.resolve().name

    def title(self):
        low, high = self.particles.min(), self.particles.max()
        count = f"{low}" if low == high else f"{low} to {high}"
        return f"{self.name}: {count} particles; kernel {self.kernel}\n{self.sentence}"


def label_of(name):
    for word, sign in (("_", " "), ("mmd2", "MMD²"), ("w1", "W₁"), ("w2", "W₂"), ("l1", "L¹")):
        name = name.replace(word, sign)
    return name


def draw_metric(axes, t, metric, name):
    value, expected, sd = (metric[key] for key in ("value", "expected", "sd"))
    low = np.maximum(expected - 2 * sd, 0.05 * expected)  # the axis is logarithmic
    axes.fill_between(t, low, expected + 2 * sd, color=ORANGE, alpha=0.3, linewidth=0,
                      label="N samples: mean ± 2 sd")
    axes.plot(t, positive(expected), "--", color=ORANGE)
    axes.plot(t, positive(value), color=BLUE, label="the particles", **markers(t.size))
    axes.set_ylabel(label_of(name))
    logarithmic(axes)
    time_axis(axes, t)


def draw_times(comparison):
    names = list(comparison.metrics)
    rows = -(-len(names) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(5.5 * COLUMNS, 2.3 * rows + 1), sharex=True, squeeze=False)
    for axes, name in zip(grid.flat, names):
        draw_metric(axes, comparison.time, comparison.metrics[name], name)
        axes.set_xlabel("")
    for axes in list(grid.flat)[len(names):]:
        axes.axis("off")
    for axes in grid[-1]:
        axes.set_xlabel("time t")
    grid.flat[0].legend(fontsize=9)
    figure.suptitle(comparison.title(), fontsize=11)
    return figure


def draw_ratios(comparison):
    """One time: the distances over their means, with two standard deviations of the samples."""
    shown = {name: [m[key][0] / m["expected"][0] for key in ("value", "sd")]
             for name, m in reversed(comparison.metrics.items()) if m["expected"][0] > 0}
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(shown) + 2))
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
    axes.legend(fontsize=9)
    figure.suptitle(comparison.title(), fontsize=11)
    return figure


def draw(directory):
    comparison = Comparison(directory / "compare.h5")
    figure = draw_times(comparison) if comparison.time.size > 1 else draw_ratios(comparison)
    save(figure, directory, "compare.png")
