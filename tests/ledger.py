#!/usr/bin/python3
"""What the ledger certifies: the residual, the bound of the distance to the exact flow, thinned rows. One line per check;
closes with totals."""
import math
import pathlib

import h5py
import numpy as np

from harness import check, done, folder, refused, totals

CASE = """grid: {lower: [-7], upper: [7], cells: [280], boundary: no_flux}
target: {type: gaussian, mean: [0], covariance: [1]}
initial: {type: gaussian, mean: [2.5], covariance: [0.25]}
energy: {kl: 1}
geometry: {wasserstein: 1}
time: {end: 2, step: 0.1}
output: {directory: out, every: 0.5}
"""
erf = np.vectorize(math.erf)


def w2(x, rho, mean, variance):
    """W2 of a density that is constant in cells and a normal one, by their quantile functions."""
    h = x[1] - x[0]
    edges = np.append(x - h / 2, x[-1] + h / 2)
    below = np.append(0, np.cumsum(rho) / rho.sum())
    z = np.linspace(-6, 6, 20001)
    level = 0.5 * (1 + erf(z / math.sqrt(2)))
    own, exact = np.interp(level, below, edges), mean + math.sqrt(variance) * z
    weight = np.exp(-z ** 2 / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    return math.sqrt((weight * (own - exact) ** 2).sum())


def solve(directory, *arguments):
    done(f"run {' '.join(arguments)}", "run", "case.yaml", "-output_directory", directory, "-output_overwrite", *arguments)
    with h5py.File(f"{directory}/run.h5") as file:
        return {name: column[:] for name, column in file["ledger"].items()}, file["grid/x"][:], file["time"][:], file["density"][:]


def check_bound():
    """Ornstein-Uhlenbeck: lambda = 1, W2 is known."""
    bounds = []
    for step in 0.1, 0.05, 0.025:
        ledger, x, times, densities = solve("steps", "-time_step", str(step))
        rows = [int(np.argmin(np.abs(ledger["t"] - t))) for t in times]
        bound = ledger["distance_bound"][rows]
        true = np.array([w2(x, rho, 2.5 * math.exp(-t), 1 - 0.75 * math.exp(-2 * t)) for t, rho in zip(times, densities)])
        h = x[1] - x[0]
        check(f"step {step}: W2 {true.max():.3g} is below the bound {bound.max():.3g} and the cell", (true <= bound + 0.1 * h).all(),
              f"{true} {bound}")
        check("the bound is no more than ten times W2", bound[1:].max() <= 10 * true[1:].max(), f"{bound} {true}")
        half = 0.5 * (ledger["dt"] * ledger["residual"] ** 2).sum()
        check("half the squared residual is the defect", abs(half / ledger["balance_defect"][-1] - 1) < 1e-6, half)
        bounds.append(bound.max())
    orders = np.log2(np.array(bounds[:-1]) / bounds[1:])
    check(f"the bound falls with the step, orders {orders.round(2)}", (orders > 0.8).all())
    ledger, x, times, densities = solve("tolerance", "-time_tolerance", "1e-8", "-time_scheme", "extrapolation", "-time_step", "0.5")
    check(f"extrapolation has a small one, {ledger['distance_bound'].max():.2g}", ledger["distance_bound"].max() < 0.2 * bounds[-1])
    ledger, *_ = solve("mmd", "-geometry_wasserstein", "0", "-geometry_fisher_rao", "1")
    check("no bound where nothing is known of the convexity", "distance_bound" not in ledger and "residual" in ledger)
    ledger, *_ = solve("given", "-geometry_wasserstein", "0", "-geometry_fisher_rao", "1", "-output_convexity", "0.5")
    check("one where the case says it", "distance_bound" in ledger and ledger["distance_bound"][-1] > 0)


def check_thinning():
    whole, *_ = solve("whole", "-time_step", "0.02")
    thin, *_ = solve("thin", "-time_step", "0.02", "-output_ledger", "10 steps")
    check("a row for ten steps and at output times", len(thin["t"]) == 1 + 12 and np.allclose(thin["dt"][1:3], [0.2, 0.2]), thin["t"])
    rows = [int(np.argmin(np.abs(whole["t"] - t))) for t in thin["t"]]
    check("energy and mass are those of all rows", (thin["energy"] == whole["energy"][rows]).all() and
          (thin["mass"] == whole["mass"][rows]).all())
    check("the defect is that of the polygon through fewer states", thin["balance_defect"][-1] > whole["balance_defect"][-1] > 0)
    output, _, times, _ = solve("output", "-time_step", "0.02", "-output_ledger", "output")
    check("rows at output times", np.allclose(output["t"], times), output["t"])
    with h5py.File("whole/run.h5") as one, h5py.File("thin/run.h5") as two:
        check("densities do not depend on it", (one["density"][:] == two["density"][:]).all())
    refused("another word", 2, 'output_ledger: "often" is not allowed', "run", "case.yaml", "-output_ledger", "often")
    refused("no steps", 2, 'output_ledger: "0" is not allowed', "run", "case.yaml", "-output_ledger", "0")


if __name__ == "__main__":
    with folder():
        pathlib.Path("case.yaml").write_text(CASE)
        check_bound()
        check_thinning()
    totals()
