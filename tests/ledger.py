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


def indicator(directory, *arguments, ranks=1):
    """Its integral and largest value, or why there is none."""
    done(f"indicator {directory}", "run", "case.yaml", "-output_directory", directory, *arguments, ranks=ranks)
    with h5py.File(f"{directory}/run.h5") as file:
        a = file.attrs
        return str(a["no_grid_indicator"]) if "no_grid_indicator" in a else (float(a["grid_indicator"]), float(a["largest_grid_indicator"]))


def check_indicator():
    """What doubled cells make of the velocity: of the order of the scheme, 0 at equilibrium."""
    values = [indicator(f"cells{n}", "-grid_cells", n, "-time_step", "0.02")[0] for n in (70, 140, 280, 560)]
    orders = np.log2(np.array(values[:-1]) / values[1:])
    check(f"second order in the cells: {orders.round(2)}", orders[-1] > 1.9 and (orders > 1.7).all(), values)
    eight, many = indicator("eight", "-grid_cells", "8")[0], indicator("many", "-grid_cells", "512")[0]
    check(f"8 cells look worse than 512: {eight:.2g}, {many:.2g}", eight > 30 * many)  # the 8 cells see little of the velocity either
    rest = indicator("rest", "-initial_mean", "0", "-initial_covariance", "1")
    check(f"nothing at the equilibrium of the cells: {rest[1]:.1g}", rest[1] < 1e-10, rest)
    two = indicator("two", "-grid_cells", "140", "-time_step", "0.02", ranks=2)[0]
    check("the same on two ranks", abs(two / values[1] - 1) < 1e-9, two)
    check("none on an odd number of cells", "281 cells along x are an odd number" in indicator("odd", "-grid_cells", "281"))
    plane = ["-grid_lower", "-4,-4", "-grid_upper", "4,4", "-target_mean", "0,0", "-target_covariance", "1,0,0,1", "-initial_mean", "1,0",
             "-initial_covariance", "0.3,0,0,0.3", "-time_end", "0.5"]
    values = [indicator(f"plane{n}", *plane, "-grid_cells", f"{n},{n}")[1] for n in (32, 64)]
    check(f"second order in the plane: {values}", values[0] > 3 * values[1] > 0)
    held = indicator("walls", *plane, "-grid_cells", "32,32", "-grid_mask_formula", "x + 2")
    check("a mask along doubled cells is one of them", isinstance(held, tuple) and held[1] > 0, held)
    cut = indicator("cut", *plane, "-grid_cells", "32,32", "-grid_mask_formula", "x + 1.7")
    check("none where a mask cuts through doubled cells", cut == "the mask cuts through doubled cells", cut)
    with h5py.File("whole/run.h5") as one:
        solve("without", "-time_step", "0.02", "-output_grid_indicator", "false")
        with h5py.File("without/run.h5") as two:
            same = all((one["ledger"][name][:] == two["ledger"][name][:]).all() for name in one["ledger"])
            check("densities and ledger do not depend on it", same and (one["density"][:] == two["density"][:]).all())
            check("it can be left out", "grid_indicator" in one.attrs and "grid_indicator" not in two.attrs)


if __name__ == "__main__":
    with folder():
        pathlib.Path("case.yaml").write_text(CASE)
        check_bound()
        check_thinning()
        check_indicator()
    totals()
