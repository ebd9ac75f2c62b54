"""How all figures look: colours, sizes, fonts that journals take."""
from __future__ import annotations

import os
import textwrap
from typing import Any, Dict, Iterator, Optional, Tuple

os.environ.setdefault("MPLCONFIGDIR", os.path.join("/tmp", f"mudot-matplotlib-{os.getuid()}"))

import contextlib  # noqa: E402

import matplotlib  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.colors import ListedColormap  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.transforms import ScaledTranslation  # noqa: E402

# Okabe and Ito's colours, told apart by every kind of colour vision.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000", "#999999")
MARKS = "osD^vP*X"
DENSITIES = matplotlib.colormaps["viridis"]
TIMES = ListedColormap(matplotlib.colormaps["cividis"](np.linspace(0, 0.92, 256)))
OUTSIDE = "#BBBBBB"

STYLE = {
    "figure.dpi": 150, "savefig.dpi": 150, "font.size": 11, "axes.titlesize": 11, "figure.titlesize": 11,
    "axes.grid": True, "grid.alpha": 0.3, "grid.linewidth": 0.6, "lines.linewidth": 1.6, "legend.frameon": False,
    "legend.fontsize": 9, "axes.spines.top": False, "axes.spines.right": False,
    "pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "path",  # embedded as TrueType, as journals ask
}
IN_A_COLUMN = {"font.size": 8, "axes.titlesize": 8, "figure.titlesize": 8, "legend.fontsize": 7, "lines.linewidth": 1.0,
               "xtick.labelsize": 7, "ytick.labelsize": 7, "savefig.dpi": 300, "grid.linewidth": 0.4,
               "lines.markersize": 3.5, "axes.linewidth": 0.6}

_width: Optional[float] = None


@contextlib.contextmanager
def applied(column_width: Optional[float] = None) -> Iterator[None]:
    """Within it figures have this look, and with a width (inches) that of a journal's column."""
    global _width
    before = _width
    _width = column_width
    try:
        with matplotlib.rc_context({**STYLE, **(IN_A_COLUMN if column_width else {})}):
            yield
    finally:
        _width = before


def subplots(rows: int = 1, columns: int = 1, size: Tuple[float, float] = (8, 6), **options: Any) -> Tuple[Figure, Any]:
    """A figure without pyplot, whose state is the user's, and its axes. In a journal's column it has that width, and
    the height that keeps the text apart; two axes beside each other stand below each other there."""
    if in_column() and (rows, columns) == (1, 2):
        rows, columns, size = 2, 1, (size[0] / 2, 1.7 * size[1])
    if _width:
        size = (_width, min(size[1] * _width / size[0] * 1.35, 9))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def in_column() -> bool:
    """Whether a figure is as narrow as one of two columns."""
    return _width is not None and _width < 5


def title(figure: Figure, text: str) -> None:
    """The title, broken where a column ends."""
    if _width:
        text = "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, int(14 * _width)))
    figure.suptitle(text)


def legend(axes: Any, **options: Any) -> None:
    """A legend; in a column one of many entries stands below the axes."""
    entries = len(axes.get_legend_handles_labels()[0])
    axes.legend(**(below(axes, entries) if _width and entries > 4 else options))


def below(axes: Any, entries: int) -> Dict[str, Any]:
    """Where a legend stands below the label of an axis; the figure grows by its height."""
    width, height = axes.figure.get_size_inches()
    axes.figure.set_size_inches(width, height + 0.17 * entries + 0.1)
    down = ScaledTranslation(-0.2, -0.4, axes.figure.dpi_scale_trans)
    return {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": axes.transAxes + down, "borderaxespad": 0}
