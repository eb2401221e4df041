"""A small world of textured squares, in which every difficulty is a continuum.

A clip lasts ``World.seconds`` and shows eight squares of distinct colours. The colour of a square
is the key that a question names; its texture is the answer. Four roles grade the difficulties:

brief : visible for a heavy-tailed time, so more frames catch it more often
small : its side runs from below half a patch to nearly two
glint : brief and small, so that it takes both, a frame that shows it and tokens that resolve it
easy : five squares, large and always there, for questions whose difficulty lies in the words

Times are in frames and continuous: what lasts less than a frame may never be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROLES = ("brief", "small", "glint", *("easy",) * 5)
EASY = tuple(i for i, role in enumerate(ROLES) if role == "easy")
BRIEF = tuple(i for i, role in enumerate(ROLES) if role in ("brief", "glint"))
SMALL = tuple(i for i, role in enumerate(ROLES) if role in ("small", "glint"))
CELLS = 3  # squares stand in cells of a 3 x 3 board, so that they never overlap


@dataclass(frozen=True)
class World:
    """Constants of the world; clips, labels and questions follow from them and a seed.

    shortest, tail : durations d of brief squares have density d**tail from ``shortest`` frames
        to the whole clip; with tail -0.5 the share that x_T frames miss falls as a power of x_T
    smallest, largest : sides of small squares, pixels
    """

    frames: int = 16
    fps: int = 2
    size: int = 64
    patch: int = 8
    colours: int = 10
    textures: int = 6
    shortest: float = 0.25
    tail: float = -0.5
    smallest: int = 4
    largest: int = 14

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.size // self.patch

    @property
    def labels(self) -> int:
        """Channels of the soft labels: colours, then textures."""
        return self.colours + self.textures


WORLD = World()


@dataclass(frozen=True)
class Scene:
    """One clip before it is drawn; arrays over the squares, in the order of ``ROLES``.

    colour, texture : indices; all colours of a scene differ
    left, top, side : pixels
    start, stop : visible in start <= time < stop, frames
    """

    colour: np.ndarray
    texture: np.ndarray
    left: np.ndarray
    top: np.ndarray
    side: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    def visible(self, frames: np.ndarray) -> np.ndarray:
        """Whether each square is on in each frame, shape (frames, squares)."""
        time = np.asarray(frames)[:, None] + 0.5
        return (self.start <= time) & (time < self.stop)


def draw_duration(world: World, rng: np.random.Generator) -> float:
    """A heavy-tailed duration in frames, by inversion of its distribution."""
    power = world.tail + 1
    low, high = world.shortest**power, world.frames**power
    return float((low + rng.random() * (high - low)) ** (1 / power))


def _interval(world: World, rng: np.random.Generator) -> tuple[float, float]:
    """A heavy-tailed interval at a random place in the clip."""
    duration = draw_duration(world, rng)
    start = rng.random() * (world.frames - duration)
    return start, start + duration


def _place(world: World, side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Left and top corners, shape (2, squares): each square somewhere in a cell of its own."""
    cell = world.size // CELLS
    cells = rng.permutation(CELLS**2)[: len(side)]
    within = rng.integers(0, cell - side + 1, (2, len(side)))
    return np.stack([cells % CELLS, cells // CELLS]) * cell + within


def sample_scene(rng: np.random.Generator, world: World = WORLD) -> Scene:
    """Draw a scene; the same generator state gives the same scene."""
    squares = len(ROLES)
    side = np.full(squares, 14)
    side[list(SMALL)] = rng.integers(world.smallest, world.largest + 1, len(SMALL))
    side[list(EASY)] = rng.integers(12, 19, len(EASY))
    left, top = _place(world, side, rng)
    start, stop = np.zeros(squares), np.full(squares, float(world.frames))
    for square in BRIEF:
        start[square], stop[square] = _interval(world, rng)
    return Scene(
        colour=rng.permutation(world.colours)[:squares],
        texture=rng.integers(0, world.textures, squares),
        left=left,
        top=top,
        side=side,
        start=start,
        stop=stop,
    )


def soft_labels(scene: Scene, frames: np.ndarray, world: World = WORLD) -> np.ndarray:
    """Share of every patch covered by each colour and each texture.

    Shape (frames, grid, grid, colours + textures), float32, rows before columns.
    """
    edges = np.arange(world.grid)[:, None] * world.patch

    def covered(corner: np.ndarray) -> np.ndarray:
        """Part of each patch's extent that each square covers, shape (grid, squares)."""
        low = np.maximum(edges, corner)
        high = np.minimum(edges + world.patch, corner + scene.side)
        return np.clip(high - low, 0, None) / world.patch

    area = covered(scene.top)[:, None, :] * covered(scene.left)[None, :, :]
    shown = area[None] * scene.visible(frames)[:, None, None, :]
    colours, textures = np.eye(world.colours)[scene.colour], np.eye(world.textures)[scene.texture]
    labels = np.concatenate([colours, textures], axis=-1)
    return np.einsum("tyxs,sk->tyxk", shown, labels).astype(np.float32)
