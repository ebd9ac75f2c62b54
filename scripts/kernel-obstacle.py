#!/usr/bin/python3
"""Draws what kernels see of obstacles: two rooms with a door, a point in the left one, and k(x, y) to all others, under
the extensions zero and mask; below, k*1, which should be 1. The kernel reaches through the wall in both. Colours go
with the square root.

    kernel-obstacle.py [FILE]          out/kernel-obstacle.png
"""
import os
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import PowerNorm  # noqa: E402

CELLS = (48, 32)  # x, y
BANDWIDTH = 3.0  # cells
WALL, DOOR = 24, (20, 26)  # a column, and the rows that are open in it
POINT = (20, 8)


def rooms():
    inside = np.ones(CELLS[::-1], bool)
    inside[:, WALL:WALL + 2] = False
    inside[DOOR[0]:DOOR[1], WALL:WALL + 2] = True
    return inside


def kernel(inside):
    """The matrix of the kernel between the inside cells, of mass 1 in the plane."""
    y, x = np.nonzero(inside)
    squares = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    return np.exp(-squares / (2 * BANDWIDTH**2)) / (2 * np.pi * BANDWIDTH**2)


def renormalise(matrix):
    """D matrix D with rows 1: the symmetric Sinkhorn iteration."""
    d = np.ones(len(matrix))
    for _ in range(200):
        d = np.sqrt(d / (matrix @ d))
    return d[:, None] * matrix * d


def draw(axes, inside, values, highest, title):
    field = np.full(inside.shape, np.nan)
    field[inside] = values
    image = axes.imshow(field, origin="lower", cmap="viridis", norm=PowerNorm(0.5, 0, highest))
    axes.set_title(title, fontsize=9)
    axes.plot(*POINT, "r.", markersize=4)
    axes.figure.colorbar(image, ax=axes, shrink=0.7)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "out/kernel-obstacle.png"
    inside = rooms()
    y, x = np.nonzero(inside)
    point = int(np.flatnonzero((x == POINT[0]) & (y == POINT[1]))[0])
    plain = kernel(inside)
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), constrained_layout=True)
    for column, (matrix, name) in enumerate(((plain, "zero"), (renormalise(plain), "mask"))):
        draw(axes[0, column], inside, matrix[point], plain.max(), f"k(x, y) from the red point, extension: {name}")
        draw(axes[1, column], inside, matrix.sum(1), 1, f"k*1, extension: {name}")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    figure.savefig(path, dpi=120)
    print(path)


if __name__ == "__main__":
    main()
