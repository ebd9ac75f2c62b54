#!/usr/bin/python3
"""One table of finished studies: theorem, study, type, expected, observed +- error, verdict.

Usage: scripts/study-table.py SUMMARY.csv STUDY_DIRECTORY ...

What a study asks is told by the first line of its file, "# theorem: ...". Prints the table, writes it as CSV, and ends with status 1 if a verdict is not the one that the study
expects. If every study of scripts/studies/ is there, the table goes into src/manual/studies.md as well.
"""
import csv
import os
import pathlib
import re
import sys

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
import h5py
import numpy as np

import markdown

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = ("theorem", "study", "type", "expected", "observed", "error", "verdict")


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def number(value, digits=3):
    return "-" if not np.isfinite(value) else f"{value:.{digits}g}"


def theorem(name):
    """What the shipped study asks; "" where it does not say."""
    path = ROOT / "scripts/studies" / f"{name}.yaml"
    found = re.match(r"# theorem: (.*)", path.read_text()) if path.exists() else None
    return found.group(1) if found else ""


def read(directory):
    with h5py.File(directory / "study.h5", "r") as file:
        a = file.attrs
        kind, verdict, claim = text(a["type"]), text(a["verdict"]), text(a["expected_verdict"])
        row = [theorem(directory.name), directory.name, kind, number(a["expected"]), number(a["order"]), number(a["order_stderr"], 2), verdict]
        return row, verdict == claim


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.split("\n\n")[1])
    rows, right = [], True
    for name in sys.argv[2:]:
        row, as_expected = read(pathlib.Path(name))
        right &= as_expected
        rows.append(row + ([] if as_expected else ["NOT AS EXPECTED"]))
    with open(sys.argv[1], "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *(row[:7] for row in rows)])
    table = markdown.table(["theorem: study", "expected", "observed", "verdict"],
                           [[row[0].replace("*", "\\*") + f": `{row[1]}`", row[3], row[4] if row[4] == "-" else f"{row[4]} +- {row[5]}", row[6]] for row in rows])
    print("\n" + "\n".join(table))
    for row in rows:
        if len(row) > 7:
            print(f"{row[1]}: {row[6]} is not the verdict that it expects")
    if {row[1] for row in rows} == {path.stem for path in (ROOT / "scripts/studies").glob("*.yaml")}:
        markdown.write_part(ROOT / "src/manual/studies.md", "studies", table)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
