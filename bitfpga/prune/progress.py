"""What a training run shows on a terminal, and logs elsewhere."""

from __future__ import annotations

import logging
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bitfpga.prune.history import Epoch, History

_log = logging.getLogger(__name__)


def summary(epoch: Epoch) -> str:
    """Return one line about ``epoch``."""
    parts = [f"loss {epoch.loss:.4g}", f"{epoch.digits_per_weight:.3f} digits/weight"]
    if epoch.score is not None:
        parts.append(f"score {epoch.score:.4f}")
    return ", ".join(parts)


class ProgressBar:
    """A bar on stderr, if that is a terminal and ``shown``; every epoch is logged at INFO too."""

    def __init__(self, n_epochs: int, shown: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("epoch {task.fields[at]}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[about]}"),
            console=console,
            disable=not (shown and console.is_terminal),
            redirect_stdout=False,  # what the caller prints stays on stdout
        )
        self._n_epochs = n_epochs
        self._task = self._progress.add_task("", total=n_epochs, at=f"0/{n_epochs}", about="")

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def move(self, n_epochs_done: float) -> None:
        """Show that so many epochs, parts included, are done."""
        self._progress.update(self._task, completed=n_epochs_done)

    def tell(self, history: History) -> None:
        """Show where ``history`` is."""
        if history.epochs:
            at, about = f"{len(history)}/{self._n_epochs}", summary(history.epochs[-1])
            self._progress.update(self._task, completed=len(history), at=at, about=about)
            _log.info("epoch %s: %s", at, about)
