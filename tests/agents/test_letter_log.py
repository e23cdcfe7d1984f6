"""The first dead letter of each reason is a line of the log, and a flood of them is not a flood of lines."""

from dataclasses import replace
from pathlib import Path

import pytest

from atp_stream.access import RegistryAccess
from atp_stream.agents.letter_log import LetterLog
from atp_stream.agents.translation import Translator
from atp_stream.app import create_app
from atp_stream.engine.commit_group import Answer
from atp_stream.messages.inbound import Inbound
from atp_stream.messages.registry import SchemaCache
from atp_stream.records import Output
from atp_stream.settings import Settings, Wire
from atp_stream.topics import Topics
from tests.agents.memory import Record

TOPICS = Topics.of(Settings())


def letter(reason: str, offset: int) -> Output:
    ours = [("atp-reason", reason.encode()), ("atp-origin", f"t/0/{offset}".encode()), ("atp-detail", b"why")]
    return Output(TOPICS.dead_letter.name, 0, None, b"", [("theirs", None), *ours], "DeadLetter")  # type: ignore[list-item]


def test_each_reason_has_a_line_at_its_first_letter_and_one_an_hour_later(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = LetterLog(lambda: now[0])
    log.note([letter("stale", 1), letter("stale", 2), letter("future", 3), letter("stale", 4)])
    now[0] = 3_600.0
    log.note([letter("stale", 5)])

    assert [
        "the message at t/0/1 was refused and is a dead letter: why (stale); `atp dead-letters list` shows them",
        "the message at t/0/3 was refused and is a dead letter: why (future); `atp dead-letters list` shows them",
        (
            "the message at t/0/5 was refused and is a dead letter: why (stale), as were 2 since the last such line;"
            " `atp dead-letters list` shows them"
        ),
    ] == caplog.messages
    assert ["stale", "future", "stale"] == [record.reason for record in caplog.records]  # type: ignore[attr-defined]


def test_what_intake_refuses_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    schemas = SchemaCache(RegistryAccess("http://127.0.0.1:1"))
    translate = Translator(Inbound(schemas, "acme"), schemas, TOPICS, "g")
    for offset in range(3):
        translate(Record(TOPICS.counted.name, b"poison", offset=offset))

    assert ["inventory.core.stock.availability.changed/0/0"] == [record.origin for record in caplog.records]  # type: ignore[attr-defined]


def test_what_the_ledger_refused_is_reported_once_it_is_committed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(Settings(), wire=Wire.JSON, data_dir=tmp_path)
    app = create_app(settings, genesis="g", schemas=SchemaCache(RegistryAccess.of(settings)))
    outputs = [Output("other", 0, b"", b"", [], "AvailabilityCalculatedEvent"), letter("stale", 9)]
    app.steps.on_step(0, 2, Answer(2, {}, outputs, unfinished=False), 0.1)

    assert ["t/0/9"] == [record.origin for record in caplog.records]  # type: ignore[attr-defined]
