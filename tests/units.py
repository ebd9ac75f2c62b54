#!/usr/bin/python3
"""Studies do not depend on the units of length and time: the same study with lengths times L and times times T has the
same verdict and the same table, each column in its unit.
Usage: BUILD=build tests/units.py"""
import csv
import math
import pathlib

from harness import check, folder, mudot, totals

CASE = """grid: {{lower: [{0:.17g}], upper: [{1:.17g}], cells: [48]}}
target: {{type: gaussian, mean: [0], covariance: [{2:.17g}]}}
initial: {{type: gaussian, mean: [{3:.17g}], covariance: [{4:.17g}]}}
energy: {{kl: 1}}
geometry: {{{5}}}
kernel: {{type: gaussian, bandwidth: {6:.17g}}}
time: {{end: {7:.17g}, step: {8:.17g}}}
particles: {{method: langevin, count: 20}}
"""
# name: geometry, its unit (powers of L, T), the study; {0} is L and {1} is T times what follows
STUDIES = {
    "gamma": ("kernel_fisher_rao", 1, -1, "vary: kernel_bandwidth, values: [{L:1}, {L:0.8}, {L:0.6}, {L:0.4}], "
              "limit: auto, expect_order: 2"),
    "order": ("wasserstein", 2, -1, "vary: time_step, values: [{T:0.1}, {T:0.05}, {T:0.025}], expect_order: 1, "
              "exact: ornstein_uhlenbeck"),
    "rate": ("wasserstein", 2, -1, "theorem: spectral_gap"),
    "balance": ("wasserstein", 2, -1, 'vary: time_step, values: [{T:0.1}, {T:0.05}], systems: ["wasserstein*{W:1}:kl:auto"]'),
    "particles": ("wasserstein", 2, -1, "values: [20, 40, 80], seeds: 2"),
}
# powers of L and T of the columns that are not pure numbers
UNITS = {"error_l2": (-0.5, 0), "error_max": (-1, 0), "density_error_w2": (1, 0), "dual_potential_error": (0, -1),
         "dual_potential_gap": (0, -1), "rate": (0, -1), "rate_stderr": (0, -1), "constant": (0, -1),
         "observed": (0, -1), "bound_rate": (0, -1), "inequality": (0, -1), "window_error": (0, -1),
         "worst_time": (0, 1), "window_start": (0, 1), "window_end": (0, 1), "transport_error": (1, 0),
         "mmd_error": (-0.5, 0), "mmd_error_stderr": (-0.5, 0), "mmd_iid": (-0.5, 0)}
# not compared: names, what is varied, rounding and what is made of it
LEFT = {"value", "system", "status", "floor", "seconds", "wall_time"}


class Scaled(dict):
    """{L:0.5} in a text is 0.5 L."""

    def __init__(self, length, time):
        super().__init__(L=Unit(length), T=Unit(time), W=Unit(length**2 / time))


class Unit(float):
    def __format__(self, text):
        return f"{float(text) * self:.17g}"


def study(name, length, time):
    """The exit status and the table of a study in the units."""
    geometry, i, j, text = STUDIES[name]
    here = pathlib.Path(f"{name}-{length}-{time}")
    here.mkdir()
    weight = f"{geometry}: {length**i * time**j:.17g}"
    (here / "case.yaml").write_text(CASE.format(-4 * length, 4 * length, length**2, length, 0.5 * length**2, weight,
                                                0.5 * length, 0.5 * time, 0.05 * time))
    (here / "study.yaml").write_text(f"study: {{type: {name}, case: case.yaml, {text.format_map(Scaled(length, time))}}}\n"
                                     "output: {directory: out}\n")
    result = mudot("study", "study.yaml", cwd=here)
    if result.returncode > 1:
        return result.returncode, result.stderr
    with open(here / "out/study.csv", encoding="utf-8") as file:
        return result.returncode, list(csv.DictReader(file))


def same(one, other, length, time):
    """The first cell that differs, or nothing."""
    for a, b in zip(one, other):
        for column in set(a) - LEFT:
            try:
                x, y = float(a[column]), float(b[column])
            except ValueError:
                continue
            i, j = UNITS.get(column, (0, 0))
            y /= length**i * time**j
            # of values of the size 1, or of their size where that is smaller than rounding allows
            if not math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9) and not (math.isnan(x) and math.isnan(y)):
                return f"{column}: {x} and {y}"
    return "" if len(one) == len(other) else "numbers of rows"


def main():
    with folder():
        for name in STUDIES:
            status, table = study(name, 1, 1)
            for length, time in (1e-9, 1), (1e6, 1e-9):
                other, scaled = study(name, length, time)
                if status > 1 or other > 1:
                    check(f"{name} at L = {length}, T = {time}", False, f"{table if status > 1 else scaled}")
                    continue
                why = same(table, scaled, length, time) or ("" if status == other else f"exit status {status}, {other}")
                check(f"{name} at L = {length}, T = {time}", not why, why)
    totals()


if __name__ == "__main__":
    main()
