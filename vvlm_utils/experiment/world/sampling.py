"""Which frames of a video a model looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def frame_indices(count: int, fps: float, frames: int) -> np.ndarray:
    """Indices of ``frames`` frames spread uniformly over a video of ``count`` frames.

    Candidates lie on a lattice of at least one frame per second and at least ``frames`` points,
    and no finer than the video: each of the ``frames`` equal stretches of the video gives the
    frame at its middle. A video with fewer frames than asked for repeats some.
    Raises ValueError for an empty video or a request for no frame.

    >>> frame_indices(16, 2, 4).tolist(), frame_indices(3, 1, 6).tolist()
    ([2, 6, 10, 14], [0, 0, 1, 1, 2, 2])
    """
    if count < 1 or frames < 1 or not fps > 0:
        raise ValueError(f"count, fps and frames must be positive, got {count}, {fps}, {frames}")
    return ((np.arange(frames) + 0.5) * count / frames).astype(int)


def shown_at(starts: Sequence[float], end: float, frames: int) -> np.ndarray:
    """Indices of ``frames`` frames spread uniformly over the time that a video is shown.

    starts, end : when each frame begins and the last one ends, in seconds; nan where not known
    Frames that stand within half a step of equal distances, or whose times are not known or run
    backwards, are taken as equally long, by ``frame_indices``. Otherwise each of the ``frames``
    equal stretches of time gives the frame that is shown at its middle.
    Raises ValueError as ``frame_indices`` does.

    >>> shown_at([0, 1, 2, 3], 4, 2).tolist(), shown_at([0, 1, 2, 3], 13, 2).tolist()
    ([1, 3], [3, 3])
    """
    even = frame_indices(len(starts), 1.0, frames)
    edges = np.array([*starts, end], dtype=float)
    step = (edges[-1] - edges[0]) / len(starts)
    off = edges - (edges[0] + step * np.arange(len(edges)))
    known = np.isfinite(edges).all() and (np.diff(edges) >= 0).all()
    if not known or np.abs(off).max() <= step / 2:
        return even
    middles = edges[0] + (np.arange(frames) + 0.5) * (edges[-1] - edges[0]) / frames
    return np.clip(np.searchsorted(edges[:-1], middles, side="right") - 1, 0, None)
