"""`atp get`: what may be promised now, asked of a worker."""

import asyncio
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import click
from yarl import URL

from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.domain.policy.channel_names import as_spelled
from atp_stream.settings import Settings, is_loopback
from atp_stream.web.tls import client_tls

_ANSWER_S = 5.0


@click.command()
@click.argument("item")
@click.argument("channel", required=False)
@click.option("--tenant", help="Whose item it is.  [default: ATP_DEFAULT_TENANT]")
@click.option("--url", help="Any worker.  [default: ATP_WEB_URL, or ATP_WEB_HOST and ATP_WEB_PORT]")
@click.option(
    "--days",
    type=click.IntRange(1, 367),
    help="Show one channel by day, for so many days; the policy's own by default.",
)
@as_json
@pass_settings
def get(
    settings: Settings,
    *,
    item: str,
    channel: str | None,
    tenant: str | None,
    url: str | None,
    days: int | None,
    as_json: bool,
) -> None:
    """Show what may be promised of ITEM, in all channels or in CHANNEL; now, or by day.

    Example: atp get prod987 ECOM --days 7
    """
    if days is not None:
        asked = urlencode({"days": days, **({} if channel is None else {"channel": channel})})
        projection = asyncio.run(fetch(f"{item_url(settings, item, tenant, url)}/projection?{asked}", "days"))
        if as_json:
            print_json(projection)
        else:
            _print_days(projection)
        return
    view = asyncio.run(fetch(item_url(settings, item, tenant, url)))
    only(view, channel)
    if as_json:
        print_json(view["channels"][0] if channel is not None else view)
    else:
        _print(view)


def worker_url(settings: Settings, url: str | None) -> str:
    """Return the address of a worker: the one that is said, or that of settings.

    Where it lacks `http://` or `https://`, settings tell by a certificate or an authority which one is meant.
    """
    address = url or settings.web_url or f"{settings.web_host}:{settings.web_port}"
    scheme = "https" if settings.web_ca else settings.web_scheme
    return (address if "://" in address else f"{scheme}://{address}").rstrip("/")


def path_part(name: str) -> str:
    """Return a name as one part of a URL's path; `.` and `..` would be taken for ways up."""
    quoted = quote(name, safe="")
    return quoted.replace(".", "%2E") if name in {".", ".."} else quoted


def item_url(settings: Settings, item: str, tenant: str | None, url: str | None) -> str:
    """Return where a worker shows an item; raises UsageError when it is not said whose it is."""
    tenant = tenant or settings.default_tenant
    if not tenant:
        raise click.UsageError("whose item is it? Give --tenant, or set ATP_DEFAULT_TENANT")
    return f"{worker_url(settings, url)}/atp/{path_part(tenant)}/{path_part(item)}"


def rules_url(url: str, tenant: str, item: str) -> str:
    """Return where the worker at `url` shows the rules that an item lives by, and what it knows of them."""
    return f"{url}/policy/{path_part(tenant)}/{path_part(item)}"


def only(view: dict[str, Any], channel: str | None) -> None:
    """Keep one channel of a view, if one is asked for; raises Failure when the item has none of this name."""
    if channel is not None:
        known = [row["channel"] for row in view["channels"]]
        channel = as_spelled(channel, dict.fromkeys(known))
        if channel not in known:
            raise Failure(
                f"item {view['item']!r} of {view['tenant']!r} has no channel {channel!r}; it has"
                f" {', '.join(known) or 'none'}"
            )
        view["channels"] = [row for row in view["channels"] if row["channel"] == channel]


class Foreign(Failure):
    """What answers is no worker that tells what is asked: an older one, or none of ours."""


class UnknownItem(Failure):
    """Nothing has ever been said of the item."""


async def fetch(url: str, *names: str) -> dict[str, Any]:
    """Return the JSON object at `url`, which has members of these names.

    Raises:
        Foreign: it has not.
        UnknownItem: its item is unknown there.
        Failure: nobody answers there, or the answer is a problem; the text is its detail.
    """
    found: dict[str, Any] = json.loads(await fetch_text(url, *names))
    return found


