#!/usr/bin/python3
"""20,000 points in a .npy, interaction-force transport to their density from a Gaussian, a movie of it, and the final
energies for ten bandwidths in one Dataset. Usage: points.py [CELLS]"""
import pathlib
import sys

import numpy as np

import mudot

CELLS = int(sys.argv[1]) if len(sys.argv) > 1 else 512
angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 20000)
ring = np.c_[2 * np.cos(angle), 2 * np.sin(angle)] + 0.3 * np.random.default_rng(2).normal(size=(20000, 2))
np.save("ring.npy", ring)

case = mudot.Case({
    "grid": {"lower": [-4, -4], "upper": [4, 4], "cells": [CELLS, CELLS]},
    "target": {"type": "samples", "file": str(pathlib.Path("ring.npy").resolve())},
    "initial": {"type": "gaussian", "mean": [0, 0], "covariance": [1, 0, 0, 1]}, "energy": {"mmd": 1},
    "geometry": {"wasserstein": 1, "mmd": 1, "spherical": True},
    "kernel": {"type": "gaussian", "bandwidth": 0.5, "extension": "reflect"},
    "time": {"end": 2, "step": 0.05}, "output": {"directory": "ring", "every": 0.1}})
run = mudot.run(case, overwrite=True)
print(run.movie("ring.gif"))
all_of_them = mudot.sweep(case.with_(grid={"cells": [CELLS // 4, CELLS // 4]}),
                          {"kernel.bandwidth": np.geomspace(0.2, 2, 10).round(3).tolist()}, workers=2)
for bandwidth, energy in zip(np.asarray(all_of_them.coords["kernel_bandwidth"]), np.asarray(all_of_them["energy"])):
    print(f"h = {bandwidth:<6} F(2)/F(0) = {energy[-1] / energy[0]:.4f}")
