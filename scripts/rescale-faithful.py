#!/usr/bin/python3
"""Brings the two columns of faithful.csv to comparable units: old-faithful.csv.

The Old Faithful geyser, 272 eruptions: their length (1.6 to 5.1 minutes) and the waiting time to the
next one (43 to 96 minutes). A kernel is isotropic: one bandwidth serves both axes. So the waiting
time is written in units of ten minutes (4.3 to 9.6): the standard deviations are then 1.14 and 1.36.

Usage: scripts/rescale-faithful.py
"""
import csv
import pathlib

HERE = pathlib.Path(__file__).resolve().parent


def main():
    with open(HERE / "faithful.csv", newline="", encoding="ascii") as source:
        rows = list(csv.DictReader(source))
    with open(HERE / "old-faithful.csv", "w", newline="", encoding="ascii") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["eruption_in_min", "waiting_in_10_min"])
        for row in rows:
            writer.writerow([row["eruptions"], f"{float(row['waiting']) / 10:.1f}"])
    print(f"{HERE / 'old-faithful.csv'}: {len(rows)} rows")


if __name__ == "__main__":
    main()
