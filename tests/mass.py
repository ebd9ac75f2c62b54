#!/usr/bin/python3
"""Measures that are not probabilities: initial_mass and target_mass against exact solutions, on 1, 2 and 4 ranks, where
mass is free and where it is conserved, and what is refused.
Usage: BUILD=build tests/mass.py"""
import math
import pathlib

import h5py
import numpy as np

from harness import check, done, folder, mudot, refused, totals

CASE = """grid: {lower: [-7], upper: [7], cells: [160]}
target: {type: gaussian, mean: [0.3], covariance: [1.2], mass: 40}
initial: {type: gaussian, mean: [-1], covariance: [0.6], mass: 0.5}
energy: {kl: 1}
geometry: {wasserstein: 0.7, fisher_rao: 1.2}
time: {end: 1, step: 0.1}
output: {directory: out, every: 0.5}
"""
ORDER = """study: {type: order, case: case.yaml, vary: grid_cells, values: [40, 80, 160], exact: gaussian_hellinger_kantorovich,
        expect_order: 2}
time: {end: 1, tolerance: 1e-8, scheme: extrapolation}
output: {directory: study}
"""


def put(name, text):
    pathlib.Path(name).write_text(text)


def load(directory):
    with h5py.File(f"{directory}/run.h5") as file:
        return {"density": file["density"][:], "pi": np.exp(file["target/log_density"][:]), "time": file["time"][:],
                "mass": file["ledger/mass"][:], "t": file["ledger/t"][:], "energy": file["ledger/energy"][:],
                "cell": float(np.diff(file["grid/x"][:2])[0]), "theorem": file.attrs["theorem"]}


def exact():
    """Gaussians of Hellinger-Kantorovich with masses; the order is that of the grid."""
    put("case.yaml", CASE)
    put("order.yaml", ORDER)
    tables = []
    for ranks in 1, 2, 4:
        done(f"order of Gaussians with masses on {ranks} ranks", "study", "order.yaml", "-output_overwrite", ranks=ranks)
        with h5py.File("study/study.h5") as file:
            order, verdict = float(file.attrs["order"]), file.attrs["verdict"]
        verdict = verdict.decode() if isinstance(verdict, bytes) else verdict
        check(f"it holds on {ranks} ranks", verdict == "holds" and abs(order - 2) < 0.1, f"{verdict} {order}")
        tables.append(order)
    check("ranks make no difference", max(tables) - min(tables) < 1e-6, tables)
    print(f"        observed order {tables[0]:.4f}")


def law_of_mass():
    """u = log(z/z_pi) obeys u' = -b (u + H); with masses scaled by 1e-6 and 1e6 the same shape and the same u."""
    ratios, shapes = [], []
    for scale in 1, 1e-6, 1e6:
        done(f"masses times {scale:g}", "run", "case.yaml", "-initial_mass", 0.5 * scale, "-target_mass", 40 * scale,
             "-time_scheme", "splitting", "-output_overwrite")
        run = load("out")
        ratios.append(run["mass"] / (40 * scale))
        shapes.append(run["density"] / scale)
        check("the ledger begins with the mass", abs(run["mass"][0] / scale - 0.5) < 1e-12, run["mass"][0])
    for other in 1, 2:
        check("mass over the target's does not depend on the unit", np.allclose(ratios[0], ratios[other], rtol=1e-10, atol=0))
        check("nor does the density", np.allclose(shapes[0], shapes[other], rtol=1e-9, atol=1e-12))
    # the moments' equations, by Runge-Kutta
    a, b, m_pi, p = 0.7, 1.2, 0.3, 1 / 1.2

    def slope(y):
        m, s, u = y
        entropy = 0.5 * (p * s - 1 - math.log(p * s) + p * (m - m_pi) ** 2)
        return np.array([-(a * p + b * p * s) * (m - m_pi), 2 * a - 2 * a * p * s + b * (s - p * s * s), -b * (u + entropy)])

    y, dt = np.array([-1, 0.6, math.log(0.5 / 40)]), 1e-3
    for _ in range(1000):
        k1 = slope(y)
        k2 = slope(y + dt / 2 * k1)
        k3 = slope(y + dt / 2 * k2)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + slope(y + dt * k3))
    found = math.log(ratios[0][-1])
    check("the mass obeys its law", abs(found - y[2]) < 5e-3, f"{found} {y[2]}")
    print(f"        log(z/z_pi) = {found:.5f}, exact {y[2]:.5f}")


def conserved():
    """Spherical, with another mass than the target: not the mixture, but the projected linear flow."""
    put("linear.yaml", CASE.replace("energy: {kl: 1}", "energy: {inclusive_kl: 1}")
        .replace("{wasserstein: 0.7, fisher_rao: 1.2}", "{fisher_rao: 1, spherical: true}").replace("step: 0.1", "step: 0.01")
        .replace("[-1], covariance: [0.6]", "[-1], covariance: [0.9], background: 0.1"))
    result = done("a spherical flow with another mass", "run", "linear.yaml", "-initial_mass", 2, "-target_mass", 5,
                  "-output_overwrite")
    check("is told that it cannot reach the target", "cannot reach it" in result.stderr, result.stderr)
    run = load("out")
    rate, worst = 5 / 2, 0
    for k, t in enumerate(run["time"]):
        decay = math.exp(-rate * t)
        solution = decay * run["density"][0] + 2 / 5 * (1 - decay) * run["pi"]
        worst = max(worst, np.abs(run["density"][k] - solution).sum() * run["cell"])
    check("rho = e^(-ct) rho_0 + (z/z_pi) (1 - e^(-ct)) pi, c = z_pi/z", worst < 1e-4, worst)
    check("its mass is kept", np.allclose(run["mass"], 2, rtol=1e-12, atol=0))
    check("no theorem is quoted", run["theorem"] in ("", b""), run["theorem"])
    least = 5 * (2 / 5 - 1 - math.log(2 / 5))
    check("F tends to that of the multiple of the target", run["energy"][-1] > least, f"{run['energy'][-1]} {least}")


