"""A small world of textured squares, in which every difficulty is a continuum.

A clip lasts ``World.seconds`` and shows eight squares of distinct colours. The colour of a square
is the key that a question names; its texture is the answer. Five roles grade one difficulty each:

brief : visible for a heavy-tailed time, so more frames catch it more often
flash : takes another colour and texture for a heavy-tailed time
small : its side runs from below a patch to more than two
crowd : stands at a short distance from a neighbour of another texture
easy : three squares, large and always there, for questions whose difficulty lies in the words

Times are in frames and continuous: what lasts less than a frame may never be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROLES = ("brief", "flash", "small", "crowd", "neighbour", "easy", "easy", "easy")
EASY = tuple(i for i, role in enumerate(ROLES) if role == "easy")
CELLS = 3  # squares stand in cells of a 3 x 3 board, so that they never overlap


@dataclass(frozen=True)
class World:
    """Constants of the world; clips, labels and questions follow from them and a seed.

    shortest, tail : durations d of brief and flash have density d**tail from ``shortest`` frames
        to the whole clip; with tail -0.5 the share that x_T frames miss falls as a power of x_T
    flash_tail : the same for flash, which has more of the short ones
    """

    frames: int = 16
    fps: int = 2
    size: int = 64
    patch: int = 8
    colours: int = 10
    textures: int = 6
    shortest: float = 0.25
    tail: float = -0.5
    flash_tail: float = -0.8
    smallest: int = 4
    largest: int = 20

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

    colour, texture : indices; flash_colour, flash_texture : the other ones that a flash shows;
        all colours of a scene differ
    left, top, side : pixels
    start, stop : visible in start <= time < stop, frames
    flash_start, flash_stop : shows its flash texture then; empty but for the role flash
    """

    colour: np.ndarray
    texture: np.ndarray
    flash_colour: int
    flash_texture: np.ndarray
    left: np.ndarray
    top: np.ndarray
    side: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    flash_start: np.ndarray
    flash_stop: np.ndarray

    def visible(self, frames: np.ndarray) -> np.ndarray:
        """Whether each square is on in each frame, shape (frames, squares)."""
        time = np.asarray(frames)[:, None] + 0.5
        return (self.start <= time) & (time < self.stop)

    def flashing(self, frames: np.ndarray) -> np.ndarray:
        """Whether each square shows its flash colour and texture, shape (frames, squares)."""
        time = np.asarray(frames)[:, None] + 0.5
        return (self.flash_start <= time) & (time < self.flash_stop)

    def colours_at(self, frames: np.ndarray) -> np.ndarray:
        """The colour each square shows, shape (frames, squares)."""
        return np.where(self.flashing(frames), self.flash_colour, self.colour)

    def textures_at(self, frames: np.ndarray) -> np.ndarray:
        """The texture each square shows, shape (frames, squares)."""
        return np.where(self.flashing(frames), self.flash_texture, self.texture)


def draw_duration(world: World, tail: float, rng: np.random.Generator) -> float:
    """A heavy-tailed duration in frames, by inversion of its distribution."""
    power = tail + 1
    low, high = world.shortest**power, world.frames**power
    return float((low + rng.random() * (high - low)) ** (1 / power))


def _interval(world: World, tail: float, rng: np.random.Generator) -> tuple[float, float]:
    """A heavy-tailed interval at a random place in the clip."""
    duration = draw_duration(world, tail, rng)
    start = rng.random() * (world.frames - duration)
    return start, start + duration


def _place(world: World, side: np.ndarray, gap: int, rng: np.random.Generator) -> np.ndarray:
    """Left and top corners, shape (2, squares); the pair shares a border, ``gap`` pixels wide."""
    cell = world.size // CELLS
    across = rng.random() < 0.5
    row, column = rng.integers(0, CELLS - (not across)), rng.integers(0, CELLS - across)
    pair = [(column, row), (column + across, row + (not across))]
    free = [(c, r) for c in range(CELLS) for r in range(CELLS) if (c, r) not in pair]
    cells = [free[i] for i in rng.permutation(len(free))]
    corners = np.zeros((2, len(ROLES)), dtype=int)
    crowd, neighbour = ROLES.index("crowd"), ROLES.index("neighbour")
    alone = [i for i in range(len(ROLES)) if i not in (crowd, neighbour)]
    for square, (c, r) in zip(alone, cells, strict=False):
        corners[:, square] = np.array([c, r]) * cell + rng.integers(0, cell - side[square] + 1, 2)
    axis = 0 if across else 1
    border = (pair[0][axis] + 1) * cell
    order = (crowd, neighbour) if rng.random() < 0.5 else (neighbour, crowd)
    corners[axis, order[0]] = border - gap // 2 - side[order[0]]
    corners[axis, order[1]] = border + gap - gap // 2
    for square in order:
        corners[1 - axis, square] = pair[0][1 - axis] * cell + (cell - side[square]) // 2
    return corners


def sample_scene(rng: np.random.Generator, world: World = WORLD) -> Scene:
    """Draw a scene; the same generator state gives the same scene."""
    squares = len(ROLES)
    texture = rng.integers(0, world.textures, squares)
    other = (texture + rng.integers(1, world.textures, squares)) % world.textures
    crowd, neighbour = ROLES.index("crowd"), ROLES.index("neighbour")
    texture[neighbour] = other[crowd]
    other[neighbour] = texture[crowd]
    side = np.full(squares, 14)
    side[ROLES.index("small")] = rng.integers(world.smallest, world.largest + 1)
    side[[crowd, neighbour]] = rng.integers(7, 11)
    side[list(EASY)] = rng.integers(12, 19, len(EASY))
    gap = int(8 * rng.random() ** 2)
    left, top = _place(world, side, gap, rng)
    start, stop = np.zeros(squares), np.full(squares, float(world.frames))
    flash_start, flash_stop = np.zeros(squares), np.zeros(squares)
    brief, flash = ROLES.index("brief"), ROLES.index("flash")
    start[brief], stop[brief] = _interval(world, world.tail, rng)
    flash_start[flash], flash_stop[flash] = _interval(world, world.flash_tail, rng)
    colours = rng.permutation(world.colours)
    return Scene(
        colour=colours[:squares],
        flash_colour=int(colours[squares]),
        texture=texture,
        flash_texture=other,
        left=left,
        top=top,
        side=side,
        start=start,
        stop=stop,
        flash_start=flash_start,
        flash_stop=flash_stop,
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
    colours = np.eye(world.colours)[scene.colours_at(frames)]
    textures = np.eye(world.textures)[scene.textures_at(frames)]
    labels = np.concatenate([colours, textures], axis=-1)
    return np.einsum("tyxs,tsk->tyxk", shown, labels).astype(np.float32)
