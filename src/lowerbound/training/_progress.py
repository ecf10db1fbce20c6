"""Progress of long work, on stderr, with the time left."""

import sys
import time
from types import TracebackType


class Progress:
    """A bar on a terminal; elsewhere a line now and then, so that a log stays short.

    Args:
        title: What is going on.
        total: How much there is to do.
        shown: Whether to show anything.
    """

    #: Seconds between two lines where there is no terminal.
    INTERVAL = 30.0

    def __init__(self, title: str, total: int, shown: bool = True):
        self._title, self._total, self._shown = title, max(total, 1), shown
        self._done = 0
        self._start = self._last = time.monotonic()
        self._bar = None
        self._task = None

    def __enter__(self) -> "Progress":
        if self._shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(self._title, total=self._total, note="")
            self._bar.start()
        return self

    def advance(self, amount: int, note: str | None = None) -> None:
        """Say that more is done, and what there is to say of it."""
        self._done += amount
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, note=note or "")
        elif self._shown and time.monotonic() - self._last >= self.INTERVAL:
            self._last = time.monotonic()
            left = (self._last - self._start) * (self._total - self._done) / max(self._done, 1)
            share = 100 * self._done / self._total
            print(f"{self._title}: {share:.0f}%, {note or ''} {left:.0f} s left", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
