"""Which frames of a video a model looks at."""

from __future__ import annotations

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
