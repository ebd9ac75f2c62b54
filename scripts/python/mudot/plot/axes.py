"""What axes of figures have in common."""
from __future__ import annotations

from typing import Any, Dict

import numpy as np
from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, LogLocator, MaxNLocator, NullFormatter


def positive(values: Any) -> np.ndarray:
    """For a logarithmic axis: not a number where it is not positive."""
    values = np.asarray(values, float)
    return np.where(values > 0, values, np.nan)


def time_axis(axes: Any, t: np.ndarray) -> None:
    axes.set_xlabel("time t")
    if t.size > 1:
        axes.set_xlim(t[0], t[-1])


def markers(count: int) -> Dict[str, Any]:
    """Few points are drawn as points, so that a single one is seen."""
    return {"marker": "o", "markersize": 4} if count <= 3 else {}


def logarithmic(axes: Any) -> None:
    """A logarithmic axis if there is anything positive to show, with labels a reader can tell apart."""
    lines = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    low = [y[np.isfinite(y) & (y > 0)] for y in lines]
    found = np.concatenate(low) if low else np.zeros(0)
    if not found.size:
        axes.text(0.5, 0.5, "zero throughout", transform=axes.transAxes, ha="center", va="center")
        axes.set_yticks([])
        return
    axes.set_yscale("log")
    low_end, high_end = axes.get_ylim()
    axes.yaxis.set_minor_formatter(NullFormatter())
    if high_end > 60 * low_end:
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
    else:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high_end > 8 * low_end else MaxNLocator(5))
        axes.yaxis.set_major_formatter(LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf)))
        if low_end > 1e-4 and high_end < 1e5:  # 0.68 rather than 6.8 x 10^-1
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def label_of(name: str) -> str:
    """A column's name in words: norms are spelt alike.

    >>> label_of("density_error_l1"), label_of("sliced_w2"), label_of("mmd2")
    ('density error L¹', 'sliced W₂', 'MMD²')
    """
    for word, sign in (("_", " "), ("mmd2", "MMD²"), ("mmd", "MMD"), ("w1", "W₁"), ("w2", "W₂"), ("hellinger", "Hellinger"),
                       ("kolmogorov", "Kolmogorov")):
        name = name.replace(word, sign)
    return " ".join({"l1": "L¹", "l2": "L²", "kl": "KL"}.get(part, part) for part in name.split())


def with_error(value: float, error: float) -> str:
    """A number with as many digits as its error has any.

    >>> with_error(1.98765, 0.0123), with_error(2, 1e-9), with_error(1.5, float("nan"))
    ('1.99 ± 0.01', '2.00', '1.50')
    """
    if not np.isfinite(error) or error < 0.005:
        return f"{value:.2f}"
    return f"{value:.2f} ± {error:.2f}"
