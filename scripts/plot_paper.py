#!/usr/bin/python3
"""Draws the experiments of scripts/run-paper: the population MMD^2 against iterations, mean over the seeds and the band
between the 10 % and 90 % quantiles, one panel per experiment and bandwidth; and the table paper.csv.

Usage: scripts/plot_paper.py DIRECTORY [--output scripts/figures]"""
import argparse
import csv
import os
import pathlib
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "python"))
from mudot.plot.style import BLUE, GREEN, ORANGE, VERMILLION, applied, subplots  # noqa: E402

METHODS = {"mmd_flow": ("MMD flow", VERMILLION), "mmd_flow_noise": ("MMD flow, noise", ORANGE),
           "ift": ("IFT, MMD weight step", BLUE), "ift-entropic": ("IFT, entropic weight step", GREEN)}
TITLES = {"gaussian": "(a) Gaussian target", "mixture": "(b) mixture of three", "high-dimension": "(c) $d = 100$"}
SHOWN = (10, 100, 1000)


def curves(directory):
    """mmd2 [seeds][iterations + 1] of a method's runs, None if there are none."""
    rows = []
    for file in sorted(directory.glob("*/particles.h5"), key=lambda f: int(f.parent.name)):
        if (file.parent / "done").exists():
            with h5py.File(file, "r") as h5:
                rows.append(h5["ledger/mmd2"][:])
    return np.array(rows) if rows else None


def draw(axes, directory, experiment, bandwidth, table):
    for method, (label, colour) in METHODS.items():
        mmd2 = curves(directory / f"{experiment}-{bandwidth:g}" / method)
        if mmd2 is None:
            continue
        iterations = np.arange(mmd2.shape[1])
        low, high = np.quantile(mmd2, (0.1, 0.9), axis=0)
        axes.fill_between(iterations[1:], low[1:], high[1:], color=colour, alpha=0.2, linewidth=0)
        axes.plot(iterations[1:], mmd2.mean(axis=0)[1:], color=colour, label=label)
        for k in SHOWN:
            if k < len(iterations):
                table.append([experiment, f"{bandwidth:g}", method, len(mmd2), k, f"{mmd2[:, k].mean():.4g}",
                              f"{mmd2[:, k].std(ddof=1) if len(mmd2) > 1 else 0:.3g}", f"{low[k]:.4g}",
                              f"{high[k]:.4g}"])
    axes.set(xscale="log", yscale="log", title=f"{TITLES[experiment]}, $h = {bandwidth:g}$")


def figure(directory, experiments, path, table):
    columns = max(len(bandwidths) for bandwidths in experiments.values())
    fig, axes = subplots(len(experiments), columns, (3.4 * columns + 0.6, 3.1 * len(experiments) + 0.5), squeeze=False,
                         sharex=True)
    for row, (experiment, bandwidths) in zip(axes, experiments.items()):
        for panel, bandwidth in zip(row, bandwidths):
            draw(panel, directory, experiment, bandwidth, table)
        row[0].set_ylabel("MMD$^2$ to the target")
    for panel in axes[-1]:
        panel.set_xlabel("iteration")
    axes[0][0].legend(fontsize=8, loc="lower left")
    fig.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "figures")
    arguments = parser.parse_args()
    os.makedirs(arguments.output, exist_ok=True)
    table = []
    with applied():
        figure(arguments.directory, {"gaussian": (1, 2, 10), "mixture": (1, 2, 10)}, arguments.output / "paper.png", table)
        figure(arguments.directory, {"high-dimension": (10,)}, arguments.output / "paper-high-dimension.png", table)
    with open(arguments.output / "paper.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["experiment", "bandwidth", "method", "seeds", "iteration", "mean", "sd", "q10", "q90"])
        writer.writerows(table)
    print(f"{arguments.output}/paper.png, paper-high-dimension.png, paper.csv")


if __name__ == "__main__":
    main()
