"""The part of a frame that a container shows: mp4's clean aperture, Matroska's PixelCrop.

FFmpeg's command line (since 7.1) applies it before all else. PyAV does not hand it on, so it is
read here, from the boxes of an mp4 or mov and the elements of a Matroska or WebM file, as FFmpeg's
readers take it. What H.264 and HEVC cut off themselves is the decoder's work.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

MOST = 100_000  # boxes of a level that are looked at
SEGMENT, TRACKS, ENTRY, TYPE, VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0x83, 0xE0
EDGES = (0x54CC, 0x54BB, 0x54DD, 0x54AA)  # left, top, right, bottom
ENTRY_HEAD = 78  # bytes of an mp4's sample entry before its boxes
Edges = tuple[int, int, int, int]
Span = tuple[int, int]
Walk = Callable[[bytes, Span], Iterator[tuple[object, Span]]]


def read_crop(path: Path, kind: str, number: int) -> Edges | None:
    """How many pixels a container hides on the left, top, right and bottom; or none.

    kind : the container's format, by FFmpeg's name
    number : of the video stream among the file's video streams
    """
    read = next((read for name, read in READERS.items() if name in kind), None)
    if read is None:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            edges = next(islice(read(content), number, None), None)
        except struct.error:  # cut off here, or nonsense; FFmpeg has said what it thinks of it
            return None
    return edges if edges and any(edges) else None


def crop_filter(edges: Edges) -> tuple[str, str]:
    """FFmpeg's filter for it, as ``configure_input_video_filter`` of fftools/ffmpeg_filter.c.

    >>> crop_filter((1, 2, 3, 4))
    ('crop', 'w=iw-1-3:h=ih-2-4:x=1:y=2')
    """
    left, top, right, bottom = edges
    return "crop", f"w=iw-{left}-{right}:h=ih-{top}-{bottom}:x={left}:y={top}"


def _inside(walk: Walk, content: bytes, span: Span, *names: object) -> Iterator[Span]:
    """Where the contents of the boxes with a path of names lie, in their order."""
    for name, inner in islice(walk(content, span), MOST):
        if name == names[0]:
            yield from _inside(walk, content, inner, *names[1:]) if names[1:] else (inner,)


def _boxes(content: bytes, span: Span) -> Iterator[tuple[bytes, Span]]:
    """The boxes of an mp4 within a span of its bytes: name, and where the content lies."""
    at, end = span
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, at + 8), 16
        stop = at + size if size else end  # none stated: to the end
        if stop < at + head:
            return
        yield name, (at + head, min(stop, end))
        at = stop


def _mp4_crops(content: bytes) -> Iterator[Edges | None]:
    """The crop of each video track of an mp4 or mov."""
    for movie in islice(_inside(_boxes, content, (0, len(content)), b"moov"), 1):
        for track in _inside(_boxes, content, movie, b"trak"):
            handler = next(_inside(_boxes, content, track, b"mdia", b"hdlr"), None)
            if handler and content[handler[0] + 8 : handler[0] + 12] == b"vide":
                yield _clean_aperture(content, track)


def _clean_aperture(content: bytes, track: Span) -> Edges | None:
    """The crop that ``mov_read_clap`` of libavformat/mov.c takes from a track's first entry."""
    described = (b"mdia", b"minf", b"stbl", b"stsd")
    for start, end in _inside(_boxes, content, track, *described):
        for _, (at, stop) in islice(_boxes(content, (start + 8, end)), 1):
            size = struct.unpack_from(">2H", content, at + 24)
            for box, _ in _inside(_boxes, content, (at + ENTRY_HEAD, stop), b"clap"):
                numbers = struct.unpack_from(">8i", content, box)
                across = _hidden(size[0], numbers[0:2], numbers[4:6])
                down = _hidden(size[1], numbers[2:4], numbers[6:8])
                return across and down and (across[0], down[0], across[1], down[1])
    return None


def _hidden(size: int, aperture: Span, offset: Span) -> Span | None:
    """What an aperture, stated by its size and the offset of its middle, hides at both ends.

    >>> _hidden(64, (40, 1), (2, 1)), _hidden(64, (80, 1), (2, 1))
    ((14, 10), None)
    """
    if min(aperture[1], offset[1]) <= 0 or aperture[0] < 0 or Fraction(*aperture) > size:
        return None
    middle, half = Fraction(size - 1, 2) + Fraction(*offset), (Fraction(*aperture) - 1) / 2
    before, last = int(middle - half), int(middle + half)
    after = size - 1 - last
    if not 0 <= last < size or before + after >= size:
        return None
    return before % 2**32, after  # one that begins outside is FFmpeg's to refuse


def _elements(content: bytes, span: Span) -> Iterator[tuple[int, Span]]:
    """The elements of a Matroska file within a span of its bytes: name, and where they lie."""
    at, end = span
    while at < end:
        name, at, _ = _number(content, at, marked=True)
        size, at, unknown = _number(content, at)
        stop = end if unknown else at + size
        yield name, (at, min(stop, end))
        at = stop


def _number(content: bytes, at: int, marked: bool = False) -> tuple[int, int, bool]:
    """A number of EBML, where it ends, and whether it stands for "unknown"."""
    (first,) = struct.unpack_from("B", content, at)
    length = 9 - first.bit_length()
    value = int.from_bytes(content[at : at + length])
    if length > 8 or at + length > len(content):
        raise struct.error("no number of EBML")
    low = value & ((1 << 7 * length) - 1)
    return value if marked else low, at + length, low == (1 << 7 * length) - 1


def _matroska_crops(content: bytes) -> Iterator[Edges | None]:
    """The crop of each video track of a Matroska or WebM file."""
    for track in _inside(_elements, content, (0, len(content)), SEGMENT, TRACKS, ENTRY):
        kinds = [int.from_bytes(content[a:b]) for a, b in _inside(_elements, content, track, TYPE)]
        if kinds[:1] == [1]:
            yield tuple(
                sum(
                    int.from_bytes(content[start:stop])
                    for start, stop in _inside(_elements, content, track, VIDEO, edge)
                )
                for edge in EDGES
            )


READERS = {"mp4": _mp4_crops, "matroska": _matroska_crops}
