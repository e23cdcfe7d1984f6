"""The fold in one piece says of a true history that it is true, however it was cut into steps."""

import pytest

from atp_stream.agents.fold_adapter import Ledger
from atp_stream.messages.outbound import EVENTS, Outbound
from atp_stream.settings import Wire
from atp_stream.topics import Topics
from chaos import refold
from tests.chaos.in_process import IDS, SETTINGS
from tests.chaos.test_load import played

TOPICS = Topics.of(SETTINGS)


def judged(history):
    ids = {role: IDS[event] for role, event in EVENTS.items()}
    return refold.compared(Ledger(Outbound("g", Wire.AVRO, ids, TOPICS.of_roles), TOPICS), TOPICS, "g", history)


@pytest.mark.parametrize("step", [7, 200])
@pytest.mark.parametrize("seed", [1, 2])
def test_steps_of_any_size_are_true(seed, step):
    assert [] == judged(played(seed, 1_500, Wire.AVRO, step))


@pytest.mark.parametrize("kind", [b"|r|", b"|L|", b"|K|"])
def test_a_row_that_was_left_at_an_older_state_is_seen(kind):
    history = played(1, 400, Wire.AVRO, 7, hot=0.2)
    rows = history.of(*history.names.tables)
    newest = max((row for row in rows if kind in row.key), key=lambda row: row.offset)
    history = history.__class__(
        names=history.names, records=[r for r in history.records if r is not newest], schemas=history.schemas
    )

    assert [f"row {newest.key!r}"] == [words.partition(" is ")[0] for words in judged(history)]
