#!/usr/bin/python3
"""mudot reference against exact solutions: the stated error of every snapshot is above the true one, and seldom ten times
as large. One line per check; closes with totals.  Usage: tests/references.py [--all]"""
import math
import pathlib
import re
import sys

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ROOT, check, folder, mudot, refused, totals  # noqa: E402

erf = np.vectorize(math.erf)
ROUNDING = 1e-12  # of densities with mass 1


# ------------------------------------------------------------------ exact cell averages


def edges(lower, upper, cells):
    return np.linspace(lower, upper, cells + 1)


def means(primitive, at):
    return np.diff(primitive(at)) / np.diff(at)


def gauss(mean, variance, at):
    """Cell averages of a normal density."""
    return means(lambda x: 0.5 * erf((x - mean) / np.sqrt(2 * variance)), at)


def plane(mean, variance, at):
    """The same of a product, [ny][nx]."""
    return np.outer(gauss(mean[1], variance[1], at[1]), gauss(mean[0], variance[0], at[0]))


def ornstein_uhlenbeck(t, at, mean=2.5, variance=0.25):
    return gauss(mean * np.exp(-t), 1 + (variance - 1) * np.exp(-2 * t), at[0])


def ornstein_uhlenbeck_2d(t, at):
    decay = np.exp(-t)
    return plane((1.5 * decay, -decay), (1 + (0.3 - 1) * decay ** 2, 1 + (0.5 - 1) * decay ** 2), at)


def cosine(t, at, rate=np.pi ** 2):
    return 1 + 0.5 * np.exp(-rate * t) * means(lambda x: np.sin(np.pi * x) / np.pi, at[0])


def cosines(t, at):
    x, y = (means(lambda z: np.sin(2 * np.pi * z) / (2 * np.pi), a) for a in at)
    return 1 + 0.5 * np.exp(-8 * np.pi ** 2 * t) * np.outer(y, x)


def barenblatt(t, at, start=0.1, dimension=1):
    """rho = (C - k r^2/t^(2 beta))_+ t^(-d beta) of rho_t = lap rho^2, mass 1, from time `start`."""
    beta, k = 1 / 3, 1 / 12
    time = start + t
    c = (3 * np.sqrt(k) / 4) ** (2 / 3)
    width = np.sqrt(c / k) * time ** beta

    def primitive(x):
        x = np.clip(x, -width, width)
        return time ** -beta * (c * x - k * x ** 3 / (3 * time ** (2 * beta)))

    return means(primitive, at[0])


def barenblatt_2d(t, at, start=0.02):
    """d = 2: beta = 1/4, k = 1/16, C = sqrt(k/(pi/2)); averages by many points in each cell."""
    time, k = start + t, 1 / 16
    c = np.sqrt(2 * k / np.pi)
    fine = [np.linspace(a[0], a[-1], 40 * (len(a) - 1) + 1) for a in at]
    x, y = (0.5 * (f[1:] + f[:-1]) for f in fine)
    rho = np.maximum(c - k * (x[None, :] ** 2 + y[:, None] ** 2) / np.sqrt(time), 0) / np.sqrt(time)
    return rho.reshape(len(at[1]) - 1, 40, len(at[0]) - 1, 40).mean(axis=(1, 3))


def fisher_rao(t, at, mean=(1.0, 0.0), variance=(0.5, 1.0)):
    """rho_0^a pi^(1 - a), a = e^(-t), not normalised."""
    a = np.exp(-t)
    weight = np.array([a, 1 - a])
    precision = weight / np.array(variance)
    total = precision.sum()
    centre = (precision * mean).sum() / total
    exponent = (precision * np.square(mean)).sum() - total * centre ** 2
    height = np.prod((2 * np.pi * np.array(variance)) ** (-weight / 2)) * np.exp(-exponent / 2)
    return height * np.sqrt(2 * np.pi / total) * gauss(centre, 1 / total, at[0])


def mixture(t, at):
    """pi + e^(-t) (rho_0 - pi)."""
    pi = 0.5 * plane((-1, 0), (0.4, 0.6), at) + 0.5 * plane((1, 0.5), (0.5, 0.4), at)
    return pi + np.exp(-t) * (plane((0.5, -0.5), (0.3, 0.3), at) - pi)


