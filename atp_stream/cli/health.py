"""`atp health`: whether the worker of these settings lives, for whoever probes with a program."""

import json
import ssl
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import click

from atp_stream.cli.group import Failure, pass_settings
from atp_stream.settings import Settings

_ANSWER_S = 4.0
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and where one asks then


@click.command()
@click.option("--ready", is_flag=True, help="Ask whether it may be sent work, not only whether it lives.")
@pass_settings
def health(settings: Settings, *, ready: bool) -> None:
    """Ask the worker that runs here with the same settings how it is; exit code 1 if it is not well.

    Example: atp health --ready
    """
    url = f"{address(settings)}/health/{'ready' if ready else 'live'}"
    body = _answer(url)
    click.echo(body.get("state", "unknown"))


def address(settings: Settings) -> str:
    """Return where this worker tells of its health."""
    host = settings.web_host.strip("[]")
    host = _WILDCARDS.get(host, host)
    host = f"[{host}]" if ":" in host else host
    if settings.web_health_port is not None:
        return f"http://{host}:{settings.web_health_port}"
    return f"{settings.web_scheme}://{host}:{settings.web_port}"


def _answer(url: str) -> dict[str, Any]:
    # Its certificate is for another name, and nothing secret is said; nor is a proxy asked about this machine.
    unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001
    try:
        with build_opener(ProxyHandler({}), HTTPSHandler(context=unchecked)).open(url, timeout=_ANSWER_S) as answer:
            found: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        raise Failure(f"{url} answers {error.code}: {error.read(500).decode(errors='replace')}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise Failure(f"no worker answers at {url}: {error}") from error
    return found
