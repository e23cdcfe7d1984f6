"""Makes the tables of the reference, and the picture of a reservation's states, from the code.

`make docs` writes them between the markers in their pages; a test compares, and names the command.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import click
import msgspec
import yaml

from atp_stream.access import RegistryAccess
from atp_stream.app import create_app
from atp_stream.cli import main as atp
from atp_stream.domain.policy import schema
from atp_stream.domain.reasons import DenialReason, Reason
from atp_stream.engine.app import EngineApp
from atp_stream.messages.registry import SchemaCache
from atp_stream.provision.acls import minimal
from atp_stream.provision.schemas import events
from atp_stream.settings import Settings, Wire, catalogue
from atp_stream.topics import Topic, Topics
from atp_stream.web.metrics import Metrics
from tools import states
from tools.meanings import POLICY, PRINCIPALS

ROOT: Final = Path(__file__).parent.parent
REFERENCE: Final = ROOT / "docs" / "reference.md"
SECURITY: Final = ROOT / "docs" / "security.md"
RESERVATIONS: Final = ROOT / "docs" / "rules" / "reservations.md"
OPENAPI: Final = ROOT / "schemas" / "openapi.yaml"
_DAY: Final = 86_400_000


def topics() -> str:
    """Return the table of topics under their default names."""
    every = Topics.of(Settings())
    schemas = events(every)
    rows = [
        (
            f"`{topic.name}`",
            topic.key,
            str(topic.partitions) if topic.ours else f"{topic.partitions} if missing",
            _kept(topic),
            " ".join(f"[{event}](../schemas/{event}.avsc)" for event in schemas.get(topic.name, ())),
        )
        for topic in every.every
    ]
    return _table(("Topic", "Key", "Partitions", "Kept", "Event"), rows)


def _kept(topic: Topic) -> str:
    if not topic.ours:
        return "as upstream says"
    if topic.config["cleanup.policy"] == "compact":
        return "newest of each key"
    if topic.config["retention.ms"] == "-1":
        return "for ever"
    return f"{int(topic.config['retention.ms']) // _DAY} days"


def settings() -> str:
    """Return the table of settings."""
    rows = [
        (f"`{row.variable}`", f"`{row.default}`" if row.default else "", row.kind.allowed, row.doc)
        for row in catalogue()
    ]
    return _table(("Variable", "Default", "Accepts", "Meaning"), rows)


def acls() -> str:
    """Return the table of the rights that each principal needs."""
    rows = []
    for principal, grants in minimal(Settings()).items():
        names: dict[tuple[str, str], list[str]] = {}
        for grant in grants:
            what = (_words(grant.resource.name), ", ".join(_words(one.name) for one in grant.operations))
            names.setdefault(what, []).append(f"{grant.name}{'*' if grant.prefixed else ''}")
        rows += [(f"`{principal}`", PRINCIPALS[principal], *what, _shortened(on)) for what, on in names.items()]
    return _table(("Principal", "For", "Resource", "Operations", "Names"), rows)


def _words(name: str) -> str:
    """Return what Kafka's own tools call a resource or an operation."""
    return name.title().replace("_", "")


def _shortened(names: list[str]) -> str:
    """Return names of resources, with one word for topics that belong together."""
    topics = Topics.of(Settings())
    inputs, outputs = [[topic.name for topic in some] for some in (topics.inputs[:-1], topics.outputs)]
    if names == [topic.name for topic in topics.every]:
        return "all topics"
    said = []
    for word, some in ((f"the {len(inputs)} inputs", inputs), (f"the {len(outputs)} outputs", outputs)):
        if set(some) <= set(names):
            said.append(word)
            names = [name for name in names if name not in some]
    return ", ".join([*said, *(f"`{name}`" for name in names)])


def commands() -> str:
    """Return the table of commands."""
    rows = [
        (f"`{usage}`", " ".join(f"`{option}`" for option in options), text)
        for usage, options, text in _leaves(atp, "atp")
    ]
    return _table(("Command", "Options", "What it does"), rows)


def _leaves(command: click.Command, path: str) -> Iterable[tuple[str, list[str], str]]:
    if isinstance(command, click.Group):
        for name in command.commands:
            yield from _leaves(command.commands[name], f"{path} {name}")
        return
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    named = [p.human_readable_name.upper() for p in arguments]
    shown = [name if p.required else f"[{name}]" for p, name in zip(arguments, named, strict=True)]
    options = [p.opts[0] for p in command.params if isinstance(p, click.Option)]
    text = (command.help or "").split("\n\n")[0].replace("\n", " ")
    yield " ".join([path, *shown]), options, text


