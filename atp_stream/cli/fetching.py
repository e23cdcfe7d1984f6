"""Fetching Kafka and the registry before they are started, where a person can see it."""

import time

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from atp_stream.devstack import artifacts
from atp_stream.devstack.fetch import fetch
from atp_stream.settings import Settings


def fetch_missing(settings: Settings) -> None:
    """Fetch what is missing of Kafka and the registry; where nothing is, no network is used and nothing is said.

    Raises:
        StackError: it cannot be fetched.
    """
    size = sum(artifact.size for artifact in artifacts.missing(settings.java_dir))
    if not size:
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    kafka, registry = (artifacts.of(name).version for name in (artifacts.KAFKA, artifacts.REGISTRY))
    console.print(
        f"fetching Kafka {kafka} and Apicurio Registry {registry} into {settings.java_dir}: {size / 1e6:.0f} MB, once"
    )
    began = time.monotonic()
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=size)
        fetch(settings.java_dir, repository=settings.maven_url, advance=lambda piece: progress.advance(task, piece))
    console.print(f"  fetched in {time.monotonic() - began:.1f} s")
