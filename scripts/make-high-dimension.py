#!/usr/bin/python3
"""Writes the case of experiment (c) of the interaction-force transport paper: dimension 100, target a mixture of three
Gaussians with means at distance 20 from the origin and covariances D + P P^T, source N(0, I), kernel exp(-|x-y|^2/200).

D = diag(u), u uniform in [0.5, 1.5]; P is 100 x 10 with independent normal entries of variance 1/10; the means are
independent uniform directions. Everything follows from the seed below.  Usage: make-high-dimension.py CASE.yaml"""
import sys

import numpy as np

D, COMPONENTS, RANK, SEED = 100, 3, 10, 20

CASE = """\
# Written by scripts/make-high-dimension.py: experiment (c) of the interaction-force transport paper.
initial:   {{type: gaussian, mean: {origin}, covariance: {identity}}}
target:
  type: mixture
  means: {means}
  covariances: {covariances}
energy:    {{mmd: 1}}
geometry:  {{wasserstein: 100, mmd: 0.1, spherical: true}}
kernel:    {{type: gaussian, bandwidth: 10, normalization: peak, extension: zero}}
time:      {{end: 1000, step: 1}}
particles: {{method: ift, count: 100, seed: 1, target_samples: fresh, target_count: 100}}
output:    {{directory: out/paper-high-dimension, every: 1000}}
"""


def listing(values):
    return "[" + ", ".join("%.10g" % v for v in np.ravel(values)) + "]"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    random = np.random.default_rng(SEED)
    means, covariances = [], []
    for _ in range(COMPONENTS):
        direction = random.normal(size=D)
        means.append(20 * direction / np.linalg.norm(direction))
        p = random.normal(size=(D, RANK)) / np.sqrt(RANK)
        covariance = np.diag(random.uniform(0.5, 1.5, D)) + p @ p.T
        covariances.append(np.round((covariance + covariance.T) / 2, 8))
    text = CASE.format(origin=listing(np.zeros(D)), identity=listing(np.eye(D)), means=listing(means),
                       covariances=listing(covariances))
    with open(sys.argv[1], "w") as file:
        file.write(text)


main()
