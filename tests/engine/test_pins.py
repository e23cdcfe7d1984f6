"""The private names of Faust and aiokafka that the engine stands on: another version must not lose one unseen."""

import inspect
from importlib.metadata import version
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.sender import EndTxnHandler, Sender, SendProduceReqHandler
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11
from aiokafka.record.default_records import DefaultRecordBatch
from faust.stores.rocksdb import Store
from faust.streams import Stream
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.worker import Worker

from atp_stream.engine.app import TESTED_FAUST
from atp_stream.engine.once_producer import AnswerLost

NAMES: list[tuple[Any, str, list[str]]] = [
    (AIOKafkaConsumerThread, "_create_worker_consumer", ["self", "transport"]),
    (AIOKafkaConsumerThread, "_fetch_records", ["self", "consumer", "active_partitions", "timeout", "max_records"]),
    (AIOKafkaConsumerThread, "_seek_wait", ["self", "consumer", "partitions"]),
    (AIOKafkaConsumerThread, "_commit", ["self", "offsets"]),
    (AIOKafkaConsumerThread, "seek_to_committed", ["self"]),
    (Consumer, "_drain_messages", ["self", "fetcher"]),
    (Consumer, "getmany", ["self", "timeout"]),
    (Consumer, "_add_gap", ["self", "tp", "offset_from", "offset_to"]),
    (Consumer, "_new_offset", ["self", "tp"]),
    (Consumer, "perform_seek", ["self"]),
    (Consumer, "verify_all_partitions_active", ["self"]),
    (Consumer, "on_buffer_full", ["self", "tp"]),
    (Consumer, "on_buffer_drop", ["self", "tp"]),
    (Consumer, "_is_changelog_tp", ["self", "tp"]),
    (TableManager, "on_start", ["self"]),
    (TableManager, "_update_channels", ["self"]),
    (TableManager, "on_actives_ready", ["self"]),
    (Worker, "_sentinel_task", ["self"]),
    (TableManager, "on_rebalance", ["self", "assigned", "revoked", "newly_assigned", "generation_id"]),
    (Store, "_db_for_partition", ["self", "partition"]),
    (Store, "partition_path", ["self", "partition"]),
    (Recovery, "active_remaining_total", ["self"]),
    (GroupCoordinator, "_do_heartbeat", ["self"]),
    (GroupCoordinator, "fetch_committed_offsets", ["self", "partitions"]),
    (AIOKafkaClient, "force_metadata_update", ["self"]),
    (AIOKafkaClient, "send", ["self", "node_id", "request", "group"]),
    (GroupCoordinator, "request_rejoin", ["self"]),
    (Sender, "_do_txn_commit", ["self", "commit_result"]),
    (Sender, "_send_produce_req", ["self", "node_id", "batches"]),
    (Sender, "_fail_all", ["self", "task"]),
    (Sender, "_find_coordinator", ["self", "coordinator_type", "coordinator_key"]),
    (EndTxnHandler, "do", ["self", "node_id"]),
    (EndTxnHandler, "handle_response", ["self", "resp"]),
    (SendProduceReqHandler, "handle_response", ["self", "response"]),
    (SendProduceReqHandler, "_can_retry", ["self", "error", "batch"]),
    (AIOKafkaClient, "_metadata_update", ["self", "cluster_metadata", "topics"]),
    (Fetcher, "fetched_records", ["self", "partitions", "timeout", "max_records"]),
]


@pytest.mark.parametrize(("owner", "name", "parameters"), NAMES, ids=lambda value: getattr(value, "__name__", None))
def test_a_name_that_the_engine_overrides_or_calls_is_there(owner: Any, name: str, parameters: list[str]) -> None:
    assert parameters == list(inspect.signature(getattr(owner, name)).parameters)


def test_a_batch_keeps_its_builder_and_its_count_where_they_are_reached_for() -> None:
    batch = BatchBuilder(1_000, 0, is_transactional=True)

    batch._builder.append(0, 1_700_000_000_000, b"k", b"v", [])
    batch._relative_offset = 1

    assert (1, 1) == (batch.record_count(), len(list(DefaultRecordBatch(bytes(batch._build())))))


def test_a_batch_takes_its_first_record_whatever_its_size() -> None:
    append = BatchBuilder(1_000, 0, is_transactional=True)._builder.append

    assert append(0, 0, None, b"x" * 5_000, []) is not None
    assert append(1, 0, None, b"x", []) is None


def test_faust_looks_for_a_livelock_by_what_the_engine_overrides_alone() -> None:
    source = inspect.getsource(Consumer)

    assert "await self.verify_all_partitions_active()" in source
    assert 1 == source.count("self.verify_event_path(")


def test_a_consumer_takes_its_patience_with_the_broker_from_where_it_is_set() -> None:
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in inspect.getsource(AIOKafkaConsumer.start)


def test_a_fetcher_sends_its_fetches_through_the_client_and_one_to_a_node_at_a_time() -> None:
    assert "await self._client.send(node_id, request)" in inspect.getsource(Fetcher._proc_fetch_request)
    assert "elif node_id in self._in_flight:" in inspect.getsource(Fetcher._get_actions_per_node)


def test_a_fetch_keeps_what_a_session_is_made_of_and_names_the_session_in_what_it_builds() -> None:
    full = FetchRequest(50, 1, 1_000, 1, [("in", [(0, 5, 100)])], "rack")
    built: Any = full.build(FetchRequest_v11)

    kept = full._max_wait_ms, full._min_bytes, full._max_bytes, full._isolation_level, full._rack_id
    assert (50, 1, 1_000, 1, "rack") == kept
    assert (0, -1, []) == (built.session_id, built.session_epoch, built.forgotten_topics_data)


def test_a_stream_takes_its_events_from_the_queue_of_its_channel() -> None:
    assert "chan_queue = chan.queue" in inspect.getsource(Stream._py_aiter)


def test_a_sender_that_is_fenced_ends_as_it_is_and_without_a_word() -> None:
    """What the end of a transaction raises when its answer is lost is one of those."""
    assert issubclass(AnswerLost, ProducerFenced)
    assert "except (\n            ProducerFenced," in inspect.getsource(Sender._sender_routine)


def test_the_tests_run_on_the_version_that_workers_accept() -> None:
    assert TESTED_FAUST == version("faust-streaming")


def test_a_recovery_that_raises_rebalance_again_waits_for_the_next_one() -> None:
    source = inspect.getsource(Recovery)

    assert "except RebalanceAgain as exc:" in source
    assert "consumer.perform_seek(), timeout=self.app.conf.broker_request_timeout" in source
