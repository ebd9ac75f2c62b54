#!/usr/bin/python3
"""Draws a run, particles, a study or a comparison; scripts/plot.py -h says what. The work is that of mudot.plot."""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "python"))

from mudot.plot.command import main  # noqa: E402

sys.exit(main())