def moments_of(t, start=(1.5, 0.3)):
    """Mean and variance along spherical Hellinger-Kantorovich, a = b = 1, towards N(0, 1)."""
    def slope(z):
        return np.array([-(1 + z[1]) * z[0], 2 - z[1] - z[1] ** 2])
    z, steps = np.array(start), 400
    for _ in range(steps if t > 0 else 0):  # the classical Runge-Kutta method, to 1e-12
        h = t / steps
        a = slope(z)
        b = slope(z + h / 2 * a)
        c = slope(z + h / 2 * b)
        z = z + h / 6 * (a + 2 * b + 2 * c + slope(z + h * c))
    return z


def hellinger_kantorovich(t, at):
    """The moments' equations fall apart into those of the axes."""
    ends = [moments_of(t, z) for z in ((1.5, 0.3), (-1.0, 0.5))[:len(at)]]
    return gauss(*ends[0], at[0]) if len(at) == 1 else plane(*zip(*ends), at)


def interval(t, at):
    """Uniform on [0.5, 0.9] towards the uniform target on [0, 1]: Q_t = s + e^(-2 c t) (Q_0 - s)."""
    decay = np.exp(-2 * t)
    lower, upper = 0.5 * decay, 1 - 0.1 * decay
    return means(lambda x: np.clip(x, lower, upper) / (upper - lower), at[0])


# ------------------------------------------------------------------ cases

LINE = "grid: {lower: [-8], upper: [8], cells: [64], boundary: no_flux}\n"
SQUARE = "grid: {lower: [-6, -6], upper: [6, 6], cells: [32, 32], boundary: no_flux}\n"
NORMAL = "target: {type: gaussian, mean: [0], covariance: [1]}\n"
NORMAL_2D = "target: {type: gaussian, mean: [0, 0], covariance: [1, 0, 0, 1]}\n"
TWO = ("target: {type: mixture, weights: [0.5, 0.5], means: [-1, 0, 1, 0.5], covariances: [0.4, 0, 0, 0.6, 0.5, 0, 0, 0.4]}\n"
       "initial: {type: gaussian, mean: [0.5, -0.5], covariance: [0.3, 0, 0, 0.3]}\n")
ATOP = "time: {end: 1}\noutput: {directory: out, every: 0.25}\n"

