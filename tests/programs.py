"""Programs that a test starts, and that end with it."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def program(argv: Sequence[str | Path], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """Run a program for as long as the block; it is killed if it outlives the block, however that ends.

    Without this a test that fails waits for ever, and leaves behind what it started.
    """
    with subprocess.Popen(argv, text=True, **options) as running:
        try:
            yield running
        finally:
            running.kill()
