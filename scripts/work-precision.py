#!/usr/bin/python3
"""Draws error against time from what build/bench_stiff -bench_curve CURVES.csv writes.

Usage: scripts/work-precision.py CURVES.csv FIGURE.png
"""
import csv
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "python"))

from mudot.plot.style import BLUE, GREEN, MARKS, ORANGE, PURPLE, VERMILLION, applied, subplots  # noqa: E402

METHODS = {"extrapolation": ("extrapolation, tolerances $10^{-1}$ to $10^{-10}$", BLUE),
           "CVODE": ("CVODE (BDF), the same", VERMILLION),
           "strang": ("splitting, fixed steps", GREEN),
           "lie": ("lie, fixed steps", ORANGE),
           "discrete_gradient": ("discrete_gradient, fixed steps", PURPLE)}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    with applied():
        figure, axes = subplots(size=(7, 4.5))
        for mark, (method, (label, colour)) in zip(MARKS, METHODS.items()):
            points = [(float(row["seconds"]), float(row["error"])) for row in rows if row["method"] == method]
            if points:
                axes.plot(*zip(*points), color=colour, marker=mark, markersize=4, linewidth=1.2, label=label)
        axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="error in time, $L^1$",
                 title="Hellinger-Kantorovich flow in a double well, 1024 cells, $t = 1$")
        axes.legend(loc="lower left")
        figure.savefig(sys.argv[2])


main()
