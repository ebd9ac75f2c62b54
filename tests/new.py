#!/usr/bin/python3
"""What mudot new writes runs as it is: every geometry with the default energy, every energy with the default geometry,
in one and two dimensions. Usage: BUILD=build tests/new.py"""
import json

from harness import check, folder, mudot, totals


def runs(name, *options):
    made = mudot("new", *options, "-output", "case.yaml", "-overwrite")
    done = mudot("run", "case.yaml", "-time_end", "0.03", "-output_overwrite") if made.returncode == 0 else made
    check(name, done.returncode == 0, done.stderr.strip())


def main():
    lists = json.loads(mudot("list", "--json").stdout)
    with folder():
        for dim in 1, 2:
            for kind, table in ("geometry", "geometries"), ("energy", "energies"):
                for row in lists[table]:
                    runs(f"{kind} {row['name']} in {dim}-D", f"-{kind}", row["name"], "-dim", dim)
    totals()


main()
