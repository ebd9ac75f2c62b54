#!/usr/bin/python3
"""Writes the case of experiment (c) of the interaction-force transport paper: dimension 100, target a mixture of three
Gaussians with means at distance 20 from the origin and covariances D + P P^T, source N(0, I), kernel exp(-|x-y|^2/200).

D = diag(u), u uniform in [0.5, 1.5]; P is 100 x 10 with independent normal entries of variance 1/10; the means are
independent uniform directions. Everything follows from the seed below.

With --published the numbers are those of the program published with the paper (github.com/egorgladin/ift_flow): u
uniform in [0.5, 5], the entries of P uniform in [0, 1], 9001 iterations of 10^4 particles with as many new target
samples in each step, position step 2 (10^4 there, of MMD^2, whose gradient carries the weight 1e-4 and a factor 2),
weight step 0.002 (0.001 there, of MMD^2) with projection onto the simplex. That is a day on one core; --scale 10 divides
particles and iterations by 10: a minute and a half.

Usage: make-high-dimension.py [--published [--scale N]] CASE.yaml"""
import argparse

import numpy as np

D, COMPONENTS, RANK, SEED = 100, 3, 10, 20

CASE = """\
# Written by scripts/make-high-dimension.py: experiment (c) of the interaction-force transport paper.{note}
initial:   {{type: gaussian, mean: {origin}, covariance: {identity}}}
target:
  type: mixture
  means: {means}
  covariances: {covariances}
energy:    {{mmd: 1}}
geometry:  {{wasserstein: {position}, mmd: {weight}, spherical: true}}
kernel:    {{type: gaussian, bandwidth: 10, normalization: peak, extension: zero}}
time:      {{end: {iterations}, step: 1}}
particles: {{method: ift{step}, count: {count}, seed: 1, target_samples: fresh, target_count: {count}, test_count: {test}}}
output:    {{directory: out/{name}, every: {iterations}}}
"""


def setting(arguments):
    """What the two versions differ in."""
    if not arguments.published:
        return {"note": "", "position": 100, "weight": 0.1, "iterations": 1000, "step": "", "count": 100, "test": 1000,
                "name": "paper-high-dimension"}
    note = ("\n# The numbers of the published program: D uniform in [0.5, 5], P uniform in [0, 1], position step 2 and weight step"
            "\n# 0.002 (of MMD^2/2), weights projected onto the simplex.")
    if arguments.scale > 1:
        note += f" Scaled down: 10^4 particles and 9001 iterations are divided by {arguments.scale}."
    count = 10000 // arguments.scale
    return {"note": note, "position": 2, "weight": 0.002, "iterations": 9001 // arguments.scale,
            "step": ", weight_step: projected", "count": count, "test": count, "name": "paper-published"}


def listing(values):
    return "[" + ", ".join("%.10g" % v for v in np.ravel(values)) + "]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("case")
    arguments = parser.parse_args()
    random = np.random.default_rng(SEED)
    means, covariances = [], []
    for _ in range(COMPONENTS):
        direction = random.normal(size=D)
        means.append(20 * direction / np.linalg.norm(direction))
        p = random.uniform(size=(D, RANK)) if arguments.published else random.normal(size=(D, RANK)) / np.sqrt(RANK)
        covariance = np.diag(random.uniform(0.5, 5 if arguments.published else 1.5, D)) + p @ p.T
        covariances.append(np.round((covariance + covariance.T) / 2, 8))
    text = CASE.format(origin=listing(np.zeros(D)), identity=listing(np.eye(D)), means=listing(means),
                       covariances=listing(covariances), **setting(arguments))
    with open(arguments.case, "w") as file:
        file.write(text)


main()
