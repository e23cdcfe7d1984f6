"""`atp stack`: the local Kafka and schema registry."""

import click

from atp_stream.cli.fetching import fetch_missing
from atp_stream.cli.group import as_json, pass_settings, print_json
from atp_stream.devstack import Stack, StackError
from atp_stream.settings import Settings

_KAFKA_PORT = 9092
_REGISTRY_PORT = 8081


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
@as_json
@pass_settings
def up(settings: Settings, *, kafka_port: int | None, registry_port: int | None, as_json: bool) -> None:
    """Start both, wait until they answer, print their addresses.

    They stay up until `atp stack down`. Data, logs and pids are under ATP_STACK_DIR.

    Example: atp stack up --kafka-port 0 --registry-port 0
    """
    local = Stack(
        settings.stack_dir,
        settings.java_dir,
        kafka_port=kafka_port if kafka_port is not None else _last(settings, "kafka_port", _KAFKA_PORT),
        registry_port=registry_port if registry_port is not None else _last(settings, "registry_port", _REGISTRY_PORT),
        detached=True,
    )
    if all(local.status().values()):
        _refuse_other_ports(local, {"--kafka-port": kafka_port, "--registry-port": registry_port})
    else:
        fetch_missing(settings)
        local.start()
    _print_status(local, as_json=as_json)
    if (settings.bootstrap, settings.registry_url) != (local.bootstrap, local.registry_url):
        click.echo(f"use it: export ATP_BROKER={local.bootstrap} ATP_REGISTRY_URL={local.registry_url}", err=True)


@stack.command()
@as_json
@pass_settings
def down(settings: Settings, *, as_json: bool) -> None:
    """Stop both; their data stays.

    Example: atp stack down
    """
    local = Stack(settings.stack_dir, settings.java_dir)
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
    if not _print_status(Stack(settings.stack_dir, settings.java_dir), as_json=as_json):
        ctx.exit(1)


def _last(settings: Settings, port: str, default: int) -> int:
    known = Stack(settings.stack_dir, settings.java_dir).last_addresses
    return getattr(known, port) if known else default


def _refuse_other_ports(local: Stack, wanted: dict[str, int | None]) -> None:
    """Refuse a port that is asked for while the stack runs on another one.

    Raises:
        StackError: one is.
    """
    used = (local.addresses.kafka_port, local.addresses.registry_port)
    for (option, port), now in zip(wanted.items(), used, strict=True):
        if port and port != now:
            raise StackError(
                f"{option} {port}: the stack runs already, with port {now}; stop it first with `atp stack down`"
            )


def _print_status(local: Stack, *, as_json: bool) -> bool:
    answering = local.status()
    known = local.last_addresses
    addresses = {"kafka": local.bootstrap, "registry": local.registry_url} if known else {}
    if as_json:
        print_json({name: {"up": up, "address": addresses.get(name)} for name, up in answering.items()})
    else:
        for name, answers in answering.items():
            click.echo(f"{name:<9} {'up' if answers else 'down':<5} {addresses.get(name, '')}".rstrip())
        click.echo(f"{'files':<9} {local.directory.absolute()}{'' if known else ' (no stack was started there)'}")
    return all(answering.values())
