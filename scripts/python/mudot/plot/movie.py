"""The density over time as a movie, with particles over it if they are given."""
from __future__ import annotations

import os
import pathlib
import shutil
from typing import Any, Callable, Optional, Sequence, Tuple, Union

import matplotlib.animation
import numpy as np
from matplotlib.colors import Normalize

from .. import stored
from ..errors import CaseError, FileError, MissingError
from . import clouds, density, style
from .reading import Drawn, box_ratio, edges

MOST_FRAMES = 300


def write(directory: Union[str, os.PathLike], path: pathlib.Path, particles: Union[None, str, os.PathLike] = None,
          labels: Optional[Sequence[str]] = None, rate: int = 15, column_width: Optional[float] = None) -> pathlib.Path:
    """A .mp4 (through ffmpeg) or .gif of the run or the particles in a directory, a frame per snapshot, at most 300."""
    folder = pathlib.Path(directory)
    writer = writer_of(path, rate)
    with style.applied(column_width):
        if (folder / "run.h5").is_file():
            figure, frames, show = of_run(folder, particles, labels)
        else:
            figure, frames, show = of_cloud(folder, labels)
        show(0)
        figure.canvas.draw()
        figure.set_layout_engine("none")  # what was laid out once stays where it is
        animation = matplotlib.animation.FuncAnimation(figure, show, frames=frames, blit=False, cache_frame_data=False)
        try:
            animation.save(path, writer=writer, dpi=120)
        except OSError as error:
            raise FileError(f"{path}: cannot be written: {error.strerror or error}", 4) from None
    return path


def writer_of(path: pathlib.Path, rate: int) -> Any:
    if path.suffix == ".gif":
        return matplotlib.animation.PillowWriter(fps=rate)
    if path.suffix != ".mp4":
        raise CaseError(f"movie: \"{path}\" is not allowed; the name of the file ends in .mp4 or .gif", 2)
    if not shutil.which("ffmpeg"):
        raise MissingError(f"{path}: needs ffmpeg, which is not installed; give a name that ends in .gif")
    return matplotlib.animation.FFMpegWriter(fps=rate, codec="libx264", extra_args=["-pix_fmt", "yuv420p"])


def frames_of(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))


class Following:
    """The positions of a cloud at any time, those of its last snapshot before."""

    def __init__(self, path: Union[str, os.PathLike]) -> None:
        folder = pathlib.Path(path)
        with stored.open_file(folder if folder.suffix == ".h5" else folder / "particles.h5", ("time", "position")) as file:
            self.time, self.position = file["time"][:], file["position"][:]

    def at(self, t: float) -> np.ndarray:
        return self.position[max(int(np.searchsorted(self.time, t + 1e-9)) - 1, 0)]


def of_run(folder: pathlib.Path, particles: Union[None, str, os.PathLike],
           labels: Optional[Sequence[str]]) -> Tuple[Any, Any, Callable[[int], Any]]:
    with stored.open_file(folder / "run.h5", ("time", "density")) as file:
        count = min(file["time"].shape[0], file["density"].shape[0])
        times, values = file["time"][:count], file["density"][:count]
    run = Drawn(folder, density.CURVES, 1)
    cloud = Following(particles) if particles is not None else None
    top = max(np.nanmax(values), 1e-300)
    return (map_frames if run.dim == 2 else line_frames)(run, times, values, top, cloud, labels or run.labels)


def line_frames(run: Drawn, times: np.ndarray, values: np.ndarray, top: float, cloud: Optional[Following],
                labels: Sequence[str]) -> Tuple[Any, Any, Callable[[int], Any]]:
    figure, axes = style.subplots(1, 1, (7, 4.5))
    line, = axes.plot(run.x, values[0], color=style.BLUE, label="density ρ")
    if run.target is not None:
        axes.plot(run.x, run.target[0], "--", color=style.VERMILLION, label="target π")
    dots, = axes.plot([], [], "|", color="#000000", markersize=8, alpha=0.5)
    axes.set(xlim=edges(run.x), ylim=(0, 1.05 * max(top, np.nanmax(run.target) if run.target is not None else 0)),
             xlabel=labels[0], ylabel="density ρ(t, x)")
    axes.legend(loc="upper right")

    def show(k: int) -> Any:
        line.set_ydata(np.where(run.inside[0], values[k], np.nan))
        if cloud is not None:
            x = cloud.at(times[k])[:, 0]
            dots.set_data(x, np.full(len(x), 0.02 * top))
        axes.set_title(f"t = {times[k]:.3f}")
        return line, dots

    return figure, frames_of(len(times)), show


def map_frames(run: Drawn, times: np.ndarray, values: np.ndarray, top: float, cloud: Optional[Following],
               labels: Sequence[str]) -> Tuple[Any, Any, Callable[[int], Any]]:
    figure, axes = style.subplots(1, 1, (7, 6 * box_ratio(run) + 0.9))
    image = density.draw_map(axes, run, run.field(values[0]), Normalize(0, top))
    dots = density.draw_points(axes, cloud.at(times[0])) if cloud is not None else None
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=edges(run.x), ylim=edges(run.y))
    figure.colorbar(image, ax=axes, label="density ρ", shrink=0.9)

    def show(k: int) -> Any:
        image.set_data(run.field(values[k]))
        if dots is not None:
            dots.set_data(*cloud.at(times[k])[:, :2].T)
        axes.set_title(f"t = {times[k]:.3f}")
        return image,

    return figure, frames_of(len(times)), show


def of_cloud(folder: pathlib.Path, labels: Optional[Sequence[str]]) -> Tuple[Any, Any, Callable[[int], Any]]:
    with stored.open_file(folder / "particles.h5", ("time", "position", "weight")) as file:
        count = min(file[name].shape[0] for name in ("time", "position", "weight"))
        times, x, weight = file["time"][:count], file["position"][:count], file["weight"][:count]
    labels = labels or clouds.Cloud(folder).labels
    if x.shape[2] < 2:
        raise CaseError("movie: particles on a line have no movie of their own; give the run that they belong to", 2)
    figure, axes = style.subplots(1, 1, (6, 5.5))
    dots = axes.scatter(*x[0, :, :2].T, s=clouds.sizes(weight[0]), color=style.BLUE, alpha=0.6, linewidths=0)
    axes.set(xlim=(x[..., 0].min(), x[..., 0].max()), ylim=(x[..., 1].min(), x[..., 1].max()), xlabel=labels[0],
             ylabel=labels[1])

    def show(k: int) -> Any:
        dots.set_offsets(x[k, :, :2])
        dots.set_sizes(clouds.sizes(weight[k]))
        axes.set_title(f"t = {times[k]:.3f}")
        return dots,

    return figure, frames_of(count), show
