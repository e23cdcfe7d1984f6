"""`atp demo`: the whole system, for a look."""

import click

from atp_stream.cli.fetching import fetch_missing
from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.settings import Settings


@click.command()
@click.option("--seconds", type=click.FloatRange(1, 3600), default=15.0, show_default=True, help="How long to send.")
@click.option("--rate", type=click.FloatRange(1, 5000), default=200.0, show_default=True, help="Messages a second.")
@click.option("--keep", is_flag=True, help="Go on until Ctrl-C, as on a terminal.")
@as_json
@pass_settings
@click.pass_context
def demo(ctx: click.Context, settings: Settings, *, seconds: float, rate: float, keep: bool, as_json: bool) -> None:
    """Run Kafka, two workers and traffic for a while, kill one worker, and check the books.

    Nothing is left behind. On a terminal it goes on until Ctrl-C. Exit code 1 if the books do not balance.

    Example: atp demo --seconds 30 --rate 500
    """
    from atp_stream.demo.run import DemoError, Options, run

    try:
        fetch_missing(settings)
        report = run(settings, Options(seconds=seconds, rate=rate, keep=keep, quiet=as_json))
    except DemoError as error:
        raise Failure(str(error)) from error
    except KeyboardInterrupt:
        raise Failure("stopped before the books were checked") from None
    if as_json:
        print_json(report.plain())
    if not report.balanced:
        ctx.exit(1)
