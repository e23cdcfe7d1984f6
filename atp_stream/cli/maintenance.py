"""`atp item` and `atp source`: what an operator tells the item log."""

import asyncio

import click

from atp_stream.cli.get import UnknownItem, fetch, item_url
from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.provision import reset_source, resume_item
from atp_stream.settings import Settings


@click.group()
def item() -> None:
    """Act on one item.

    Example: atp item resume LAMP-1
    """


@item.command(short_help="End the quarantine of an item.")
@click.argument("item_id", metavar="ITEM")
@click.option("--tenant", help="Default: ATP_DEFAULT_TENANT.")
@click.option("--url", help="Any worker.  [default: ATP_WEB_URL, or ATP_WEB_HOST and ATP_WEB_PORT]")
@as_json
@pass_settings
def resume(settings: Settings, *, item_id: str, tenant: str | None, url: str | None, as_json: bool) -> None:
    """End the quarantine of ITEM and fold the commands that were kept for it, in their order.

    An item is quarantined when a fault of ours shows while one of its commands is folded: the others go on. Resume it
    once a version without the fault runs. If a worker answers, it is asked whether it knows the item.

    Example: atp item resume LAMP-1 --tenant acme
    """
    owner = tenant or settings.default_tenant
    if not owner:
        raise click.UsageError("name the tenant with --tenant, or set ATP_DEFAULT_TENANT")
    _check_item(item_url(settings, item_id, owner, url), item_id, owner)
    asyncio.run(resume_item(settings, owner, item_id))
    if as_json:
        print_json({"resumed": item_id, "tenant": owner})
    else:
        click.echo(f"queued: resume {item_id} of {owner}")


def _check_item(url: str, item_id: str, owner: str) -> None:
    """Refuse an item that nobody knows, and say so if there is nothing to resume, as far as a worker answers."""
    try:
        view = asyncio.run(fetch(url, "item"))
    except UnknownItem as error:
        raise Failure(f"{error.message}: nothing to resume") from error
    except Failure:
        return
    if "quarantine" not in view:
        click.echo(f"note: {item_id} of {owner} is not in quarantine: this will change nothing", err=True)


@click.group()
def source() -> None:
    """Act on a source topic.

    Example: atp source reset inventory.adjusted
    """


@source.command(short_help="Read a recreated topic from its beginning.")
@click.argument("topic")
@as_json
@pass_settings
def reset(settings: Settings, *, topic: str, as_json: bool) -> None:
    """Read TOPIC from its beginning: it was deleted and made anew on purpose. Stop all workers first.

    Events that were read before and are in it again count as duplicates by their ids as long as those are known.

    Example: atp source reset inventory.adjusted
    """
    asyncio.run(reset_source(settings, topic))
    if as_json:
        print_json({"reset": topic})
    else:
        click.echo(f"{topic} will be read from its beginning")
