"""A broker that goes away is reported in one line, whenever it goes."""

from typing import Any
from unittest.mock import AsyncMock

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError

from atp_stream.access import KafkaAccess
from atp_stream.provision import ProvisionError, administration
from atp_stream.provision.topics import Administrator


async def test_a_broker_that_ceases_to_answer_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: AIOKafkaAdminClient) -> None:
        return

    monkeypatch.setattr(AIOKafkaAdminClient, "start", nothing)
    monkeypatch.setattr(AIOKafkaAdminClient, "close", nothing)

    with pytest.raises(ProvisionError, match="does not answer as it should: NodeNotReadyError"):
        async with administration(KafkaAccess("127.0.0.1:1")):
            raise NodeNotReadyError


async def test_a_broker_that_has_gone_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, int | None]] = []

    async def send(_: Any, request: Any, node_id: int | None = None) -> str:
        asked.append((request, node_id))
        if len(asked) == 1:
            raise NodeNotReadyError("node id 2")
        return "answer"

    monkeypatch.setattr(AIOKafkaAdminClient, "_send_request", send)
    admin = Administrator(bootstrap_servers="127.0.0.1:1")
    admin._client.force_metadata_update = updated = AsyncMock()

    assert "answer" == await admin._send_request("question")
    assert [("question", None)] * 2 == asked
    updated.assert_awaited_once_with()


async def test_what_only_one_broker_can_answer_is_asked_of_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaAdminClient, "_send_request", AsyncMock(side_effect=NodeNotReadyError("node id 2")))
    with pytest.raises(NodeNotReadyError):
        await Administrator(bootstrap_servers="127.0.0.1:1")._send_request("question", 2)
