"""Draws what is in a directory of mudot: a run, particles, a study, a comparison.

Usage: scripts/plot.py OUT_DIRECTORY [-format png|pdf|svg] [-column_width INCHES] [-movie FILE] [-points FILE] [-labels X Y]

density   of a run; 1-D: the density over time, linear and logarithmic, and the target; 2-D: heat maps at five times with
          the contours of the target
energy    the energy and its terms, and the decay rate -d(log F)/dt; of particles what their ledger has
balance   the dissipation potentials R and R*, the defect of the energy-dissipation balance over F(0), the mass
error     of a reference: the error of its snapshots, of the grid and of the time steps
cloud     of particles
errors, dissipation, energy, balance    of studies
compare   of a directory with a compare.h5 (mudot compare)

Files are written beside what they show. Works while the run goes on, with what is there.
"""
from __future__ import annotations

import argparse
import pathlib
import sys
from typing import List, Optional

from ..errors import FileError, MudotError
from . import draw
from .style import applied


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="plot.py", description=__doc__, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("directory", metavar="OUT_DIRECTORY")
    made.add_argument("-format", "--format", choices=("png", "pdf", "svg"), default="png", help="of the figures")
    made.add_argument("-column_width", "--column-width", type=float, metavar="INCHES",
                      help="width of a journal's column; fonts of 7 and 8 points, embedded")
    made.add_argument("-movie", "--movie", metavar="FILE", help="the density over time instead, .mp4 (ffmpeg) or .gif")
    made.add_argument("-particles", "--particles", metavar="DIRECTORY", help="particles over the movie of a run")
    made.add_argument("-points", "--points", metavar="FILE", help="CSV or .npy: points over the last heat map")
    made.add_argument("-own_scales", "--own-scales", action="store_true", help="a colour scale for each time")
    made.add_argument("-labels", "--labels", nargs=2, metavar=("X", "Y"), help="names of the axes (default: grid_labels)")
    return made


def write(given: argparse.Namespace) -> None:
    if given.movie:
        from . import movie

        print(movie.write(given.directory, pathlib.Path(given.movie), given.particles, given.labels,
                          column_width=given.column_width))
        return
    made = draw(given.directory, (), given.points, given.labels, given.own_scales, given.column_width)
    for name, figure in made.items():
        path = pathlib.Path(given.directory) / f"{name}.{given.format}"
        try:
            with applied(given.column_width):
                figure.savefig(path)
        except OSError as error:
            raise FileError(f"{path}: cannot be written: {error.strerror}", 4) from None
        print(path)
    if "density" in made and "energy" not in made:
        print("the ledger has no rows yet: energy and balance are left out", file=sys.stderr)


def main(arguments: Optional[List[str]] = None) -> int:
    try:
        write(parser().parse_args(arguments))
    except MudotError as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return error.status or 1
    return 0
