"""docs/integrate.md says what is so: each example is read or written as shown, each input in each form."""

import ast
import json
import re
from typing import Any, NamedTuple

import pytest

from atp_stream.agents.fold_adapter import Ledger
from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import LogRecord
from atp_stream.messages import limits
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from atp_stream.messages.outbound import EVENTS as OUTPUTS
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.registered import Language
from atp_stream.messages.rows import encode_command
from atp_stream.records import Output
from atp_stream.settings import Settings, Wire
from atp_stream.topics import LOG_PARTITIONS, Topics
from tests.agents.memory import Memory
from tests.messages.happened import EVERY, GENESIS, value_of
from tests.messages.wire import Record
from tools.reference import ROOT

TOPICS = Topics.of(Settings())
PAGE = (ROOT / "docs" / "integrate.md").read_text()
_EXAMPLE = re.compile(r"(?:^Headers: ([^\n]*)\n\n)?^```(\w+) (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A block of the page: what it is, its headers, its text."""

    language: str
    name: str
    headers: tuple[tuple[str, bytes], ...]
    text: str


EXAMPLES = [
    Example(
        language, name, tuple((one, said.encode()) for one, said in re.findall(r"`([\w-]+): ([^`]*)`", headers)), text
    )
    for headers, language, name, text in _EXAMPLE.findall(PAGE)
]
INPUTS = [one for one in EXAMPLES if one.language == "json" and one.name != "out"]
WRITTEN = [one for one in EXAMPLES if one.name == "out"]


class Schemas:
    """One schema: JSON's."""

    def lookup(self, _: int) -> Any:
        return Language("JSON")


def command(kind: str, value: Any, headers: Any = ()) -> Any:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = Inbound(Schemas(), "acme").translate(InputKind(kind), Record(text, headers=headers))
    assert isinstance(found, Translated), found
    return found


@pytest.mark.parametrize("example", INPUTS, ids=range(len(INPUTS)))
def test_every_input_on_the_page_is_read(example: Example) -> None:
    found = command(example.name, example.text.encode(), example.headers)

    assert "acme" == found.tenant
    assert found.item in example.text


def test_every_input_has_an_example() -> None:
    assert set(InputKind) == {example.name for example in INPUTS}


def test_every_topic_is_named() -> None:
    assert [] == [topic.name for topic in (*TOPICS.inputs, *TOPICS.outputs) if f"`{topic.name}`" not in PAGE]


FORMS: dict[str, Any] = {
    "flat": lambda plain: plain,
    "in an envelope": lambda plain: {"payload": plain},
    "with a byte order mark": lambda plain: b"\xef\xbb\xbf" + json.dumps(plain).encode(),
    "in a JSON string": lambda plain: json.dumps(json.dumps(plain)).encode(),
    "as a CloudEvent": lambda plain: {"specversion": "1.0", "id": "1", "source": "/s", "type": "t.v1", "data": plain},
    "as an envelope in a CloudEvent": lambda plain: {
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t.v1", "data": {"payload": plain}
    },
    "as Debezium's change": lambda plain: {"before": None, "after": plain, "op": "c", "ts_ms": 1},
    "as Debezium's change with its schema": lambda plain: {
        "schema": {"type": "struct"}, "payload": {"before": plain, "after": plain, "op": "u", "source": {"ts_ms": 7}}
    },
    "as Connect's": lambda plain: {"schema": None, "payload": plain},
    "in a JSON Schema frame": lambda plain: b"\0\0\0\0\7" + json.dumps(plain).encode(),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", InputKind)
def test_each_input_says_the_same_in_each_form(kind: InputKind, form: str) -> None:
    plain = json.loads(next(one.text for one in INPUTS if one.name == kind))
    plain = {**plain, "eventId": "e", "timestamp": "2026-11-22T14:54:36Z"}

    assert command(kind, plain) == command(kind, FORMS[form](plain))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", InputKind)
def test_whole_numbers_are_ids_in_each_form(kind: InputKind, form: str) -> None:
    plain = json.loads(next(one.text for one in INPUTS if one.name == kind))
    ids = {name: 4711 for name in plain if name in {"itemId", "product_id", "reservationId", "tenantId"}}
    plain = {**plain, **ids, "eventId": 12, "timestamp": "2026-11-22T14:54:36Z"}
    texts = {name: str(said) if name in {*ids, "eventId"} else said for name, said in plain.items()}

    assert command(kind, texts) == command(kind, FORMS[form](plain))


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.language == "python"], ids=lambda one: one.name)
def test_every_script_is_python(example: Example) -> None:
    ast.parse(example.text)


