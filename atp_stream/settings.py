"""What an operator can set: the only module that reads the environment.

Every setting is a field of `Settings` with its variable, default and meaning; `from_environment` reads them all and
refuses what it cannot accept in one line. Numbers that the fold reads (windows, limits, the retention of
reservations) are not here: they are in the policy document, which is part of the item log.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

_MAX_PORT = 65535
_MAX_TENANT_BYTES = 255  # bytes; the limit of every id: docs/rules/identity.md#ids
FOREVER = -1


class Wire(StrEnum):
    """How events are written to the output topics."""

    AVRO = "avro"
    JSON = "json"


class LogFormat(StrEnum):
    """How log lines look; `auto` is console on a terminal and JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe log line that is written; capitals are accepted, as other programs want them."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((level for level in cls if level.value == str(value).lower()), None)


class SettingError(ValueError):
    """A variable has a value that cannot be used; the text names the variable, the value and what is allowed."""

    def __init__(self, variable: str, value: str, allowed: str) -> None:
        super().__init__(f"{variable}={value!r} is not allowed: give {allowed}")
        self.variable = variable
        self.value = value
        self.allowed = allowed


class UnknownSettingError(SettingError):
    """A variable starts with `ATP_` and is none of ours: a misspelt one would be a default in disguise."""

    def __init__(self, variable: str, value: str, nearest: str | None) -> None:
        super().__init__(variable, value, "a setting that exists")
        self.args = (f"{variable} is not a setting{f'; did you mean {nearest}?' if nearest else ''}",)


class Kind(NamedTuple):
    """What a setting accepts: a parser that raises ValueError for anything else, and its meaning in words."""

    parse: Callable[[str], Any]
    allowed: str


class Setting(NamedTuple):
    """One row of the table in docs/reference.md: a variable, what it is when unset, what it accepts, what it means."""

    variable: str
    default: str
    kind: Kind
    doc: str


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _tenant(text: str) -> str:
    if len(text.encode()) > _MAX_TENANT_BYTES or not text.isprintable():
        raise ValueError(text)
    return text


def _brokers(text: str) -> tuple[str, ...]:
    addresses = []
    for part in re.split("[,;]", text):
        host, separator, port = part.strip().removeprefix("kafka://").rpartition(":")
        if not separator:
            host, port = port, "9092"
        if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:]+\]", host):
            raise ValueError(text)
        addresses.append(f"{host}:{_whole(1, _MAX_PORT).parse(port)}")
    return tuple(addresses)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(text)
    return text.rstrip("/")


