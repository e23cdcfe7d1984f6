"""What an operator can set: the only module that reads the environment.

Every setting is a field of `Settings` with its variable, default and meaning; `from_environment` reads them all and
refuses what it cannot accept in one line. Numbers that the fold reads (windows, limits, the retention of
reservations) are not here: they are in the policy document, which is part of the item log.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from atp_stream.settings.kafka import KafkaSecurity
from atp_stream.settings.kinds import (
    APP_ID,
    BROKERS,
    DIRECTORY,
    DURATION,
    PREFIX,
    TENANT,
    TOPIC,
    URL,
    URL_OR_NOTHING,
    Setting,
    SettingError,
    choice,
    read,
    refuse_unknown,
    rows,
    seconds,
    setting,
    whole,
)
from atp_stream.settings.registry import RegistrySecurity
from atp_stream.settings.web import WebSettings


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


def _input(variable: str, default: str, events: str) -> Any:
    return setting(variable, default, TOPIC, f"Topic that {events} are read from.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(WebSettings):
    """What an operator has set; `Settings()` is what holds when nothing is."""

    app_id: str = setting(
        "ATP_APP_ID", "atp", APP_ID, "Name of the application; its group, transactions and changelog start with it."
    )
    brokers: tuple[str, ...] = setting(
        "ATP_BROKER",
        "127.0.0.1:9092",
        BROKERS,
        "Kafka brokers to start from, with `kafka://` in front or not; without a port: 9092.",
    )
    registry_url: str = setting(
        "ATP_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7", URL, "Schema registry with Confluent's API."
    )
    kafka_security: KafkaSecurity = field(default_factory=KafkaSecurity)
    registry_security: RegistrySecurity = field(default_factory=RegistrySecurity)
    data_dir: Path = setting(
        "ATP_DATA_DIR", ".atp/data", DIRECTORY, "Tables of this worker; each worker needs a directory of its own."
    )
    wire: Wire = choice("ATP_WIRE", Wire.AVRO, "Form of the output events: framed Avro, or the JSON envelope.")
    default_tenant: str = setting(
        "ATP_DEFAULT_TENANT", "", TENANT, "Tenant of messages that name none; empty: they become dead letters."
    )
    standbys: int = setting(
        "ATP_STANDBYS", "1", whole(0, 5), "Other workers that keep a warm copy of each partition's tables."
    )
    session_timeout: float = setting(
        "ATP_SESSION_TIMEOUT", "10", seconds(3, 300), "Silence after which a worker counts as dead."
    )
    replication_factor: int = setting(
        "ATP_REPLICATION_FACTOR", "1", whole(1, 9), "Copies of each topic that `atp init` creates; 3 in production."
    )
    min_isr: int = setting(
        "ATP_MIN_ISR", "1", whole(1, 9), "Copies that must have a write before it counts; 2 in production."
    )
    item_log_retention: int = setting(
        "ATP_ITEM_LOG_RETENTION", "30d", DURATION, "How long the item log is kept; no worker may be away for longer."
    )
    event_retention: int = setting("ATP_EVENT_RETENTION", "7d", DURATION, "How long allocation events are kept.")
    dead_letter_retention: int = setting(
        "ATP_DEAD_LETTER_RETENTION", "30d", DURATION, "How long dead letters are kept."
    )
    topic_prefix: str = setting(
        "ATP_TOPIC_PREFIX", "", PREFIX, "Put in front of our own topics: item log, outputs, dead letters."
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
    java_dir: Path = setting(
        "ATP_JAVA_DIR",
        "~/.cache/atp-stream/java",
        DIRECTORY,
        "Where Kafka and the registry for `atp stack` and `atp demo` are kept once they were fetched.",
    )
    maven_url: str = setting(
        "ATP_MAVEN_URL", "", URL_OR_NOTHING, "Maven repository to fetch them from; empty: Maven Central."
    )
    stack_dir: Path = setting(
        "ATP_STACK_DIR", ".atp/stack", DIRECTORY, "What the local Kafka and registry write: files and logs."
    )
    log_format: LogFormat = choice("ATP_LOG_FORMAT", LogFormat.AUTO, "Form of log lines (on stderr).")
    log_level: LogLevel = choice("ATP_LOG_LEVEL", LogLevel.INFO, "Least severe log line that is written.")

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
        refuse_unknown(environment, catalogue())
        settings = read(cls, environment)
        settings.kafka_security.refuse_half()
        settings.registry_security.refuse_half(settings.registry_url)
        settings.check_web()
        if settings.min_isr > settings.replication_factor:
            raise SettingError(
                "ATP_MIN_ISR", str(settings.min_isr), f"at most ATP_REPLICATION_FACTOR ({settings.replication_factor})"
            )
        return settings


def catalogue() -> list[Setting]:
    """Return every setting in reading order, as the table in docs/reference.md shows them."""
    web = {row.variable for row in rows(WebSettings)}
    return sorted(rows(Settings), key=lambda row: row.variable in web)  # fields of a base come first