@pytest.mark.parametrize("example", WRITTEN, ids=lambda one: json.loads(one.text)["eventType"])
def test_every_output_is_written_as_shown(example: Example) -> None:
    outbound, shown = Outbound(GENESIS, Wire.JSON, {}, TOPICS.of_roles), json.loads(example.text)
    records = [outbound.encode(event, 1) for event in EVERY]
    (record,) = [one for one in records if json.loads(value_of(one))["eventType"] == shown["eventType"]]
    written = json.loads(value_of(record))

    assert list(written) == list(shown)
    assert {name: type(said).__name__.replace("float", "int") for name, said in written["payload"].items()} == {
        name: type(said).__name__.replace("float", "int") for name, said in shown["payload"].items()
    }
    if example.headers:
        assert [name for name, _ in example.headers] == [name for name, _ in record.headers]


# The messages of the page that its outputs answer: their place in the log, and how many milliseconds after the first.
ANSWERED = [
    (3, 0, "counted", {"itemId": "prod1", "onHand": 150}),
    (4, 0, "created", {"reservationId": "order-1", "itemId": "prod1", "quantity": 30}),
    (6, 1_000, "released", {
        "eventId": "released-1", "reservationId": "order-1", "itemId": "prod1", "quantity": 2,
        "reason": "customer changed the order",
    }),
    (7, 2_000, "created", {"reservationId": "order-3", "itemId": "prod1", "quantity": 200}),
]  # fmt: skip
BEGAN_MS = 1_795_359_278_228


def answered() -> list[Output]:
    """Return what a partition of the log, that of `prod1`, publishes for these messages."""
    partition = partition_of(b"acme|prod1", LOG_PARTITIONS)
    ledger, memory = Ledger(Outbound("5a423d6d54608419", Wire.JSON, {}, TOPICS.of_roles), TOPICS), Memory()
    outputs: list[Output] = []
    for offset, later, kind, message in ANSWERED:
        (text,) = [one.text for one in INPUTS if one.name == kind and json.loads(one.text) == message]
        record = Record(text.encode(), timestamp=BEGAN_MS + later)
        found = Inbound(Schemas(), "acme").translate(InputKind(kind), record)
        assert isinstance(found, Translated)
        entry = LogRecord(offset, record.timestamp, b"acme|prod1", encode_command(found.command))
        answer = ledger(partition, memory, [entry])
        memory.apply(answer)
        outputs += answer.outputs
    return outputs


@pytest.mark.parametrize(
    "example", [one for one in WRITTEN if '"prod1"' in one.text], ids=lambda one: json.loads(one.text)["eventType"]
)
def test_an_output_that_answers_messages_of_the_page_is_written_to_the_letter(example: Example) -> None:
    shown = json.loads(example.text)
    (output,) = [one for one in answered() if json.loads(one.value or b"")["eventId"] == shown["eventId"]]

    assert shown == json.loads(output.value or b"")
    assert list(example.headers) in ([], output.headers)
    section = PAGE.partition(f"### `{output.topic}`\n")[2].partition("\n###")[0]
    assert example.text in section
    assert f"Key `{(output.key or b'').decode()}`" in section or "Key `" not in section


def test_only_what_drifts_or_has_a_day_is_shown_without_the_messages_that_it_answers() -> None:
    others = {json.loads(one.text)["eventType"] for one in WRITTEN if '"prod1"' not in one.text}
    drifts = {"StockDriftDetectedEvent", "StockDriftResolvedEvent"}
    assert drifts | {"ReservationPromisedEvent", "AvailabilityProjectedEvent"} == others


def test_every_output_is_shown() -> None:
    assert set(OUTPUTS.values()) == {json.loads(one.text)["eventType"] for one in WRITTEN}


def test_a_stamp_without_an_offset_is_in_utc_as_the_page_says() -> None:
    assert "without either it is taken as UTC" in PAGE
    plain, utc = (
        command("counted", {"itemId": "i", "onHand": 1, "timestamp": f"2026-11-22T14:54:36{end}"}) for end in ("", "Z")
    )
    assert utc == plain


def test_every_limit_is_reported_with_its_value() -> None:
    documented = {name: float(value) for name, value in re.findall(r"\(`([A-Z_]+)`\) \| (\S+) \|", PAGE)}
    assert {name: float(value) for name, value in vars(limits).items() if name.isupper()} == documented


def test_every_reason_that_is_named_is_one() -> None:
    named = set(re.findall(r"`([a-z]+_[a-z]+|undecodable|tombstone)`", PAGE.partition("## Limits")[2]))
    assert named
    assert named <= {*Reason}


def test_what_is_said_not_to_be_read_is_refused() -> None:
    batch = b'[{"specversion": "1.0", "data": {}}]'
    for value, reason in ((batch, "undecodable"), ('{"itemId": "i"}'.encode("utf-16"), "undecodable")):
        with pytest.raises(Refused) as refused:
            command("counted", value)
        assert reason == refused.value.reason


def test_every_link_within_the_page_has_its_heading() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }

    assert [] == [link for link in re.findall(r"\]\(#([^)]+)\)", PAGE) if link not in headings]