# name: (exact, accuracy, quick, case)
CASES = {
    "Ornstein-Uhlenbeck": (ornstein_uhlenbeck, 1e-5, True, LINE + NORMAL + "initial: {type: gaussian, mean: [2.5], covariance: [0.25]}\n"
                           "energy: {kl: 1}\ngeometry: {wasserstein: 1}\n" + ATOP),
    "Ornstein-Uhlenbeck, 2-D": (ornstein_uhlenbeck_2d, 1e-3, False, SQUARE + NORMAL_2D + "initial: {type: gaussian, mean: [1.5, -1], covariance: "
                                "[0.3, 0, 0, 0.5]}\nenergy: {kl: 1}\ngeometry: {wasserstein: 1}\n" + ATOP),
    "heat": (cosine, 1e-7, True, "grid: {lower: [0], upper: [1], cells: [20], boundary: no_flux}\n"
             "initial: {type: formula, density: 1 + 0.5*cos(pi*x)}\nenergy: {entropy: 1}\ngeometry: {wasserstein: 1}\n"
             "time: {end: 0.1}\noutput: {directory: out, every: 0.025}\n"),
    "heat, 2-D": (cosines, 1e-5, False, "grid: {lower: [0, 0], upper: [1, 1], cells: [16, 16], boundary: periodic}\n"
                  "initial: {type: formula, density: 1 + 0.5*cos(2*pi*x)*cos(2*pi*y)}\nenergy: {entropy: 1}\n"
                  "geometry: {wasserstein: 1}\ntime: {end: 0.02}\noutput: {directory: out, every: 0.005}\n"),
    "Barenblatt": (barenblatt, 1e-3, True, "grid: {lower: [-3], upper: [3], cells: [50], boundary: no_flux}\n"
                   "initial: {type: formula, density: 'max(0.360562 - x^2/12/0.1^(2/3), 0)'}\nenergy: {internal: 1, internal_exponent: 2}\n"
                   "geometry: {wasserstein: 1}\ntime: {end: 0.4}\noutput: {directory: out, every: 0.1}\n"),
    "Barenblatt, 2-D": (barenblatt_2d, 2e-2, False, "grid: {lower: [-1.5, -1.5], upper: [1.5, 1.5], cells: [30, 30], boundary: no_flux}\n"
                        "initial: {type: formula, density: 'max(0.199471140 - (x^2+y^2)/16/sqrt(0.02), 0)'}\n"
                        "energy: {internal: 1, internal_exponent: 2}\n"
                        "geometry: {wasserstein: 1}\ntime: {end: 0.08}\noutput: {directory: out, every: 0.02}\n"),
    "Fisher-Rao": (fisher_rao, 1e-6, True, LINE + NORMAL + "initial: {type: gaussian, mean: [1], covariance: [0.5]}\n"
                   "energy: {kl: 1}\ngeometry: {fisher_rao: 1}\n" + ATOP),
    "MMD, 2-D": (mixture, 1e-4, True, SQUARE + TWO + "energy: {mmd: 1}\ngeometry: {mmd: 1}\n"
                 "kernel: {type: gaussian, bandwidth: 0.5, extension: reflect}\n" + ATOP),
    "spherical Hellinger-Kantorovich": (hellinger_kantorovich, 1e-5, True, LINE + NORMAL +
                                        "initial: {type: gaussian, mean: [1.5], covariance: [0.3]}\n"
                                        "energy: {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 1, spherical: true}\n" + ATOP),
    "spherical Hellinger-Kantorovich, 2-D": (hellinger_kantorovich, 1e-3, False, SQUARE + NORMAL_2D +
                                             "initial: {type: gaussian, mean: [1.5, -1], covariance: [0.3, 0, 0, 0.5]}\n"
                                             "energy: {kl: 1}\ngeometry: {wasserstein: 1, fisher_rao: 1, spherical: true}\n" + ATOP),
    "energy distance": (interval, 2e-2, False, "grid: {lower: [-0.5], upper: [1.5], cells: [60], boundary: no_flux}\n"
                        "target: {type: uniform, lower: [0], upper: [1]}\ninitial: {type: uniform, lower: [0.5], upper: [0.9]}\n"
                        "energy: {mmd: 1}\ngeometry: {wasserstein: 1, face_mean: upwind}\nkernel: {type: riesz, exponent: 1, bandwidth: 1}\n"
                        "time: {end: 0.5}\noutput: {directory: out, every: 0.125}\n"),
}


def axes(file):
    """Edges of the cells along x and, in 2-D, y."""
    found = []
    for name in ("x", "y"):
        if name in file["grid"]:
            x = file["grid"][name][:]
            found.append(edges(x[0] - (x[1] - x[0]) / 2, x[-1] + (x[1] - x[0]) / 2, len(x)))
    return found


def distances(file, exact):
    """True L1 and Hellinger errors of the snapshots."""
    at, volume = axes(file), file["grid/cell_volume"][()]
    l1, hellinger = [], []
    for t, rho in zip(file["time"][:], file["density"][:]):
        true = exact(t, at)
        l1.append(np.abs(rho - true).sum() * volume)
        hellinger.append(np.sqrt(((np.sqrt(rho) - np.sqrt(np.maximum(true, 0))) ** 2).sum() * volume))
    return np.array(l1), np.array(hellinger)


def honest(name, true, stated, least=0.1):
    seen = true > ROUNDING
    ratio = true[seen] / stated[seen]
    worst = np.argmax(true)
    good = seen.any() and (ratio <= 1).all() and true[worst] >= least * stated[worst]
    check(f"{name}: true over stated error {ratio.max():.2f} at most, {true[worst] / stated[worst]:.2f} at the worst", good,
          f"true {true}, stated {stated}")


def solve(name, case, accuracy, *arguments, status=0, **options):
    pathlib.Path("case.yaml").write_text(case)
    result = mudot("reference", "case.yaml", "-accuracy", accuracy, "-output_overwrite", *arguments, **options)
    check(f"{name}: exit status {status}", result.returncode == status, result.stdout + result.stderr)
    return result


