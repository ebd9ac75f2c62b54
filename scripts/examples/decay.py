#!/usr/bin/python3
"""The decay rate of Hellinger-Kantorovich for two wells with an obstacle between them, with an error that includes the
grid, the step and the window of the fit. Usage: decay.py [CELLS]"""
import sys

import numpy as np

import mudot

CELLS = int(sys.argv[1]) if len(sys.argv) > 1 else 96
case = mudot.Case({
    "grid": {"lower": [-2, -1.5], "upper": [2, 1.5], "cells": [CELLS, CELLS * 3 // 4],
             "mask_formula": "x^2 + y^2 - 0.16"},
    "target": {"type": "formula", "log_density": "-2*(x^2 - 1)^2 - 2*y^2"}, "energy": {"kl": 1},
    "initial": {"type": "gaussian", "mean": [-1, 0], "covariance": [0.1, 0, 0, 0.1], "background": 0.01},
    "geometry": {"wasserstein": 1, "fisher_rao": 0.2, "spherical": True}, "time": {"end": 3, "step": 0.00125}})


def rate(name, window=(1.5, 3), **blocks):
    """-d(log F)/dt by least squares in a window."""
    ledger = mudot.run(case.with_(**blocks), f"decay-{name}", overwrite=True).ledger
    t, energy = np.asarray(ledger.coords["t"]), np.asarray(ledger["energy"])
    inside = (t >= window[0]) & (t <= window[1])
    return -np.polyfit(t[inside], np.log(energy[inside]), 1)[0]


best = rate("best")
errors = {"grid": abs(best - rate("grid", grid={"cells": [CELLS // 2, CELLS * 3 // 8]})) / 3,  # order 2
          "step": abs(best - rate("step", time={"step": 0.0025})),  # order 1: the error is the difference
          "window": abs(best - rate("best", window=(2, 3)))}
print(f"rate {best:.4f} +- {sum(errors.values()):.1g} (" + ", ".join(f"{k} {v:.1g}" for k, v in errors.items()) + ")")
