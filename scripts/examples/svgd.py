#!/usr/bin/python3
"""SVGD on a banana against the Stein flow that it discretises, whose error is known: how far are 200 particles from it?
The flow is solved on two grids; their difference over 3 is the error of the finer one. Usage: svgd.py [CELLS]"""
import sys

import numpy as np

import mudot

H, N, STEP, TIMES = 0.6, 200, 0.01, [0.5, 1, 2]
CELLS = int(sys.argv[1]) if len(sys.argv) > 1 else 672
case = mudot.Case({
    "grid": {"lower": [-4, -3], "upper": [4, 5]}, "energy": {"kl": 1}, "geometry": {"stein": 1},
    "target": {"type": "formula", "log_density": "-x^2/2 - (y - x^2/4)^2"},
    "initial": {"type": "gaussian", "mean": [0, 1], "covariance": [0.3, 0, 0, 0.3]},
    "kernel": {"type": "gaussian", "bandwidth": H, "extension": "zero"}, "time": {"end": 2, "step": 0.02}})


def score(x):
    """The gradient of the target's log density."""
    bend = 2 * (x[:, 1] - x[:, 0] ** 2 / 4)
    return np.stack([-x[:, 0] + bend * x[:, 0] / 2, -bend], axis=1)


def velocity(x):
    difference = x[:, None] - x[None]
    kernel = np.exp(-(difference ** 2).sum(-1) / (2 * H ** 2)) / (2 * np.pi * H ** 2)  # its integral is 1
    return (kernel @ score(x) + (difference * kernel[..., None]).sum(1) / H ** 2) / len(x)


coarse, fine = (mudot.run(case.with_(grid={"cells": [n, n]}, output={"times": [0, *TIMES]}),
                          f"banana-{n}", overwrite=True) for n in (CELLS // 2, CELLS))
means = np.asarray(fine.density).reshape(4, CELLS // 2, 2, CELLS // 2, 2).mean((2, 4))
error = np.abs(np.asarray(coarse.density) - means).sum((1, 2)) * (16 / CELLS) ** 2 / 3
print("error of the flow in L1:", error[1:])
x, clouds = np.random.default_rng(1).multivariate_normal([0, 1], 0.3 * np.eye(2), N), []
for k in range(200):
    x = x + STEP * velocity(x)
    clouds += [x] if round((k + 1) * STEP, 9) in TIMES else []
print(mudot.compare(fine, clouds, time=TIMES, replicates=5))