async def fetch_text(url: str, *names: str) -> bytes:
    """Return what `fetch` does, as it was sent: numbers keep every digit."""
    settings = Settings.from_environment()
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    headers, target = _credentials(settings, URL(url, encoded=True)), URL(url, encoded=True)
    tls = client_tls(settings.web_ca) if target.scheme == "https" else True
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.get(target, ssl=tls, allow_redirects=False) as answer,
        ):
            text = await answer.read()
            body = json.loads(text)
    except aiohttp.ClientConnectorCertificateError as error:
        raise Failure(
            f"the certificate of {target.origin()} is not trusted ({error.certificate_error}): set ATP_WEB_CA_LOCATION"
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Failure(f"no worker answers at {url}: correct --url, or start one with `atp worker`") from error
    if not isinstance(body, dict):
        raise Failure(f"what answers at {url} is not a worker")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise Failure(f"{target.origin()} does not know you: {body.get('detail')}; set ATP_WEB_TOKEN_FILE")
    if answer.status != HTTPStatus.OK:
        failure = UnknownItem if body.get("type") == "urn:atp:problem:unknown-item" else Failure
        raise failure(str(body.get("detail") or f"{url} answers {answer.status}"))
    if missing := [name for name in names if name not in body]:
        raise Foreign(f"what answers at {url} does not tell `{missing[0]}`: it is an older worker, or none of ours")
    return text


def _credentials(settings: Settings, target: URL) -> dict[str, str]:
    """Return the headers that show who asks.

    Raises:
        Failure: everybody on the way would read the token.
    """
    token = settings.web_token
    if not token:
        return {}
    if target.scheme != "https" and not is_loopback(target.host or "") and not settings.web_insecure:
        raise Failure(f"a token is not sent to {target.origin()} in plain text: give an https:// address")
    return {"Authorization": f"Bearer {token}"}


def _print(view: dict[str, Any]) -> None:
    click.echo(f"{view['tenant']} {view['item']}  on hand {view['on_hand']}, reserved {view['reserved']}", nl=False)
    for name in ("short", "gap"):
        if float(view[name]):
            click.echo(f", {name} {view[name]}", nl=False)
    click.echo(f"  (version {view['version']}, {view['as_of']})")
    width = max([len("channel"), *(len(row["channel"]) for row in view["channels"])])
    click.echo(f"{'channel':<{width}} {'available':>12} {'reserved':>12} {'waiting':>12}")
    for row in view["channels"]:
        first = row.get("closed_by")
        note = f"  closed by {first['reservation']}, which waits for {first['waiting']}" if first else ""
        click.echo(f"{row['channel']:<{width}} {row['available']:>12} {row['reserved']:>12} {row['waiting']:>12}{note}")


def _print_days(view: dict[str, Any]) -> None:
    click.echo(
        f"{view['tenant']} {view['item']} {view['channel']}  on hand {view['on_hand']}, reserved {view['reserved']},"
        f" promised {view['promised']}",
        nl=False,
    )
    if view["arriving"]:
        click.echo(f", arriving {view['arriving']}", nl=False)
    click.echo(f"  (version {view['version']}, today {view['today']})")
    click.echo(_row("date", "supply", "promised", "projected", "available"))
    click.echo(_row("now", "-", "-", view["projected"], view["now"]))
    for row in view["days"]:
        click.echo(_row(row["date"], row["supply"], row["promised"], row["projected"], row["available"]))
    for late in view["past_due"]:
        counted = "not counted" if late["counts_on"] is None else f"counted on {late['counts_on']}"
        click.echo(f"past due: {late['quantity']} expected on {late['date']}, {counted}")


def _row(date: str, *cells: Any) -> str:
    return f"{date:<10}" + "".join(f" {cell:>12}" for cell in cells)
