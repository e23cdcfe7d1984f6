"""`atp worker`: run a worker in the foreground."""

import click

from atp_stream.cli.group import Failure, pass_settings
from atp_stream.settings import Settings


@click.command()
@pass_settings
def worker(settings: Settings) -> None:
    """Run a worker until a signal ends it; start as many as there is work, up to one per log partition.

    Everything it is told, it is told by settings: brokers, registry, data directory, web port. It exits with 70 when
    it gave up to find out, by a new start, what is true: let a supervisor start it again.

    Example: ATP_DATA_DIR=/var/lib/atp/1 ATP_WEB_PORT=6067 atp worker
    """
    from atp_stream.messages.errors import RegistryUnavailable
    from atp_stream.worker import run

    try:
        run(settings)
    except RegistryUnavailable as error:
        raise Failure(str(error)) from error