def check_honesty(everything):
    for name, (exact, accuracy, quick, case) in CASES.items():
        if not (quick or everything):
            continue
        if solve(name, case, accuracy).returncode:
            continue
        with h5py.File("out/run.h5") as file:
            true, hellinger = distances(file, exact)
            honest(name, true, file["error/l1"][:])
            # of norms that were not asked for only the upper side is promised
            honest(f"{name}, Hellinger", hellinger, file["error/hellinger"][:], 0)


def check_contract():
    """An ordinary run, with its errors in two parts; the same on 2 ranks."""
    *_, case = CASES["spherical Hellinger-Kantorovich"]
    solve("one rank", case, 1e-4, "-output_diagnostics", "kl", "-output_directory", "one")
    solve("two ranks", case, 1e-4, "-output_diagnostics", "kl", "-output_directory", "two", ranks=2)
    with h5py.File("one/run.h5") as one, h5py.File("two/run.h5") as two:
        gap = np.abs(one["density"][:] - two["density"][:]).max()
        check("two ranks give the densities of one", gap < 1e-9, gap)
        gap = np.abs(one["error/l1"][:] / two["error/l1"][:] - 1).max()
        check("and the errors", gap < 1e-3, gap)
        for name in ("l1", "hellinger", "w1", "energy", "mass"):
            whole, parts = one[f"error/{name}"][:], one[f"error/{name}_space"][:] + one[f"error/{name}_time"][:]
            check(f"{name}: space and time make the whole", len(whole) == len(one["time"]) and (whole == parts).all(), whole)
        mass = one["density"][:].sum(axis=1) * one["grid/cell_volume"][()]
        check("the mass is kept", np.abs(mass - 1).max() < 1e-12, mass)
        check("attributes say how", one["error"].attrs["norm"] == "l1" and "grids" in one["error"].attrs["method"])
        check("a diagnostic is a column", len(one["ledger/kl"]) == len(one["ledger/t"]))
        moments = one["moments"]
        exact = np.array([moments_of(t) for t in one["time"]])
        for k, name in enumerate(("mean_x", "variance_x")):
            gap, stated = np.abs(moments[name][:] - exact[:, k]), moments[f"{name}_error"][:]
            check(f"{name} within its error", (gap <= stated + 1e-9).all(), f"{gap} {stated}")
    result = mudot("sample", "one", "-n", 10)
    check("mudot sample reads it", result.returncode == 0, result.stderr)


def check_compare():
    """What the reference's own error does to a verdict."""
    *_, case = CASES["Ornstein-Uhlenbeck"]
    solve("a good reference", case, 1e-5, "-output_directory", "good")
    mudot("sample", "good", "-n", 500, "-output", "few.csv")
    mudot("sample", "good", "-n", 200000, "-output", "many.csv")
    said = mudot("compare", "good", "few.csv", "-output_directory", "compared")
    check("a verdict against a good reference", "own error" in said.stdout and "at the level of N i.i.d." in said.stdout, said.stdout)
    with h5py.File("good/run.h5") as run, h5py.File("compared/compare.h5") as file:
        own, stated = file["w1/own"][0], run["error/w1"][-1]
        check("the error of the reference stands beside the distance", own == stated and own < 0.1 * file["w1/expected"][0], own)
    solve("a poor reference", case, 0.3, "-cells", 12, "-output_directory", "poor")
    said = mudot("compare", "poor", "many.csv")
    check("no verdict against a poor one", "no verdict: at t = 1 the reference's own error may be" in said.stdout, said.stdout)
    mudot("run", "case.yaml", "-time_tolerance", 1e-6, "-output_directory", "plain")
    said = mudot("compare", "plain", "few.csv")
    check("a run states no error", "its error   not known" in said.stdout and "i.i.d." in said.stdout, said.stdout)


