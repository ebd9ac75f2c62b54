"""energy: the energy with its terms and its decay rate; balance: the potentials, the balance's defect, the mass;
error: what a reference knows of its own error."""
from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import numpy as np

from .axes import label_of, logarithmic, markers, positive, time_axis
from .reading import Drawn
from .style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, legend, subplots, title

ROUNDING = 1e-15  # an energy below this part of its largest value is rounding
COLUMNS = ("t", "energy", "dissipation_primal", "dissipation_dual", "balance_defect", "mass")

Ledger = Dict[str, np.ndarray]


def dissipation(ledger: Ledger) -> np.ndarray:
    return ledger["dissipation_primal"] + ledger["dissipation_dual"]


def decay_rate(ledger: Ledger) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, -d(log F)/dt between the rows, and (R + R*)/F with the logarithmic mean of F: equal if the balance holds.
    Rows whose energy is rounding are left out."""
    t, energy = ledger["t"], ledger["energy"]
    before, after = energy[:-1], energy[1:]
    dt = np.diff(t)
    with np.errstate(all="ignore"):
        good = (dt > 0) & (after > ROUNDING * np.nanmax(energy)) & (after > 0) & (before > 0)
        rate = np.where(good, np.log(before / after) / dt, np.nan)
        mean = np.where(np.abs(before / after - 1) > 1e-6, (before - after) / np.log(before / after), after)
        balance = np.where(good, dissipation(ledger)[1:] / mean, np.nan)
    return (t[:-1] + t[1:]) / 2, rate, balance


def draw_terms(axes: Any, ledger: Ledger, transform: Callable[[Any], Any]) -> None:
    colours = [GREEN, ORANGE, PURPLE, SKY, VERMILLION]
    terms = [name for name in ledger if name.startswith("energy_")]
    for n, name in enumerate(terms if len(terms) > 1 else []):
        axes.plot(ledger["t"], transform(ledger[name]), "--", color=colours[n % len(colours)],
                  label=label_of(name[len("energy_"):]), **markers(ledger["t"].size))
    axes.plot(ledger["t"], transform(ledger["energy"]), color=BLUE, label="energy F", zorder=3,
              **markers(ledger["t"].size))
    if len(terms) > 1:
        legend(axes)


def draw_rate(axes: Any, ledger: Ledger) -> None:
    t, rate, balance = decay_rate(ledger)
    shown = np.r_[rate[np.isfinite(rate)], balance[np.isfinite(balance)]]
    axes.plot(t, rate, color=BLUE, label="−d(log F)/dt", **markers(t.size))
    axes.plot(t, balance, ":", color=VERMILLION, linewidth=2.2, label="(R + R*)/F", **markers(t.size))
    axes.set_ylabel("decay rate (1/time)")
    legend(axes)
    if shown.size and shown.min() > 0 and shown.max() > 30 * shown.min():
        logarithmic(axes)
    elif shown.size:
        axes.set_ylim(min(0, 1.1 * np.percentile(shown, 1)), 1.15 * np.percentile(shown, 99) or 1)
    else:
        axes.text(0.5, 0.5, "no rate: fewer than two energies above zero", transform=axes.transAxes, ha="center")
        axes.set_yticks([])


def draw_energy(run: Drawn) -> Any:
    ledger = run.ledger
    figure, (top, bottom) = subplots(2, 1, (8, 7), sharex=True)
    energy = ledger["energy"]
    floor = ROUNDING * np.nanmax(np.abs(energy)) if np.isfinite(energy).any() else 0
    if not (energy < -floor).any():
        draw_terms(top, ledger, positive)
        logarithmic(top)
        draw_rate(bottom, ledger)
    else:  # an energy that changes its sign has no decay rate
        draw_terms(top, ledger, np.asarray)
        bottom.plot(ledger["t"], positive(dissipation(ledger)), color=BLUE, **markers(energy.size))
        bottom.set_ylabel("dissipation R + R* = −dF/dt")
        logarithmic(bottom)
    draw_bars(top, run)
    top.set_ylabel("energy F")
    time_axis(bottom, ledger["t"])
    title(figure, run.title)
    return figure


def draw_bars(axes: Any, run: Drawn) -> None:
    """The energies of a reference's snapshots with their errors."""
    if "energy" in run.moments and run.moments["energy"].size == run.time.size:
        axes.errorbar(run.time, run.moments["energy"], run.moments["energy_error"], fmt="o", markersize=4,
                      markerfacecolor="none", color=GREEN, capsize=3, label="reference ± its error", zorder=4)
        legend(axes)


NORMS = {"l1": "L¹", "hellinger": "Hellinger", "w1": "W₁"}


def draw_error(run: Drawn) -> Any:
    """Of every norm the error of the snapshots, and its parts."""
    norms = [name for name in NORMS if name in run.error]
    figure, grid = subplots(len(norms), 1, (8, 2.6 * len(norms) + 1), sharex=True, squeeze=False)
    for axes, norm in zip(grid[:, 0], norms):
        for part, style, colour, label in (("", "o-", BLUE, "in all"), ("_space", "--", VERMILLION, "of the grid"),
                                           ("_time", ":", GREEN, "of the time steps")):
            axes.plot(run.time, positive(run.error[norm + part]), style, color=colour, markersize=4, label=label)
        axes.set_ylabel(f"error in {NORMS[norm]}")
        logarithmic(axes)
    legend(grid[0, 0])
    time_axis(grid[-1, 0], run.time)
    title(figure, run.title)
    return figure


def draw_signed(axes: Any, t: np.ndarray, values: np.ndarray, label: str) -> None:
    """The size on a logarithmic axis, the sign as colour."""
    style = markers(t.size)
    axes.set_ylabel(label)
    if (values > 0).any():
        axes.plot(t, positive(values), color=BLUE, label="positive", **style)
    if (values < 0).any():
        axes.plot(t, positive(-values), "--", color=VERMILLION, label="negative", **style)
        axes.legend(ncol=2)
    logarithmic(axes)


def draw_balance(run: Drawn) -> Any:
    """The defect over F(0), the mass over its first value: figures that mean the same in every run."""
    ledger = run.ledger
    t = ledger["t"]
    figure, (potentials, defect, mass) = subplots(3, 1, (8, 9), sharex=True)
    style = markers(t.size)
    potentials.plot(t, positive(ledger["dissipation_primal"]), color=BLUE, label="primal R(μ, dμ/dt)", **style)
    potentials.plot(t, positive(ledger["dissipation_dual"]), ":", color=VERMILLION, linewidth=2.4,
                    label="dual R*(μ, −DF)", **style)
    potentials.set_ylabel("dissipation potential")
    legend(potentials)
    logarithmic(potentials)
    first = abs(ledger["energy"][0])
    scale, over = (first, " / |F(0)|") if np.isfinite(first) and first > 0 else (1, "")
    draw_signed(defect, t, ledger["balance_defect"] / scale, f"defect of the balance\n(F + ∫(R + R*) − F(0)){over}")
    draw_signed(mass, t, ledger["mass"] / ledger["mass"][0] - 1, "mass / initial mass − 1")
    time_axis(mass, t)
    title(figure, run.title)
    return figure
