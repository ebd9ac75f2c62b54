#!/usr/bin/python3
"""Two flows as one writes them with NumPy and SciPy alone: the other side of `make bench`. No ledger, no files.

hellinger-kantorovich  rho' = div(rho grad log(rho/pi)) - rho log(rho/pi), Strang: the reaction in closed form, half a
                       step before and after an implicit Euler step of Scharfetter and Gummel's fluxes, factored once
ift                    rho' = div(rho grad u) - (rho - pi), u = k*(rho - pi), k a Gaussian: the same with an explicit
                       upwind step and zero-padded transforms

on [-3, 3]^2 without flux, up to time 1. Prints the seconds of set-up and steps.

Usage: scripts/scipy-page.py hellinger-kantorovich|ift CELLS STEPS [DENSITY.npy]
"""
import sys
import time

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

BANDWIDTH = 0.1


def bernoulli(z):
    """z/(e^z - 1)."""
    small = np.abs(z) < 1e-6
    return np.where(small, 1 - z / 2, z / np.expm1(np.where(small, 1, z)))


def diffusion(potential, h):
    """The matrix of -div(grad rho + rho grad V): fluxes through the faces between neighbours, none through walls."""
    n = potential.shape[0]
    diagonal, bands = np.zeros(n * n), {}
    for axis, offset in ((0, n), (1, 1)):
        rise = np.full((n, n), np.nan)  # of V from a cell to its upper neighbour
        if axis == 0:
            rise[:-1] = np.diff(potential, axis=0)
        else:
            rise[:, :-1] = np.diff(potential, axis=1)
        rise = rise.ravel()
        up, down = (np.nan_to_num(bernoulli(sign * rise)) / h**2 for sign in (1, -1))
        diagonal += up
        diagonal[offset:] += down[:-offset]
        bands[offset], bands[-offset] = -down[:-offset], -up[:-offset]
    return scipy.sparse.diags([diagonal, *bands.values()], [0, *bands], format="csc")


def hellinger_kantorovich(pi, potential, h, dt):
    n = pi.shape[0]
    matrix = scipy.sparse.identity(n * n, format="csc") + dt * diffusion(potential, h)
    factors = scipy.sparse.linalg.splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0,
                                       options={"SymmetricMode": True})
    power = np.exp(-dt / 2)
    rest = pi ** (1 - power)

    def step(rho):
        rho = rho**power * rest
        rho = factors.solve(rho.ravel()).reshape(n, n)
        return rho**power * rest
    return step


def ift(pi, potential, h, dt):
    n = pi.shape[0]
    distance = h * np.minimum(np.arange(2 * n), 2 * n - np.arange(2 * n))
    profile = np.exp(-distance**2 / (2 * BANDWIDTH**2))
    symbol = scipy.fft.rfft2(np.outer(profile, profile)).real * h**2
    share = np.exp(-dt / 2)

    def upwind(low, high, slope):
        return -dt / h**2 * slope * np.where(slope < 0, low, high)

    def step(rho):
        rho = pi + share * (rho - pi)
        u = scipy.fft.irfft2(scipy.fft.rfft2(rho - pi, s=symbol_shape) * symbol, s=symbol_shape)[:n, :n]
        moved = rho.copy()
        flux = upwind(rho[:-1], rho[1:], np.diff(u, axis=0))
        moved[:-1] -= flux
        moved[1:] += flux
        flux = upwind(rho[:, :-1], rho[:, 1:], np.diff(u, axis=1))
        moved[:, :-1] -= flux
        moved[:, 1:] += flux
        return pi + share * (moved - pi)
    symbol_shape = (2 * n, 2 * n)
    return step


def main():
    flows = {"hellinger-kantorovich": hellinger_kantorovich, "ift": ift}
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in flows:
        sys.exit(__doc__.split("\n\n")[-1])
    start = time.perf_counter()
    n, steps = int(sys.argv[2]), int(sys.argv[3])
    h = 6 / n
    centre = -3 + h * (np.arange(n) + 0.5)
    y, x = np.meshgrid(centre, centre, indexing="ij")
    potential = 4 * ((x**2 - 1)**2 + y**2 / 2 + 0.3 * x * y)
    pi, rho = np.exp(-potential), np.exp(-((x - 1)**2 + (y - 0.5)**2) / (2 * 0.0625))
    pi, rho = pi / (pi.sum() * h**2), rho / (rho.sum() * h**2)
    step = flows[sys.argv[1]](pi, potential, h, 1 / steps)
    built = time.perf_counter()
    for _ in range(steps):
        rho = step(rho)
    print(f"set-up {built - start:.4f} steps {time.perf_counter() - built:.4f}")
    if len(sys.argv) == 5:
        np.save(sys.argv[4], rho)


main()
