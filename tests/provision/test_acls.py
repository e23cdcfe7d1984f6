"""What a worker may do in Kafka, by what it was turned on for."""

from dataclasses import replace

from atp_stream.provision.acls import Operation, minimal
from atp_stream.settings import Settings
from atp_stream.topics import Topics

INPUTS = {topic.name for topic in Topics.of(Settings()).inputs}


def written(settings: Settings) -> set[str]:
    return {grant.name for grant in minimal(settings)["worker"] if Operation.WRITE in grant.operations} & INPUTS


def test_a_worker_writes_to_no_input() -> None:
    assert set() == written(Settings())


def test_a_worker_that_takes_orders_writes_to_the_inputs_of_orders_and_to_no_other() -> None:
    expected = {f"inventory.core.reservation.{what}" for what in ("created", "confirmed", "released")}
    assert expected == written(replace(Settings(), web_checkout=1))
