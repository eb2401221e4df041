"""A clip as FFmpeg plays it: which stream and frames are shown, when, and which way up.

PyAV carries FFmpeg's own readers, decoders and filters; what is here is what its command line adds
to them. A cover picture is no video. Frames that an edit list cuts off are decoded and not shown.
What the container crops (an mp4's clean aperture, Matroska's PixelCrop) is cut off; then a display
matrix (a phone held upright) turns and mirrors the picture, also a photograph's. Fields
of interlaced video stay woven. A packet that cannot be decoded is passed over, and reading goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from vvlm_utils.experiment.data.crop import crop_filter, read_crop

OPTIONS = {"pattern_type": "none"}  # a % in a picture's name is a %, and no number of a series
TIMED = ("matroska", "avi")  # formats whose header states the clip's length
EXIF = 31  # AV_FRAME_DATA_EXIF
REPLACE = "replace the file"


class VideoError(ValueError):
    """A video that cannot be used: names the file, what is wrong and the fix, in one line.

    A loader's worker hands an error on with its traceback as text, whose last line is the error.
    """

    def __init__(self, message: str):
        last = message.strip().splitlines()[-1]
        super().__init__(last.removeprefix(f"{__name__}.VideoError: "))


@dataclass
class Timeline:
    """When the shown frames of a clip begin.

    starts : seconds, in order of time, one per frame; nan where the file does not say
    end : when the last frame ends, in seconds
    missing : share of the clip that its header promises and that the file does not hold
    failed : packets that could not be decoded
    """

    starts: list[float] = field(default_factory=list)
    end: float = np.nan
    missing: float = 0.0
    failed: int = 0


@contextmanager
def opened(path: Path) -> Iterator[tuple]:
    """The container of a file and its video stream.

    Raises VideoError for a file that is missing, holds no video, or cannot be decoded.
    """
    path = Path(path)
    if not path.is_file():
        raise VideoError(f"{path}: no such video; name the folder that holds it")
    with naming(path):
        with av.open(f"file:{path}", metadata_errors="replace", options=dict(OPTIONS)) as container:
            yield container, _choose_stream(container, path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what FFmpeg cannot do into a VideoError with the file's name."""
    try:
        yield
    except av.FFmpegError as broken:
        reason = broken.strerror or type(broken).__name__
        raise VideoError(f"{path}: cannot be decoded ({reason}); {REPLACE}") from None


def _choose_stream(container, path: Path):
    """The video stream that FFmpeg shows: the default one, then the largest; never a cover."""
    streams = _videos(container)
    if not streams:
        what = "only a cover picture" if container.streams.video else "no video stream"
        raise VideoError(f"{path}: holds {what}; {REPLACE}")
    streams = [s for s in streams if s.codec_context]
    if not streams:
        raise VideoError(f"{path}: its codec is unknown; {REPLACE}, or convert it to H.264")
    area = [(s.width or 0) * (s.height or 0) for s in streams]
    default = [bool(s.disposition & Disposition.default) for s in streams]
    stream = streams[max(range(len(streams)), key=lambda i: (area[i] > 0, default[i], area[i]))]
    stream.codec_context.thread_count = 1  # the same frames however a file is damaged
    return stream


def _videos(container) -> list:
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def stated_samples(container, stream) -> int:
    """How many samples the index of an mp4 or mov lists; 0 for other formats."""
    return len(stream.index_entries) if "mp4" in container.format.name else 0


def read_timeline(path: Path) -> Timeline:
    """When each frame is shown, from the packets alone; nothing is decoded.

    Raises VideoError as ``opened`` does.
    """
    starts, read, reached = [], 0, 0.0
    with opened(path) as (container, stream):
        samples = stated_samples(container, stream)
        timed = any(name in container.format.name for name in TIMED)
        stated = (container.duration or 0) / av.time_base if timed else 0.0
        begin, end = (container.start_time or 0) / av.time_base, np.nan
        usual = float(1 / stream.average_rate) if stream.average_rate else 0.0
        for packet in _packets(container):
            shown = packet.stream_index == stream.index
            lasting = float(packet.duration * packet.time_base) if packet.duration else 0.0
            over = _seconds(packet.pts, packet) + (lasting or (usual if shown else 0.0))
            reached = np.fmax(reached, over - begin)
            if shown:
                read += 1
                if not packet.is_discard:
                    starts.append(_seconds(packet.pts, packet))
                    end = np.fmax(end, over)
        promised, there = (samples, read) if samples else (stated, reached)
    missing = max(0.0, 1 - there / promised) if promised else 0.0
    return Timeline(sorted(starts), float(end), missing)


def _seconds(ticks: int | None, of) -> float:
    return np.nan if ticks is None else float(ticks * of.time_base)


