"""A transactional producer that sends nothing twice.

aiokafka asks again when an answer does not come. What ends a transaction must not be asked twice: brokers of its
protocol tell transactions of one epoch not apart, so a first copy that comes late ends the *next* transaction, half
filled. Nor may a batch that comes late land in a transaction that it does not belong to. So when an answer is lost,
this producer is at an end: whoever takes its id over learns what happened.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaError, NodeNotReadyError, ProducerFenced
from aiokafka.producer.sender import EndTxnHandler, Sender, SendProduceReqHandler


class AnswerLost(ProducerFenced):  # type: ignore[misc] # aiokafka has no types
    """A request has left and its answer has not come: nobody knows whether it was done.

    As good as fenced: that is what ends aiokafka's sender as it is, and nothing more is sent.
    """


class _End(EndTxnHandler):  # type: ignore[misc] # aiokafka has no types
    """Ends the transaction, or raises."""

    async def do(self, node_id: int) -> bool:
        try:
            answer = await self._sender.client.send(node_id, self.create_request(), group=self.group)
        except NodeNotReadyError:  # nothing was sent
            await asyncio.sleep(self.handle_error())
            return False
        except KafkaError as error:
            raise AnswerLost(f"whether the transaction was ended is not known: {error!r}") from error
        pause = self.handle_response(answer)
        if pause is not None:  # the coordinator has said no, for now
            await asyncio.sleep(pause)
        return pause is None


class _Produce(SendProduceReqHandler):  # type: ignore[misc] # aiokafka has no types
    """Produces batches; those whose answer is lost have failed."""

    def _can_retry(self, error: Exception, batch: Any) -> bool:
        lost = isinstance(error, KafkaError) and not isinstance(error, NodeNotReadyError) and not self._answered
        return not lost and bool(super()._can_retry(error, batch))

    _answered = False

    def handle_response(self, response: Any) -> None:
        self._answered = True
        super().handle_response(response)


class _Sender(Sender):  # type: ignore[misc] # aiokafka has no types
    """aiokafka's, with these two in place of its own."""

    async def _do_txn_commit(self, commit_result: Any) -> None:
        await self._message_accumulator.flush_for_commit()
        manager = self._txn_manager
        if manager.is_empty_transaction():
            manager.complete_transaction()
            return
        node_id = await self._find_coordinator(CoordinationType.TRANSACTION, manager.transactional_id)
        await _End(self, commit_result).do(node_id)

    def _fail_all(self, task: Any) -> None:
        super()._fail_all(task)
        end = self._txn_manager.wait_for_transaction_end()
        if end is not None and end.done() and not end.cancelled():
            end.exception()  # whoever only sends is told by its batches: else asyncio tells it at length

    async def _send_produce_req(self, node_id: int, batches: Any) -> None:
        await _Produce(self, batches).do(node_id)
        self._in_flight.remove(node_id)
        self._muted_partitions.difference_update(batches)


class OnceProducer(AIOKafkaProducer):  # type: ignore[misc] # aiokafka has no types
    """aiokafka's producer, with that sender."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        plain: Any = self.__dict__.pop("_sender")
        self._sender = _Sender(
            self.client,
            acks=plain._acks,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=plain._retry_backoff * 1000,
            request_timeout_ms=plain._request_timeout_ms,
        )

    def identify(self, producer_id: int, epoch: int) -> None:
        """Go on under an id that was initialised by whoever made this producer, before it is started."""
        self._txn_manager.set_pid_and_epoch(producer_id, epoch)
