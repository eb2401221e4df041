"""The reading of clips, under the short name that scripts import: ``data.video`` is its home."""

from vvlm_utils.experiment.data.video import VideoError, read_frames, read_video, write_video

__all__ = ["VideoError", "read_frames", "read_video", "write_video"]