def _packets(container, *streams) -> Iterator:
    """The packets of a file, or of some streams, as far as they can be told apart."""
    try:
        yield from (packet for packet in container.demux(*streams) if packet.size)
    except av.FFmpegError:
        return  # FFmpeg shows what came before


def shown_frames(path: Path, timeline: Timeline) -> Iterator[av.VideoFrame]:
    """Decode the frames that are shown, in order; notes their times and failures in ``timeline``.

    Raises VideoError as ``opened`` does.
    """
    with opened(path) as (container, stream):
        cut = Crop(read_crop(Path(path), container.format.name, _videos(container).index(stream)))
        for packet in chain(_packets(container, stream), [None]):  # none: what is still held back
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                timeline.failed += 1
                continue
            for frame in frames:
                timeline.starts.append(_seconds(frame.pts, stream))
                yield cut.apply(frame)


class Crop:
    """FFmpeg's filter that cuts off what the container hides; none where it hides nothing."""

    def __init__(self, edges: tuple[int, int, int, int] | None):
        self.edges, self._graphs = edges, {}

    def apply(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The shown part of a decoded frame."""
        if self.edges is None:
            return frame
        kind = (frame.width, frame.height, frame.format.name)
        if kind not in self._graphs:
            self._graphs[kind] = link_filters(frame, crop_filter(self.edges))
        self._graphs[kind].push(frame)
        return self._graphs[kind].pull()


class Screen:
    """FFmpeg's filters from a decoded frame to upright RGB, made once for frames of one kind.

    size : height and width to scale to, bicubically; none keeps those of the first frame
    """

    def __init__(self, size: tuple[int, int] | None = None):
        self.size, self._graphs = size, {}

    def show(self, frame: av.VideoFrame) -> np.ndarray:
        """A frame as uint8 RGB (height, width, 3)."""
        steps = tuple(turns(display_matrix(frame)))
        kind = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        graph = self._graphs.get((steps, kind))
        if graph is None:
            graph = self._graphs[steps, kind] = self._link(frame, steps)
        graph.push(frame)
        picture = graph.pull().to_ndarray()
        self.size = self.size or picture.shape[:2]
        return picture

    def _link(self, frame: av.VideoFrame, steps: tuple) -> av.filter.Graph:
        scale = [("scale", "{1}:{0}:flags=bicubic".format(*self.size))] if self.size else []
        return link_filters(frame, *steps, *scale, ("format", "pix_fmts=rgb24"))


def link_filters(frame: av.VideoFrame, *steps: tuple[str, str]) -> av.filter.Graph:
    """A chain of FFmpeg's filters, each with its options, for frames like this one."""
    graph = av.filter.Graph()
    shape = {"width": frame.width, "height": frame.height, "format": frame.format}
    source = graph.add_buffer(**shape, time_base=Fraction(1, 1000))
    nodes = [graph.add(*step) for step in (*steps, ("buffersink", ""))]
    graph.link_nodes(source, *nodes).configure()
    return graph


def display_matrix(frame: av.VideoFrame) -> np.ndarray | None:
    """The nine numbers of a frame's display matrix, if it has one."""
    try:
        held = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # a photograph's EXIF data, which PyAV's list of side data lacks
        graph = link_filters(frame, ("sidedata", f"mode=delete:type={EXIF}"))
        graph.push(frame)
        held = graph.pull().side_data.get("DISPLAYMATRIX")
    return None if held is None else np.frombuffer(bytes(held), np.int32)


def turns(matrix: np.ndarray | None) -> Iterator[tuple[str, str]]:
    """The filters that FFmpeg's command line puts before all others for a display matrix.

    Source: ``configure_input_video_filter`` of fftools/ffmpeg_filter.c.

    >>> quarter = np.array([0, 1, 0, -1, 0, 0, 0, 0, 1 << 14]) << 16
    >>> list(turns(quarter)), list(turns(None))
    ([('transpose', 'clock')], [])
    """
    if matrix is None:
        return
    a, b, _, c, d, *_ = (float(number) for number in matrix)
    across, down = np.hypot(a, c), np.hypot(b, d)
    if not across or not down:
        return
    angle = round(np.degrees(np.arctan2(b / down, a / across))) % 360
    if angle == 90:
        yield "transpose", "cclock_flip" if c > 0 else "clock"
    elif angle == 270:
        yield "transpose", "clock_flip" if c < 0 else "cclock"
    elif angle == 180:
        yield from (("hflip", ""),) * (a < 0)
        yield from (("vflip", ""),) * (d < 0)
    elif angle:
        yield "rotate", f"{angle}*PI/180"
    elif d < 0:
        yield "vflip", ""