def _directory(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path.expanduser raises where a user has no home


def _whole(lowest: int, highest: int) -> Kind:
    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(text)
        return int(text)

    return Kind(parse, f"{lowest} to {highest}")


def _seconds(lowest: int, highest: int) -> Kind:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not lowest <= float(text) <= highest:
            raise ValueError(text)
        return float(text)

    return Kind(parse, f"{lowest} to {highest} seconds")


def _milliseconds(text: str) -> int:
    if text == "forever":
        return FOREVER
    found = re.fullmatch("([1-9][0-9]{0,4})([mhd])", text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * {"m": 60_000, "h": 3_600_000, "d": 86_400_000}[found[2]]


_TOPIC = Kind(_matching("[a-zA-Z0-9._-]{1,200}"), "1 to 200 of a-z A-Z 0-9 . _ -")
_PREFIX = Kind(_matching("[a-zA-Z0-9._-]{0,100}"), "at most 100 of a-z A-Z 0-9 . _ -")
_APP_ID = Kind(_matching("[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}"), "1 to 100 of a-z A-Z 0-9 . _ -, a letter or digit first")
_BROKERS = Kind(_brokers, "host:port, or several with commas between")
_URL = Kind(_url, "an http:// or https:// address")
_URL_OR_NOTHING = Kind(lambda text: _url(text) if text else "", "an http:// or https:// address, or nothing")
_HOST = Kind(_matching(r"[\w.:-]+"), "a host name or address")
_DIRECTORY = Kind(_directory, "a directory")
_TENANT = Kind(_tenant, f"at most {_MAX_TENANT_BYTES} bytes without control characters, or nothing")
_DURATION = Kind(_milliseconds, "a number with m, h or d behind it (12h, 30d), or forever")


def _setting(variable: str, default: str, kind: Kind, doc: str) -> Any:
    return field(
        default_factory=lambda: kind.parse(default), metadata={"setting": Setting(variable, default, kind, doc)}
    )


def _choice(variable: str, default: StrEnum, doc: str) -> Any:
    options = type(default)
    return _setting(variable, default.value, Kind(options, " or ".join(options)), doc)


def _input(variable: str, default: str, events: str) -> Any:
    return _setting(variable, default, _TOPIC, f"Topic that {events} are read from.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator has set; `Settings()` is what holds when nothing is."""

    app_id: str = _setting(
        "ATP_APP_ID", "atp", _APP_ID, "Name of the application; its group, transactions and changelog start with it."
    )
    brokers: tuple[str, ...] = _setting(
        "ATP_BROKER",
        "127.0.0.1:9092",
        _BROKERS,
        "Kafka brokers to start from, with `kafka://` in front or not; without a port: 9092.",
    )
    registry_url: str = _setting(
        "ATP_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7", _URL, "Schema registry with Confluent's API."
    )
    data_dir: Path = _setting(
        "ATP_DATA_DIR", ".atp/data", _DIRECTORY, "Tables of this worker; each worker needs a directory of its own."
    )
    web_host: str = _setting("ATP_WEB_HOST", "127.0.0.1", _HOST, "Address to listen on for views, health and metrics.")
    web_port: int = _setting("ATP_WEB_PORT", "6066", _whole(0, _MAX_PORT), "Port to listen on; 0 takes a free one.")
    web_url: str = _setting(
        "ATP_WEB_URL", "", _URL_OR_NOTHING, "Where other workers reach this one; empty: the host and port above."
    )
    wire: Wire = _choice("ATP_WIRE", Wire.AVRO, "Form of the output events: framed Avro, or the JSON envelope.")
    default_tenant: str = _setting(
        "ATP_DEFAULT_TENANT", "", _TENANT, "Tenant of messages that name none; empty: they become dead letters."
    )
    standbys: int = _setting(
        "ATP_STANDBYS", "1", _whole(0, 5), "Other workers that keep a warm copy of each partition's tables."
    )
    session_timeout: float = _setting(
        "ATP_SESSION_TIMEOUT", "10", _seconds(3, 300), "Silence after which a worker counts as dead."
    )
    replication_factor: int = _setting(
        "ATP_REPLICATION_FACTOR", "1", _whole(1, 9), "Copies of each topic that `atp init` creates; 3 in production."
    )
    min_isr: int = _setting(
        "ATP_MIN_ISR", "1", _whole(1, 9), "Copies that must have a write before it counts; 2 in production."
    )
    item_log_retention: int = _setting(
        "ATP_ITEM_LOG_RETENTION", "30d", _DURATION, "How long the item log is kept; no worker may be away for longer."
    )
    event_retention: int = _setting("ATP_EVENT_RETENTION", "7d", _DURATION, "How long allocation events are kept.")
    dead_letter_retention: int = _setting(
        "ATP_DEAD_LETTER_RETENTION", "30d", _DURATION, "How long dead letters are kept."
    )
    topic_prefix: str = _setting(
        "ATP_TOPIC_PREFIX", "", _PREFIX, "Put in front of our own topics: item log, outputs, dead letters."
    )
    topic_adjusted: str = _input("ATP_TOPIC_ADJUSTED", "inventory.adjusted", "stock adjustments")
    topic_counted: str = _input("ATP_TOPIC_COUNTED", "inventory.core.stock.availability.changed", "stock counts")
    topic_created: str = _input("ATP_TOPIC_CREATED", "inventory.core.reservation.created", "new reservations")
    topic_confirmed: str = _input("ATP_TOPIC_CONFIRMED", "inventory.core.reservation.confirmed", "confirmations")
    topic_released: str = _input("ATP_TOPIC_RELEASED", "inventory.core.reservation.released", "releases")
    topic_fulfilled: str = _input("ATP_TOPIC_FULFILLED", "inventory.core.reservation.fulfilled", "fulfilments")
    topic_supply_scheduled: str = _input(
        "ATP_TOPIC_SUPPLY_SCHEDULED", "inventory.core.supply.scheduled", "expected supplies"
    )
    topic_supply_changed: str = _input(
        "ATP_TOPIC_SUPPLY_CHANGED", "inventory.core.supply.changed", "changes of expected supplies"
    )
    topic_supply_cancelled: str = _input(
        "ATP_TOPIC_SUPPLY_CANCELLED", "inventory.core.supply.cancelled", "cancelled supplies"
    )
    topic_supply_received: str = _input(
        "ATP_TOPIC_SUPPLY_RECEIVED", "inventory.core.supply.received", "receipts of supplies"
    )
    java_dir: Path = _setting(
        "ATP_JAVA_DIR",
        "~/.cache/atp-stream/java",
        _DIRECTORY,
        "Where Kafka and the registry for `atp stack` and `atp demo` are kept once they were fetched.",
    )
    maven_url: str = _setting(
        "ATP_MAVEN_URL", "", _URL_OR_NOTHING, "Maven repository to fetch them from; empty: Maven Central."
    )
    stack_dir: Path = _setting(
        "ATP_STACK_DIR", ".atp/stack", _DIRECTORY, "What the local Kafka and registry write: files and logs."
    )
    log_format: LogFormat = _choice("ATP_LOG_FORMAT", LogFormat.AUTO, "Form of log lines (on stderr).")
    log_level: LogLevel = _choice("ATP_LOG_LEVEL", LogLevel.INFO, "Least severe log line that is written.")

    @property
    def bootstrap(self) -> str:
        """The brokers as Kafka clients want them: `host:port,host:port`."""
        return ",".join(self.brokers)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return what the environment says.

        Raises:
            SettingError: a variable has a value that is not allowed, contradicts another, or starts with `ATP_` and
                is none of ours.
        """
        environment = os.environ if environment is None else environment
        rows = {f.name: f.metadata["setting"] for f in fields(cls)}
        _refuse_unknown(environment, {row.variable for row in rows.values()})
        chosen: dict[str, Any] = {
            name: _read(environment[row.variable], row) for name, row in rows.items() if row.variable in environment
        }
        settings = cls(**chosen)
        if settings.min_isr > settings.replication_factor:
            raise SettingError(
                "ATP_MIN_ISR", str(settings.min_isr), f"at most ATP_REPLICATION_FACTOR ({settings.replication_factor})"
            )
        return settings


def _read(text: str, row: Setting) -> object:
    try:
        return row.kind.parse(text)
    except ValueError as error:
        raise SettingError(row.variable, text, row.kind.allowed) from error


def _refuse_unknown(environment: Mapping[str, str], known: set[str]) -> None:
    for variable, text in environment.items():
        if variable.startswith("ATP_") and variable not in known:
            raise UnknownSettingError(variable, text, next(iter(get_close_matches(variable, known, n=1)), None))


def catalogue() -> list[Setting]:
    """Return every setting in reading order, as the table in docs/reference.md shows them."""
    return [f.metadata["setting"] for f in fields(Settings)]
