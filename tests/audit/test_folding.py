"""The log folded once more: what is left out, and where it stands."""

from atp_stream.audit.folding import Folding, everything, only
from atp_stream.engine.position import SOURCE_HEADER, Position, plan
from atp_stream.engine.scratch_store import Scratch
from tests.audit.examples import GENESIS, SUBJECT, count, document, genesis, reserve


def folding(rows: Scratch, keep=everything) -> Folding:
    return Folding(SUBJECT.ledger(), 0, rows=rows, position=Position(genesis=GENESIS), keep=keep)


def test_an_item_alone_has_the_rows_that_it_has_among_others() -> None:
    log = [genesis(), count(1, 5), count(2, 7, b"acme|desk"), reserve(3, 2), reserve(4, 1, b"acme|desk")]

    with Scratch() as all_rows, Scratch() as own_rows:
        list(folding(all_rows).take(log))
        list(folding(own_rows, only("acme|desk")).take(log))

        desk = [row for row in all_rows.scan() if row[0].startswith(b"acme|desk|")]
        assert 3 == len(desk)
        assert desk == [row for row in own_rows.scan() if row[0][:1] != b"|"]


def test_what_intake_sent_twice_is_folded_once_and_the_place_is_behind_both() -> None:
    one = reserve(2, 2)
    twice = [one._replace(offset=n, headers=(*one.headers, (SOURCE_HEADER, b"in/0/7"))) for n in (2, 3)]

    with Scratch() as rows:
        fold = folding(rows)
        outputs = list(fold.take([genesis(), count(1, 5), *twice]))

    assert 1 == sum(output.topic.endswith("committed") for output in outputs)
    assert 3 == fold.position.applied


def test_what_waits_is_finished_and_published() -> None:
    with Scratch() as rows:
        fold = folding(rows)
        list(fold.take([genesis(), count(1, 5), document(2, b'{"tenants": {"*": {"safety_stock": {"fixed": 1}}}}')]))
        outputs = list(fold.finish_work())
        had_work = fold.had_work
        again = folding(rows)

        assert had_work
        assert 1 <= len(outputs)
        assert [] == list(again.finish_work())
        assert not again.had_work


def test_a_command_that_is_not_in_the_log_is_folded_in_front_of_the_next() -> None:
    [added] = plan(Position(genesis=GENESIS), [count(1, 5)]).fresh

    with Scratch() as rows:
        fold = folding(rows)
        list(fold.take([genesis()]))
        outputs = list(fold.insert(added))

    assert 4 == sum(output.topic.endswith("calculated") for output in outputs)
    assert 0 == fold.position.applied