def check_runs():
    """Two flows: the distance is that of their means over the coarser cells."""
    *_, case = CASES["Ornstein-Uhlenbeck"]
    solve("a reference of a run", case, 1e-5, "-output_directory", "fine")
    mudot("run", "case.yaml", "-time_tolerance", 1e-8, "-grid_cells", 32, "-output_directory", "coarse")
    said = mudot("compare", "fine", "coarse")
    with h5py.File("fine/run.h5") as fine, h5py.File("coarse/run.h5") as coarse:
        gap = np.abs(fine["density"][:].reshape(len(fine["time"]), -1, 2).mean(axis=2) - coarse["density"][:])
        l1 = gap.sum(axis=1) * coarse["grid/cell_volume"][()]
    rows = [line.split() for line in said.stdout.splitlines() if re.match(r" +[\d.]+ +[\d.e-]+ ", line)]
    check("two runs are compared", len(rows) == len(l1) and np.allclose([float(row[1]) for row in rows], l1, rtol=1e-4),
          said.stdout + said.stderr)
    check("beside the error that is stated", "times the error that is stated there" in said.stdout, said.stdout)
    mudot("run", "case.yaml", "-time_tolerance", 1e-8, "-grid_cells", 48, "-output_directory", "odd")
    refused("cells that are not nested", 2, "one number must be a multiple of the other", "compare", "coarse", "odd")
    mudot("run", "case.yaml", "-grid_upper", 9, "-output_directory", "elsewhere")
    refused("another box", 2, "are on other boxes", "compare", "coarse", "elsewhere")


def check_order():
    """An order study against a reference: its error is in the floor, and the order is that of the exact solution."""
    *_, case = CASES["Ornstein-Uhlenbeck"]
    solve("a reference for orders", case, 1e-6, "-cells", 32, "-output_directory", "orders")
    pathlib.Path("study.yaml").write_text("study: {type: order, case: case.yaml, vary: grid_cells, values: [32, 64, 128, 256], "
                                          "reference: orders, expect_order: 2}\ntime: {tolerance: 1.0e-8}\n"
                                          "output: {directory: study, overwrite: true}\n")
    said = mudot("study", "study.yaml", "-output_overwrite")
    check("it says what the reference is worth and on which grid", "its own L1 error, at most" in said.stdout and
          "errors are measured on 32 cells" in said.stdout, said.stdout + said.stderr)
    with h5py.File("study/study.h5") as file:
        order = float(file.attrs["order"])
    check(f"the order is {order:.3f}", abs(order - 2) < 0.03, order)


OBSTACLE = ('grid: {lower: [-2, -2], upper: [2, 2], cells: [16, 16], boundary: no_flux, mask_formula: "max(abs(x), abs(y)) - 0.5"}\n'
            'target: {type: formula, log_density: "-0.5*((x - 1)^2 + y^2)"}\n'
            "initial: {type: gaussian, mean: [-1.2, 0.2], covariance: [0.06, 0, 0, 0.06]}\n"
            "energy: {kl: 1}\ngeometry: {wasserstein: 1}\ntime: {end: 0.2}\noutput: {directory: out, times: [0.2]}\n")


def check_corners():
    """A solution goes as r^(2/3) at the corners of an obstacle: order 4/3, extrapolated; the error is stated."""
    found = {}
    for cells in 64, 128:
        result = solve(f"an obstacle, {cells} cells", OBSTACLE, 1e-5, "-max_cells", cells, "-output_directory", f"corners{cells}", status=1)
        check(f"{cells} cells: the corners are named, and extrapolated", "leave errors of the order 4/3" in result.stdout
              and "(extrapolated)" in result.stdout, result.stdout)
        with h5py.File(f"corners{cells}/run.h5") as file:
            found[cells] = file["density"][-1], file["error/l1"][-1], float(file["error"].attrs["order"])
    check(f"the order is {found[128][2]:.2f}", 1.25 < found[128][2] < 1.6, found[128][2])
    gap = np.abs(found[64][0] - found[128][0]).sum() / 16
    check("the coarser error is stated, and not ten times too large", 0.1 * found[64][1] < gap < found[64][1] + found[128][1],
          f"{gap} {found[64][1]} {found[128][1]}")
    check("and on twice the cells it is less than half", found[128][1] < 0.5 * found[64][1], f"{found[64][1]} {found[128][1]}")


