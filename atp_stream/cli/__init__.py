"""The `atp` command: one module per group of commands.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 it could not be done or something is wrong,
2 wrong usage or a setting that is not allowed.
"""

import logging

import click

from atp_stream import __version__
from atp_stream.cli.dead_letters import dead_letters
from atp_stream.cli.demo import demo
from atp_stream.cli.explain import explain
from atp_stream.cli.frame import Frame
from atp_stream.cli.get import get
from atp_stream.cli.init import init
from atp_stream.cli.operate import item, source
from atp_stream.cli.policy import policy
from atp_stream.cli.rehearse import rehearse
from atp_stream.cli.send import send
from atp_stream.cli.snapshot import snapshot
from atp_stream.cli.stack import stack
from atp_stream.cli.verify import verify
from atp_stream.cli.watch import watch
from atp_stream.cli.worker import worker


@click.group(cls=Frame, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="atp")
def main() -> None:
    """Available-to-promise for Kafka.

    Settings are environment variables (ATP_BROKER, ATP_REGISTRY_URL, ...).

    Example: atp stack up && atp init && atp worker
    """
    # Its retries are not for a person to read: what fails for good is told once, in our words.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


for command in (
    demo, stack, init, worker, send, get, explain, watch, policy, dead_letters, item, source,
    verify, snapshot, rehearse,
):  # fmt: skip
    main.add_command(command)
