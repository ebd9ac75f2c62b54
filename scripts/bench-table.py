#!/usr/bin/python3
"""Writes the ratios of `make bench`, BUILD/bench.csv, into the table of src/manual/speed.md.

Usage: scripts/bench-table.py BUILD/bench.csv
"""
import csv
import pathlib
import sys

import markdown

CHAPTER = pathlib.Path(__file__).resolve().parent.parent / "src/manual/speed.md"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    with open(sys.argv[1], newline="") as file:
        rows = [[row["name"], f"{float(row['ratio']):.3g}", f"{float(row['bound']):g}", row["holds"]]
                for row in csv.DictReader(file)]
    markdown.write_part(CHAPTER, "ratios", markdown.table(["what", "ratio", "bound", "holds"], rows))


main()