def stored():
    """A snapshot keeps its mass, a restart the bits; a dry run says what there is; a reference is relative."""
    done("a run", "run", "case.yaml", "-output_overwrite")
    first = load("out")
    put("on.yaml", CASE.replace("{type: gaussian, mean: [-1], covariance: [0.6], mass: 0.5}", "{type: run, directory: out}")
        .replace("directory: out,", "directory: on,"))
    result = done("goes on", "run", "on.yaml", "-time_end", 0.1)
    check("with the mass that it had", abs(load("on")["mass"][0] / first["mass"][-1] - 1) < 1e-12 and not result.stderr,
          result.stderr)
    result = done("or with another", "run", "on.yaml", "-initial_mass", 3, "-time_end", 0.1, "-output_overwrite")
    check("which is told", "it is scaled to 3" in result.stderr and abs(load("on")["mass"][0] - 3) < 1e-12, result.stderr)
    result = done("a dry run", "run", "case.yaml", "-dry_run", "-output_directory", "none")
    check("says the masses", "mass            initial 0.5, target 40" in result.stdout, result.stdout)
    result = done("samples", "sample", "out/run.h5", "-n", 10, "-output", "points.csv")
    check("say the mass", f"mass of the density {first['mass'][-1]:.10g}" in pathlib.Path("points.csv").read_text())
    done("and are compared", "compare", "out/run.h5", "points.csv", "-time", 1)
    worst = []
    for scale in 1, 1e-6:
        done(f"a reference of mass {0.5 * scale:g}", "reference", "case.yaml", "-accuracy", 1e-2, "-initial_mass", 0.5 * scale,
             "-target_mass", 40 * scale, "-output_directory", f"reference-{scale:g}", "-grid_cells", 40)
        with h5py.File(f"reference-{scale:g}/run.h5") as file:
            worst.append(float(file["error"].attrs["worst"]))
    check("has the same relative accuracy", abs(worst[0] / worst[1] - 1) < 1e-3, worst)


def refusals():
    refused("no mass at all", 2, "initial_mass: \"0\" must be above 0", "run", "case.yaml", "-initial_mass", 0)
    refused("a negative one", 2, "target_mass: \"-1\" must be above 0", "run", "case.yaml", "-target_mass", -1)
    refused("particles", 2, "particles begin as probability measures", "particles", "case.yaml", "-particles_method", "wfr",
            "-output_directory", "cloud")
    put("riesz.yaml", CASE.replace("{kl: 1}", "{mmd: 1}").replace(", fisher_rao: 1.2", "") +
        "kernel: {type: riesz, exponent: 1, bandwidth: 1, extension: zero}\n")
    refused("riesz", 2, "riesz compares only measures of equal mass", "run", "riesz.yaml", "-output_directory", "riesz")
    put("rate.yaml", "study: {type: rate, case: case.yaml}\noutput: {directory: rate}\ngeometry: {spherical: true}\n")
    result = mudot("study", "rate.yaml")
    check("a rate where F cannot fall to 0", result.returncode == 2 and "needs equal masses" in
          result.stderr.replace("would need", "needs"), result.stderr)
    put("late.yaml", "study: {type: rate, case: case.yaml, theorem: late, window: [6, 9]}\noutput: {directory: late}\n"
        "time: {end: 9, step: 0.05}\n")
    result = mudot("study", "late.yaml")
    check("the late rate of free mass", result.returncode == 0, result.stdout + result.stderr)
    put("equal.yaml", "study: {type: rate, case: case.yaml, theorem: log_sobolev}\noutput: {directory: equal}\n"
        "geometry: {spherical: true}\ninitial: {mass: 40}\n")
    result = mudot("study", "equal.yaml")
    check("equal masses decay as probabilities do", result.returncode == 0, result.stdout + result.stderr)
    put("law.yaml", "study: {type: equivalence, case: case.yaml, vary: time_step, values: [0.1, 0.05, 0.025, 0.0125], "
        "shape: true, expect_order: 2}\nsystem_a: {geometry: {spherical: false}}\nsystem_b: {geometry: {spherical: true}, "
        "initial: {mass: 3}}\noutput: {directory: law}\ntime: {scheme: splitting}\n")
    result = mudot("study", "law.yaml")
    check("free mass is conserved mass times its law", result.returncode == 0, result.stdout + result.stderr)


if __name__ == "__main__":
    with folder():
        exact()
        law_of_mass()
        conserved()
        stored()
        refusals()
    totals()
