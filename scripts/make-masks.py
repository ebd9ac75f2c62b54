#!/usr/bin/python3
"""Makes the obstacle masks of meshes/ as plain PGM images, one pixel per cell, 1 = inside.

Usage: scripts/make-masks.py [DIRECTORY] [--refine N]

DIRECTORY is meshes/ unless given. --refine N makes N pixels per axis out of one, for grids with N
times the cells of the domain file: write them elsewhere, with a copy of the domain file.
"""
import argparse
import pathlib

import numpy as np

MESHES = pathlib.Path(__file__).resolve().parent.parent / "meshes"


def centres(lower, upper, cells):
    """Cell centres of one axis, [cells]."""
    return lower + (np.arange(cells) + 0.5) * (upper - lower) / cells


def two_rooms(refine):
    x, y = np.meshgrid(centres(0, 4, 128 * refine), centres(0, 2, 64 * refine))
    wall = np.abs(x - 2) < 1 / 16
    door = (y > 5 / 4) & (y < 13 / 8)
    return ~wall | door


def l_shape(refine):
    x, y = np.meshgrid(centres(-1, 1, 96 * refine), centres(-1, 1, 96 * refine))
    return (x < 0) | (y < 0)


MASKS = {
    "two-rooms": ("two rooms joined by a door", two_rooms),
    "l-shape": ("a square without its upper right quarter", l_shape),
}


def write_pgm(path, comment, inside):
    """`inside` is [ny, nx] with y upwards; an image starts at the top."""
    height, width = inside.shape
    with open(path, "w", encoding="ascii") as out:
        out.write(f"P2\n# {comment}: 1 = inside, first row = largest y\n{width} {height}\n1\n")
        for row in inside[::-1]:
            out.write(" ".join("1" if cell else "0" for cell in row) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=MESHES)
    parser.add_argument("--refine", type=int, default=1, metavar="N")
    arguments = parser.parse_args()
    if arguments.refine < 1:
        parser.error("--refine must be at least 1")
    for name, (comment, mask) in MASKS.items():
        path = arguments.directory / f"{name}.pgm"
        write_pgm(path, comment, mask(arguments.refine))
        print(path)


if __name__ == "__main__":
    main()
