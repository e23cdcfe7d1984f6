"""A broker that goes away is reported in one line, whenever it goes."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError

from atp_stream.access import KafkaAccess
from atp_stream.provision import ProvisionError, administration


async def test_a_broker_that_ceases_to_answer_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: AIOKafkaAdminClient) -> None:
        return

    monkeypatch.setattr(AIOKafkaAdminClient, "start", nothing)
    monkeypatch.setattr(AIOKafkaAdminClient, "close", nothing)

    with pytest.raises(ProvisionError, match="does not answer as it should: NodeNotReadyError"):
        async with administration(KafkaAccess("127.0.0.1:1")):
            raise NodeNotReadyError
