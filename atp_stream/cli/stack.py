"""`atp stack`: the local Kafka and schema registry."""

import asyncio

import click

from atp_stream.access import KafkaAccess
from atp_stream.cli.fetching import fetch_missing
from atp_stream.cli.group import as_json, pass_settings, print_json
from atp_stream.devstack import Stack, StackError
from atp_stream.devstack.secure import ADMIN, PRINCIPALS
from atp_stream.provision.acls import admit
from atp_stream.settings import Settings

_KAFKA_PORT = 9092
_REGISTRY_PORT = 8081
_MAX_BROKERS = 5
_STOP_FIRST = "stop it first with `atp stack down`"


@click.group()
def stack() -> None:
    """Run a local Kafka and schema registry, for development.

    Example: atp stack up
    """


@stack.command()
@pass_settings
def fetch(settings: Settings) -> None:
    """Fetch Kafka and the registry, unless they are there.

    `up` and `atp demo` do so by themselves; this is for a machine that has a network only now.

    Example: atp stack fetch
    """
    fetch_missing(settings)
    click.echo(f"Kafka and the registry are in {settings.java_dir}")


@stack.command()
@click.option(
    "--kafka-port",
    type=click.IntRange(0, 65535),
    help=f"Default: as last time, else {_KAFKA_PORT}; 0: any free one, kept from then on.",
)
@click.option("--registry-port", type=click.IntRange(0, 65535), help=f"Likewise, {_REGISTRY_PORT}.")
@click.option(
    "--brokers", type=click.IntRange(1, _MAX_BROKERS), help="How many; topics then have 3 copies, 2 of them in sync."
)
@click.option("--secure/--open", default=None, help="With TLS, passwords and ACLs; see docs/security.md.")
@as_json
@pass_settings
def up(
    settings: Settings,
    *,
    kafka_port: int | None,
    registry_port: int | None,
    brokers: int | None,
    secure: bool | None,
    as_json: bool,
) -> None:
    """Start both, wait until they answer, print their addresses.

    They stay up until `atp stack down`. Data, logs and pids are under ATP_STACK_DIR. What is not said is as last time.

    Example: atp stack up --kafka-port 0 --registry-port 0
    """
    last = Stack.last(settings.stack_dir, settings.java_dir)
    known = last.last_addresses
    local = Stack(
        settings.stack_dir,
        settings.java_dir,
        kafka_port=kafka_port if kafka_port is not None else known.kafka_port if known else _KAFKA_PORT,
        registry_port=registry_port if registry_port is not None else known.door if known else _REGISTRY_PORT,
        brokers=brokers or len(last.brokers),
        secure=last.secure if secure is None else secure,
        detached=True,
    )
    if all(last.status().values()):
        _refuse_other(last, local, {"--kafka-port": kafka_port, "--registry-port": registry_port})
    else:
        fetch_missing(settings)
        local.start()
    if local.secure:
        asyncio.run(admit(KafkaAccess.of(Settings.from_environment(local.environment())), settings))
    _print_status(local, as_json=as_json)
    _show_use(settings, local)


@stack.command()
@as_json
@pass_settings
def down(settings: Settings, *, as_json: bool) -> None:
    """Stop both; their data stays.

    Example: atp stack down
    """
    local = Stack.last(settings.stack_dir, settings.java_dir)
    local.stop()
    if as_json:
        print_json(local.status())


@stack.command()
@as_json
@pass_settings
@click.pass_context
def status(ctx: click.Context, settings: Settings, *, as_json: bool) -> None:
    """Say whether both answer; exit code 0 if they do, else 1.

    Example: atp stack status --json
    """
    if not _print_status(Stack.last(settings.stack_dir, settings.java_dir), as_json=as_json):
        ctx.exit(1)


def _refuse_other(running: Stack, wanted: Stack, ports: dict[str, int | None]) -> None:
    """Refuse what is asked for while the stack runs in another way.

    Raises:
        StackError: it does.
    """
    known = running.addresses
    for (option, port), now in zip(ports.items(), (known.kafka_port, known.door), strict=True):
        if port and port != now:
            raise StackError(f"{option} {port}: the stack runs already, with port {now}; {_STOP_FIRST}")
    if len(running.brokers) != len(wanted.brokers):
        count = len(running.brokers)
        raise StackError(f"--brokers {len(wanted.brokers)}: the stack runs already, with {count}; {_STOP_FIRST}")
    if running.secure != wanted.secure:
        option, so = ("--secure", "open") if wanted.secure else ("--open", "secured")
        raise StackError(f"{option}: the stack runs already, and is {so}; {_STOP_FIRST}")


def _show_use(settings: Settings, local: Stack) -> None:
    """Say what to set, where it is not set already."""
    wanted = local.environment()
    if local.vault:
        files = {name: local.vault.write(name, local.environment(name)) for name in PRINCIPALS}
        click.echo(
            f"use it as {ADMIN}: set -a; . {files[ADMIN]}; set +a (others: {files[ADMIN].parent}/*.env)", err=True
        )
    elif (settings.bootstrap, settings.registry_url) != (local.bootstrap, local.registry_url):
        click.echo(f"use it: export {' '.join(f'{name}={value}' for name, value in wanted.items())}", err=True)


def _print_status(local: Stack, *, as_json: bool) -> bool:
    answering = local.status()
    known = local.last_addresses
    addresses = {"registry": local.registry_url} if known else {}
    for child, address in zip(local.brokers, local.bootstrap.split(",") if known else [], strict=False):
        addresses[child.name] = address
    if as_json:
        print_json({name: {"up": up, "address": addresses.get(name)} for name, up in answering.items()})
    else:
        for name, answers in answering.items():
            click.echo(f"{name:<9} {'up' if answers else 'down':<5} {addresses.get(name, '')}".rstrip())
        click.echo(f"{'files':<9} {local.directory.absolute()}{'' if known else ' (no stack was started there)'}")
    return all(answering.values())
