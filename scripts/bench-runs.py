#!/usr/bin/python3
"""Whole runs of `mudot run`, part of `make bench`: what the ledger costs beside the steps, bytes per cell, two ranks
beside one, and what bench-scipy.py measures. Prints a line for each ratio and appends it to the file that the programs
of the bench write.

Usage: scripts/bench-runs.py BUILD/mudot BUILD/bench.csv
"""
import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile

COMMON = """
grid: {lower: [-3, -3], upper: [3, 3], cells: [512, 512], boundary: no_flux}
target: {type: formula, log_density: "-4*((x^2-1)^2+y^2/2+0.3*x*y)"}
initial: {type: gaussian, mean: [1, 0.5], covariance: [0.0625, 0, 0, 0.0625]}
time: {end: 1, step: 0.01, scheme: splitting, transport_solver: dimension_split}
"""
CASES = {  # name: (case, bound of ledger over steps, bound of two ranks over one)
    "Hellinger-Kantorovich": ("energy: {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 1}\n", 2.0, 0.65),
    "IFT of MMD": ("energy: {mmd: 1}\ngeometry: {wasserstein: 1, mmd: 1, face_mean: upwind}\n"
                   "kernel: {type: gaussian, bandwidth: 0.1, normalization: peak, extension: zero}\n", 1.0, 0.75),
}
LARGE = ["-grid_cells", "1024,1024", "-time_end", "0.15"]
TO_TOLERANCE = COMMON.replace("step: 0.01, scheme: splitting, transport_solver: dimension_split", "tolerance: 1e-3")
EMPTY = 48 * 2**20  # bytes of the program without a grid
REPEATS = 3


def run(program, folder, ranks=1, options=()):
    """Seconds of the events, and the peak memory in bytes."""
    start = ["mpiexec", "-n", str(ranks)] if ranks > 1 else []
    command = start + [program, "run", f"{folder}/case.yaml", "-output_directory", f"{folder}/out", "-output_overwrite",
                       *options, "-log_view"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = {name: float(time) for name, time in re.findall(r"^(\w+) +\d+ [\d.]+ (\S+) ", text, re.M)}
    return seconds, float(re.search(r"peak memory +(\S+) MB", text).group(1)) * 2**20


def median(values):
    return sorted(values)[len(values) // 2]


def to_tolerance(program, folder, name, case):
    """Rows of the same flow by extrapolation."""
    with open(f"{folder}/case.yaml", "w") as file:
        file.write(TO_TOLERANCE + case)
    runs = [run(program, folder, 1, ["-time_end", "0.2"]) for _ in range(REPEATS)]
    large = run(program, folder, 1, [*LARGE[:2], "-time_end", "0.05"])
    return [(f"ledger of {name} / steps by extrapolation, 512^2", median([r["MuLedger"] / r["TSStep"] for r, _ in runs]), 1.0),
            (f"ledger of {name} / steps by extrapolation, 1024^2", large[0]["MuLedger"] / large[0]["TSStep"], 1.0),
            (f"{name}, 1024^2, extrapolation: doubles per cell", (large[1] - EMPTY) / 8 / 1024**2, 65)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    program, rows = sys.argv[1], []
    for name, (case, ledger_bound, ranks_bound) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/case.yaml", "w") as file:
                file.write(COMMON + case)
            runs = [run(program, folder)[0] for _ in range(REPEATS)]
            rows.append((f"ledger of {name} / steps, 512^2", median([r["MuLedger"] / r["TSStep"] for r in runs]),
                         ledger_bound))
            pairs = [(run(program, folder, 1, LARGE), run(program, folder, 2, LARGE)) for _ in range(REPEATS)]
            rows.append((f"{name}, 1024^2: doubles per cell", (pairs[0][0][1] - EMPTY) / 8 / 1024**2, 45))
            rows += to_tolerance(program, folder, name, case)
            if len(os.sched_getaffinity(0)) > 1:
                rows.append((f"steps of {name}, 1024^2: two ranks / one",
                             median([two[0]["TSStep"] / one[0]["TSStep"] for one, two in pairs]), ranks_bound))
    with open(sys.argv[2], "a", newline="") as file:
        for name, ratio, bound in rows:
            holds = "yes" if ratio <= bound else "no"
            print(f"{name:<58} ratio {ratio:8.4f}  bound {bound:8.4f}  holds {holds}")
            csv.writer(file).writerow([name, f"{ratio:.5g}", bound, holds])
    subprocess.run([sys.executable, pathlib.Path(__file__).with_name("bench-scipy.py"), *sys.argv[1:]], check=True)


main()
