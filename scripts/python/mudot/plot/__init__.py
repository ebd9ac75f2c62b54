"""Figures of what is in a directory: a run, particles, a study, a comparison."""
from __future__ import annotations

import base64
import html
import io
import os
import pathlib
from typing import Any, Dict, List, Optional, Sequence, Union

from . import clouds, comparison, density, ledger, study
from ..errors import CaseError
from .reading import Drawn, read_points
from .style import applied


class Figures(List[Any]):
    """Figures that a notebook shows."""

    def _repr_html_(self) -> str:
        parts = []
        for figure in self:
            data = io.BytesIO()
            figure.savefig(data, format="png", dpi=90)
            parts.append(f'<img src="data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}">')
        return "\n".join(parts) or html.escape("no figures")


def draw(directory: Union[str, os.PathLike], names: Sequence[str] = (), points: Any = None,
         labels: Optional[Sequence[str]] = None, own_scales: bool = False,
         column_width: Optional[float] = None) -> Dict[str, Any]:
    """Name -> figure, those of `names` (default: all). `points`: an array or file, drawn over the last heat map;
    `labels`: of the axes (default: grid.labels of the case); `own_scales`: a colour scale for each time; `column_width`: inches of a journal's column."""
    folder = pathlib.Path(directory)
    with applied(column_width):
        found = all_of(folder, points, labels, own_scales)
    missing = [name for name in names if name not in found]
    if missing:
        raise CaseError(f"plot: {missing[0]} is not a figure of {folder}; there are {', '.join(found)}", 2)
    return {name: figure for name, figure in found.items() if not names or name in names}


def figures(directory: Union[str, os.PathLike], names: Sequence[str] = (), **options: Any) -> Figures:
    """The figures of draw() as a list."""
    return Figures(draw(directory, names, **options).values())


def all_of(folder: pathlib.Path, points: Any, labels: Optional[Sequence[str]], own_scales: bool) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    has_run, has_cloud = ((folder / name).is_file() for name in ("run.h5", "particles.h5"))
    if (folder / "compare.h5").is_file():
        found.update(comparison.figures(folder))
    if has_run or not (found or has_cloud or (folder / "study.h5").is_file()):
        found.update(of_run(folder, points, labels, own_scales))
    elif (folder / "study.h5").is_file():
        found.update(study.figures(folder))
    if has_cloud and not has_run:
        found.update(clouds.figures(folder, labels))
    return found


def of_run(folder: pathlib.Path, points: Any, labels: Optional[Sequence[str]], own_scales: bool) -> Dict[str, Any]:
    run = Drawn(folder, density.CURVES, density.MAPS)
    labels = labels or run.labels
    over = read_points(points) if points is not None else None
    found = {"density": density.draw_line(run, labels) if run.dim == 1
             else density.draw_maps(run, labels, over, own_scales)}
    if all(name in run.ledger for name in ledger.COLUMNS):
        found.update(energy=ledger.draw_energy(run), balance=ledger.draw_balance(run))
    if "l1" in run.error and run.error["l1"].size == run.time.size:
        found["error"] = ledger.draw_error(run)
    return found
