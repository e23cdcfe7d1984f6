"""The `atp` command: one module per group of commands.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 it could not be done or something is wrong,
2 wrong usage or a setting that is not allowed.
"""

import logging

import click

from atp_stream import __version__
from atp_stream.cli.group import Frame, Modules

_COMMANDS = Modules(
    demo="See it all at work, and a worker killed.",
    stack="Run a local Kafka and schema registry.",
    init="Create topics, schemas and the item log.",
    worker="Run a worker.",
    send="Send one event to an input topic.",
    health="Ask the worker that runs here how it is.",
    get="Show what may be promised of an item.",
    promise="Ask for which day units could be promised.",
    explain="Show why an item has its numbers.",
    watch="Print events as they are committed.",
    policy="Show and change who may promise how much.",
    dead_letters="Show what was refused, and send it again.",
    item="End the quarantine of an item.",
    source="Read a recreated input topic again.",
    verify="Compare the running system with its log.",
    snapshot="Write the tables to a file.",
    rehearse="Show what another policy would have done.",
)


@click.group(
    cls=Frame, commands=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="atp")
def main() -> None:
    """Available-to-promise for Kafka.

    Settings are environment variables (ATP_BROKER, ATP_REGISTRY_URL, ...).

    Example: atp stack up && atp init && atp worker
    """
    # Its retries are not for a person to read: what fails for good is reported once, in our words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
