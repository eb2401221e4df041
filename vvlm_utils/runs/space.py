"""The designs to choose from: a grid of the three factors, or a list with costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vvlm_utils.cost.equation import FACTORS
from vvlm_utils.runs.designs import MAX_FRAMES, MAX_GRID_SIDE, is_perfect_square, square_tokens


@dataclass(frozen=True)
class Space:
    """The designs to choose from: every combination of the three factors' values.

    New designs step in whole frames and in square grids of tokens; a factor of a single value, as
    in a sweep that never moved it, may hold any positive number there (182 tokens, 27.4 frames).

    Parameters
    ----------
    lm_params, frames, tokens_per_frame
        The values of each factor; sorted and made unique.

    Raises
    ------
    ValueError
        A factor has no value, or one that no new design can have.

    Notes
    -----
    The default is the paper's as its figures suggest it: nominal LM sizes, 17,920 designs.

    Examples
    --------
    >>> Space(lm_params=(1e9, 7.5e9), frames=(8, 16), tokens_per_frame=(49, 100)).shape
    (2, 2, 2)
    """

    lm_params: tuple[float, ...] = (3e9, 7e9, 14e9, 32e9, 72e9)
    frames: tuple[float, ...] = tuple(range(1, MAX_FRAMES + 1))
    tokens_per_frame: tuple[float, ...] = tuple(square_tokens(MAX_GRID_SIDE).tolist())

    def __post_init__(self) -> None:
        for name in FACTORS:
            values = np.array(getattr(self, name), dtype=float)
            if values.size == 0:
                raise ValueError(f"the space has no {name}; give at least one")
            good, kind = np.isfinite(values) & (values > 0), "numbers"
            if name == "frames" and values.size > 1:
                good[good], kind = values[good] % 1 == 0, "whole numbers"
            if name == "tokens_per_frame" and values.size > 1:
                good[good], kind = is_perfect_square(values[good]), "perfect squares"
            if not good.all():
                raise ValueError(f"{name} must be positive {kind}, got {values[~good][0]:g}")
            object.__setattr__(self, name, tuple(np.unique(values).tolist()))

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Number of values of each factor."""
        return tuple(len(getattr(self, name)) for name in FACTORS)

    @cached_property
    def designs(self) -> pd.DataFrame:
        """Every design, one row each, in C order of the factors."""
        grid = np.meshgrid(*(getattr(self, name) for name in FACTORS), indexing="ij")
        return pd.DataFrame({n: g.ravel() for n, g in zip(FACTORS, grid, strict=True)})


PAPER_SPACE = Space()
MOST_LEVELS = {"lm_params": 8, "frames": 64, "tokens_per_frame": 32}  # of a space from runs


def spread(values: Iterable[float], most: int) -> tuple[float, ...]:
    """At most so many of the values, ends included, evenly by their logarithm.

    >>> spread([1, 2, 3, 4, 30, 64], 3)
    (1.0, 4.0, 64.0)
    """
    if most < 2:
        raise ValueError(f"values must be at least 2, got {most}")
    values = np.unique(np.array(list(values), dtype=float))
    if len(values) > most:
        wanted = np.geomspace(values[0], values[-1], most)
        near = np.abs(np.log(values)[:, None] - np.log(wanted)).argmin(axis=0)
        values = values[np.unique(near)]
    return tuple(values.tolist())


def space_within(runs: pd.DataFrame) -> Space:
    """The designs between the runs' own levels; a factor that never moves stays where it is.

    The runs' LM sizes, whole frames and square grids between the smallest and the largest, at
    most ``MOST_LEVELS`` of each, spread evenly in their logarithms. Where fewer than two of
    them lie between, the factor stays at the runs' median.
    """
    low, high = runs["frames"].min(), runs["frames"].max()
    frames = np.unique(np.rint(np.geomspace(low, high, 4 * MOST_LEVELS["frames"])))
    frames = frames[(frames >= low) & (frames <= high)]
    tokens = runs["tokens_per_frame"].to_numpy(dtype=float)
    first, last = np.ceil(np.sqrt(tokens.min())), np.floor(np.sqrt(tokens.max()))
    squares = np.arange(first, min(last, first + 1e4) + 1) ** 2
    values = {
        "lm_params": runs["lm_params"],
        "frames": frames if len(frames) > 1 else [float(runs["frames"].median())],
        "tokens_per_frame": squares if len(squares) > 1 else [float(np.median(tokens))],
    }
    return Space(**{f: spread(v, MOST_LEVELS[f]) for f, v in values.items()})


@dataclass(frozen=True)
class Candidates:
    """Listed designs with costs of their own, where no formula prices a design.

    Parameters
    ----------
    designs
        The columns of the law's factors but n, one row per design.
    cost_flops
        FLOPs per video, shape (designs,).

    Raises
    ------
    ValueError
        The costs are not one positive number for each design.
    """

    designs: pd.DataFrame
    cost_flops: np.ndarray

    def __post_init__(self) -> None:
        flops = np.asarray(self.cost_flops, dtype=float)
        if flops.shape != (len(self.designs),) or not len(flops):
            raise ValueError(f"{len(self.designs)} designs need a cost each, got {flops.size}")
        if not (np.isfinite(flops) & (flops > 0)).all():
            raise ValueError(f"cost_flops must be positive numbers, got {flops.min():g}")

    def price(self, lm_params: ArrayLike, frames: ArrayLike, tokens_per_frame: ArrayLike):
        """FLOPs per video of listed designs, by their factors; the first of equals.

        Raises ValueError for a design that is not listed, whose cost nobody knows.
        """
        asked = np.broadcast_arrays(lm_params, frames, tokens_per_frame)
        rows = zip(*(np.ravel(a).astype(float).tolist() for a in asked), strict=True)
        try:
            return np.array([self._prices[row] for row in rows]).reshape(asked[0].shape)[()]
        except KeyError as unknown:
            raise ValueError(
                f"no cost is known for the design {unknown.args[0]} (LM size, frames, tokens); "
                "choose among the table's own, or name a cost that prices others"
            ) from None

    @cached_property
    def _prices(self) -> dict[tuple[float, ...], float]:
        rows = self.designs[list(FACTORS)].astype(float).itertuples(index=False, name=None)
        listed = list(zip(rows, np.asarray(self.cost_flops, dtype=float).tolist(), strict=True))
        return dict(reversed(listed))

    @cached_property
    def lm_params(self) -> tuple[float, ...]:
        """The LM sizes among the designs."""
        return tuple(np.unique(self.designs["lm_params"]).tolist())


def widen(
    space: Space,
    lm_params: Sequence[float] | None = None,
    max_frames: int | None = None,
    max_tokens: int | None = None,
) -> Space:
    """A space with other LM sizes, with every frame and every square grid up to a number."""
    if lm_params:
        space = replace(space, lm_params=tuple(lm_params))
    if max_frames:
        first = min(np.ceil(space.frames[0]), max_frames)
        frames = spread(np.arange(first, max_frames + 1), PAPER_SPACE.shape[1])
        space = replace(space, frames=tuple(np.rint(frames).tolist()))
    if max_tokens:
        last = np.floor(np.sqrt(max_tokens))
        sides = np.arange(min(np.ceil(np.sqrt(space.tokens_per_frame[0])), last), last + 1)
        space = replace(space, tokens_per_frame=tuple((sides**2).tolist()))
    return space