def check_limits():
    *_, case = CASES["spherical Hellinger-Kantorovich"]
    result = solve("-max_cells", case, 1e-7, "-max_cells", 256, status=1)
    check("what was reached is said", "not reached: the l1 error of every snapshot is at most about" in result.stdout
          and "-max_cells 256 ends the refinement" in result.stdout, result.stdout)
    with h5py.File("out/run.h5") as file:
        check("and written", file["error"].attrs["reached"] == "false" and file.attrs["status"] == "done")
    result = solve("time_wall_limit", CASES["Barenblatt"][-1], 1e-9, "-time_wall_limit", 1, status=1)
    check("the limit is said", "time_wall_limit" in result.stdout, result.stdout)
    refused("results are kept", 2, "-output_overwrite", "reference", "case.yaml", "-accuracy", 1e-3)
    refused("no accuracy", 2, "accuracy: is missing", "reference", "case.yaml")
    refused("accuracy", 2, "accuracy: 2 is not allowed; it must be from 1e-09 to 0.5", "reference", "case.yaml", "-accuracy", 2)
    refused("norm", 2, 'norm: "l2" is not allowed', "reference", "case.yaml", "-accuracy", 1e-3, "-norm", "l2")
    refused("few cells", 2, "max_cells: 100 is too small", "reference", "case.yaml", "-accuracy", 1e-3, "-max_cells", 100)
    refused("key", 2, "nearest", "reference", "case.yaml", "-accuracy", 1e-3, "-time_ed", 1)
    *_, case = CASES["MMD, 2-D"]
    pathlib.Path("case.yaml").write_text(case)
    refused("w1 in 2-D", 2, "norm: w1 is known in 1-D only", "reference", "case.yaml", "-accuracy", 1e-3, "-norm", "w1")
    refused("memory", 2, "the three grids that an error is found from need about", "reference", "case.yaml", "-accuracy", 1e-3,
            "-cells", "11000,11000")
    pathlib.Path("points.csv").write_text("x,y\n0,0\n1,1\n0.5,-1\n")
    pathlib.Path("case.yaml").write_text(case.replace(TWO.split("\n")[1], "initial: {type: samples, file: points.csv, smoothing: none}"))
    refused("samples without smoothing", 2, "initial_smoothing: none puts point masses into cells", "reference", "case.yaml",
            "-accuracy", 1e-3)


def atlas():
    """{problem: [(t, number, what its cell says)]} of the manual's tables."""
    found, header = {}, []
    for line in (ROOT / "src/manual/atlas.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells[:2] == ["problem", "t"]:
            header = cells[2:]
        elif len(cells) > 2 and re.fullmatch(r"[\d.]+", cells[1]):
            found.setdefault(cells[0].strip("`"), []).extend((float(cells[1]), *pair) for pair in zip(header, cells[2:]))
    return found


def check_atlas(everything):
    """Every row, computed again at a low accuracy, lies within the stated digits and its own error."""
    table = atlas()
    cases = {path.stem: path for path in (ROOT / "scripts/references").glob("*.yaml")}
    check("the atlas has rows for each case", sorted(table) == sorted(cases) and len(cases) >= 14, sorted(table))
    for name in sorted(cases) if everything else ("ornstein-uhlenbeck", "two-wells-interaction-force", "torus"):
        result = mudot("reference", cases[name], "-accuracy", 1e-3, "-output_directory", pathlib.Path("atlas").resolve(),
                       "-output_overwrite", cwd=ROOT)
        wrong = [] if result.returncode == 0 else [result.stderr]
        with h5py.File("atlas/run.h5") as file:
            for t, number, cell in table[name]:
                k = int(np.argmin(np.abs(file["time"][:] - t)))
                value, off = re.fullmatch(r"(-?[\d.]+)\((\d+)\)", cell).groups()
                certain = int(off) * 10.0 ** -len(value.partition(".")[2])
                low, error = file["moments"][number][k], file["moments"][f"{number}_error"][k]
                if not abs(low - float(value)) <= certain + error + ROUNDING:
                    wrong.append(f"{number} at t = {t}: {cell}, now {low} +- {error}")
        check(f"atlas: {name} at a low accuracy", not wrong, "; ".join(wrong))


if __name__ == "__main__":
    with folder():
        check_honesty("--all" in sys.argv)
        check_contract()
        check_compare()
        check_order()
        check_runs()
        check_corners()
        check_limits()
        check_atlas("--all" in sys.argv)
    totals()
