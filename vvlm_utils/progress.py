"""Progress as plain lines: of work that runs side by side, and that may end in a log."""

from __future__ import annotations

from collections.abc import Iterable

from tqdm import tqdm

EVERY, AFTER = 10.0, 4.0  # seconds between two lines, and before the first


class Lines:
    """A stream for tqdm: one plain line per refresh, under a label."""

    def __init__(self, label: str):
        self.label = label

    def write(self, text: str) -> None:
        if text.strip():
            print(f"  {self.label}: {text.strip()}", flush=True)

    def flush(self) -> None:
        pass


def bar(items: Iterable | None, label: str, total: float | None = None, show: bool = True):
    """A tqdm bar over ``items`` (or to be updated by hand) that says how much time is left."""
    return tqdm(
        items,
        total=total,
        file=Lines(label),
        disable=not show,
        mininterval=EVERY,
        delay=AFTER,
        bar_format="{percentage:.0f}%, {elapsed} so far, {remaining} left",
    )
