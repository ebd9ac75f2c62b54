#!/usr/bin/python3
"""Whole runs against a page of SciPy, scripts/scipy-page.py, part of `make bench` through bench-runs.py: at the same
step, with the ledger at every step on our side and none on theirs; and the time to an error in time of 1e-4, ours from a
tolerance, theirs from the first order that two steps show. Prints a line for each ratio and appends it to the file that
the programs of the bench write. Without SciPy it says so.

Usage: scripts/bench-scipy.py BUILD/mudot BUILD/bench.csv
"""
import csv
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

PAGE = pathlib.Path(__file__).with_name("scipy-page.py")
COMMON = """
grid: {lower: [-3, -3], upper: [3, 3], cells: [512, 512], boundary: no_flux}
target: {type: formula, log_density: "-4*((x^2-1)^2+y^2/2+0.3*x*y)"}
initial: {type: gaussian, mean: [1, 0.5], covariance: [0.0625, 0, 0, 0.0625]}
time: {end: 1}
output: {every: 1}
"""
CASES = {  # name: (case, the page's word, bound)
    "Hellinger-Kantorovich": ("energy: {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 1}\n", "hellinger-kantorovich", 0.35),
    "IFT of MMD": ("energy: {mmd: 1}\ngeometry: {wasserstein: 1, mmd: 1, face_mean: upwind}\n"
                   "kernel: {type: gaussian, bandwidth: 0.1, normalization: peak, extension: zero}\n", "ift", 0.8),
}
# Large arrays stay in the process: the page has no page faults at every step.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456"}
ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
REPEATS = 3
FINE, COARSE = 512, 256  # cells along an axis: of whole runs, and where errors in time are measured
SMOOTH = "hellinger-kantorovich"  # the flow whose time to an error is measured
STEPS = 100, 200
ERROR, TOLERANCES, ACCURATE = 1e-4, (1e-2, 3e-3, 1e-3, 3e-4, 1e-4), 1e-6


def seconds(command, **environment):
    start = time.perf_counter()
    text = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True,
                          env={**os.environ, **ONE, **environment}).stdout
    return time.perf_counter() - start, text


def page(flow, cells, steps, *file):
    """Seconds from start to end, and of the steps."""
    whole, text = seconds([sys.executable, PAGE, flow, cells, steps, *file], **MALLOC)
    return whole, float(text.split()[-1])


def median(values):
    return sorted(values)[len(values) // 2]


def solve(program, folder, *options):
    return seconds([program, "run", f"{folder}/case.yaml", "-output_directory", f"{folder}/out", "-output_overwrite", *options])[0]


def whole_runs(program, folder, flow):
    """mudot run over the page, the median of pairs, after one of each that does not count."""
    step = "-grid_cells", f"{FINE},{FINE}", "-time_step", "0.01"
    solve(program, folder, *step)
    page(flow, FINE, 100)
    return median([solve(program, folder, *step) / page(flow, FINE, 100)[0] for _ in range(REPEATS)])


def last(folder):
    with h5py.File(f"{folder}/out/run.h5") as file:
        return file["density"][-1]


def to_error(program, folder, flow):
    """The time to ERROR, in L1 over the mass: ours over theirs."""
    cells = "-grid_cells", f"{COARSE},{COARSE}"
    solve(program, folder, *cells, "-time_tolerance", ACCURATE)
    exact = last(folder)
    for tolerance in TOLERANCES:
        solve(program, folder, *cells, "-time_tolerance", tolerance)
        error = np.abs(last(folder) - exact).sum() / exact.sum()
        if error <= ERROR:
            break
    else:
        sys.exit(f"bench-scipy: no tolerance down to {TOLERANCES[-1]} gives an error in time of {ERROR}, the last one {error:.2g}")
    ours = median([solve(program, folder, *cells, "-time_tolerance", tolerance) for _ in range(REPEATS)])
    densities, times = [], []
    for steps in STEPS:
        times.append(page(flow, COARSE, steps, f"{folder}/{steps}.npy"))
        densities.append(np.load(f"{folder}/{steps}.npy"))
    # of first order: two steps differ by the error of the shorter one, if it is half the longer
    theirs = np.abs(densities[0] - densities[1]).sum() / densities[1].sum()
    needed = STEPS[1] * theirs / ERROR
    return ours / (times[1][0] + (needed / STEPS[1] - 1) * times[1][1]), tolerance, error, needed


def report(name, ratio, bound, note=""):
    holds = "yes" if ratio <= bound else "no"
    print(f"{name:<58} ratio {ratio:8.4f}  bound {bound:8.4f}  holds {holds}{note}", flush=True)
    with open(sys.argv[2], "a", newline="") as file:
        csv.writer(file).writerow([name, f"{ratio:.5g}", bound, holds])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    if not importlib.util.find_spec("scipy"):
        print("whole runs beside a page of SciPy: skipped, SciPy is not installed (python3-scipy)")
        return
    for name, (case, flow, bound) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(f"{folder}/case.yaml").write_text(COMMON + case)
            ratio = whole_runs(sys.argv[1], folder, flow)
            report(f"mudot run of {name} / SciPy page, {FINE}^2, 100 steps", ratio, bound)
            if flow == SMOOTH:
                ratio, tolerance, error, needed = to_error(sys.argv[1], folder, flow)
                report(f"{name} to 1e-4 in time / SciPy page, {COARSE}^2", ratio, 0.05,
                       f"  (tolerance {tolerance:g}: error {error:.2g}; {needed:.0f} steps)")


main()