def _app() -> EngineApp:
    """Return a worker's app that was never started."""
    chosen = replace(Settings(), wire=Wire.JSON, data_dir=Path(tempfile.gettempdir()))  # nothing is written there
    return create_app(chosen, genesis="", schemas=SchemaCache(RegistryAccess.of(chosen)))


def routes() -> list[str]:
    """Return method and path of everything that a worker answers."""
    served: Any = _app().web
    found = [(route.method, route.resource.canonical) for route in served.web_app.router.routes()]
    return [f"{method} {path}" for method, path in found if method != "HEAD"]


def endpoints() -> str:
    """Return the table of endpoints, as the OpenAPI document describes them."""
    paths: dict[str, dict[str, Any]] = yaml.safe_load(OPENAPI.read_text())["paths"]
    rows = [
        (f"`{method.upper()} {path}`", operation["summary"], " ".join(sorted(operation["responses"])))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method != "parameters"
    ]
    return _table(("Endpoint", "What it answers", "Status"), rows)


def metrics() -> str:
    """Return the table of our own metrics, with their labels."""
    timekeeper: Any = SimpleNamespace(held=lambda: 0.0, holders=list)
    registry = Metrics(_app(), Topics.of(Settings()), {}, {}, timekeeper).registry
    own = [metric for metric in registry.collect() if metric.name.startswith("atp_")]
    rows = []
    for metric in own:
        # Labels have no public name: a counter has them in its collector, a figure read off the worker in the metric.
        made: Any = registry._names_to_collectors.get(metric.name, metric)  # noqa: SLF001
        labels: tuple[str, ...] = made._labelnames  # noqa: SLF001
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        rows.append((f"`{name}`", metric.type, " ".join(f"`{label}`" for label in labels), metric.documentation))
    return _table(("Metric", "Type", "Labels", "Meaning"), rows)


def reasons() -> str:
    """Return the table of the reasons that dead letters have."""
    return _table(("Reason", "What was wrong"), [(f"`{reason}`", reason.meaning) for reason in Reason])


def denials() -> str:
    """Return the table of the reasons that denials have."""
    return _table(
        ("Reason", "Why units were not committed"), [(f"`{reason}`", reason.meaning) for reason in DenialReason]
    )


SECTIONS: Final[dict[str, type[Any]]] = {
    "": schema.Document,
    "stock": schema.StockSection,
    "tenant": schema.TenantSection,
    "item": schema.ItemSection,
    "safety_stock": schema.SafetySection,
    "supply": schema.SupplySection,
    "rule": schema.ChannelSection,
}


def policy() -> str:
    """Return the table of the keys that a policy may have, by their place in it."""
    rows = [
        (
            f"`{key}`",
            section.replace("_", " ") or "document",
            _default(section, key),
            text,
        )
        for section, keys in POLICY.items()
        for key, text in keys.items()
    ]
    return _table(("Key", "Of", "Default", "Meaning"), rows)


def _default(section: str, key: str) -> str:
    default = {field.name: field.default for field in msgspec.structs.fields(SECTIONS[section])}[key]
    return f"`{default}`" if isinstance(default, str | int | Decimal) else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


PAGES: Final[dict[Path, dict[str, Callable[[], str]]]] = {
    REFERENCE: {
        "topics": topics,
        "settings": settings,
        "endpoints": endpoints,
        "metrics": metrics,
        "commands": commands,
        "reasons": reasons,
        "denials": denials,
        "policy": policy,
    },
    SECURITY: {"acls": acls},
    RESERVATIONS: {"states": states.picture},
}
"""The function that makes each table, by page and by the name in its markers."""


def rewritten(text: str, made: Mapping[str, Callable[[], str]]) -> str:
    """Return the text of a page with each of its tables as the code says.

    Raises:
        ValueError: the markers of a table are missing.
    """
    for name, table in made.items():
        pattern = rf"(<!-- begin {name}: made by `make docs` -->\n).*?(<!-- end {name} -->)"
        places = list(re.finditer(pattern, text, re.DOTALL))
        if len(places) != 1:
            raise ValueError(f"the page has {len(places)} places for the table {name}, not 1")
        (place,) = places
        text = f"{text[: place.end(1)]}{table()}\n{text[place.start(2) :]}"
    return text


if __name__ == "__main__":
    for page, tables in PAGES.items():
        page.write_text(rewritten(page.read_text(), tables))
