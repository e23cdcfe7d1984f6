"""`POST /reservations`, `/confirmations` and `/releases`: a message to an input topic, and what was decided of it.

The body is the message, as a producer would write it; nothing is decided outside of the log. The worker that owns the
item's partition appends the message and, if it is asked to wait, looks at the steps until one includes it. The same
message again, after an answer that never came, changes nothing: that is why it must have a `timestamp` of its own.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from aiohttp import web

from atp_stream.access import KafkaAccess
from atp_stream.domain.commands import Confirm, Release, Reserve
from atp_stream.domain.errors import Refused
from atp_stream.domain.names import join
from atp_stream.domain.row_keys import item_key
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.engine.input_producer import SEND_S, InputProducer, NotSent, SourcePlace
from atp_stream.engine.routing import Elsewhere
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from atp_stream.messages.limits import MAX_MESSAGE_BYTES
from atp_stream.messages.traces import trace_headers
from atp_stream.records import Headers
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from atp_stream.web.access import WRITE, permit
from atp_stream.web.bodies import read_body
from atp_stream.web.endpoint import Page, Pages, json_response
from atp_stream.web.problems import Problem
from atp_stream.web.reservations import show
from atp_stream.web.routing import owner, pass_on, read_row
from atp_stream.web.watches import Watch, Watches, wait_s

log = logging.getLogger(__name__)

PATHS: Final[Mapping[str, InputKind]] = {
    "/reservations": InputKind.CREATED,
    "/confirmations": InputKind.CONFIRMED,
    "/releases": InputKind.RELEASED,
}
UNKNOWN: Final = "send the same message again, which changes nothing if it is there, or ask for the reservation"


class Message(NamedTuple):
    """What is to be appended, and about what: the item `item` of `tenant`, and a reservation of it."""

    tenant: str
    item: str
    reservation: str
    topic: str
    value: bytes
    headers: Headers


class _Draft(NamedTuple):
    """A record that was not sent yet: it has no timestamp that could stand in for that of its message."""

    value: bytes
    timestamp: int = -1
    key: None = None
    headers: None = None


class _NoSchemas:
    """JSON needs none."""

    def lookup(self, schema_id: int) -> Any:
        raise Refused("undecodable", f"schema {schema_id} in JSON")


def message_of(inbound: Inbound, kind: InputKind, topic: str, value: bytes) -> Message:
    """Return what a body says, as workers will read it.

    Raises:
        Problem: 400 or 413, they would refuse it, or the same message again would be another event.
    """
    if len(value) > MAX_MESSAGE_BYTES // 2:  # headers and the key are counted as well
        detail = f"a message has at most {MAX_MESSAGE_BYTES // 2} bytes"
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    try:
        found = inbound.translate(kind, _Draft(value))
    except Refused as refused:
        raise Problem.refused("bad-message", f"{refused.detail} ({refused.reason})") from refused
    if not isinstance(found, Translated) or not isinstance(found.command, Reserve | Confirm | Release):
        raise Problem.refused("bad-message", "this is another event")
    return Message(found.tenant, found.item, found.command.reservation, topic, value, [])


class Checkout:
    """Appends messages, and answers with what was decided about them."""

    def __init__(self, app: EngineApp, watches: Watches, producer: InputProducer) -> None:
        self._app = app
        self._watches = watches
        self._producer = producer

    async def send(self, partition: int, message: Message, seconds: float) -> web.Response:
        """Append a message about an item of an owned partition, and answer what was decided within so many seconds.

        Raises:
            Problem: 409, it was refused; 503, it is not known here what became of it.
        """
        with self._watches.watch(partition) as watch:
            before = self._included(partition)
            try:
                sent = await self._producer.send(message.topic, message.item.encode(), message.value, message.headers)
            except NotSent as error:
                log.warning("a message of a caller may not have been appended: %s", error)
                raise Problem.unavailable("not-sent", f"Kafka did not confirm the message: {UNKNOWN}") from error
            if before.get(sent.source, -1) >= sent.offset:  # the topic was made anew: its offsets say nothing now
                raise Problem.unavailable("moving", f"{sent.topic} was made anew: {UNKNOWN}")
            if seconds:
                return await self._decided(partition, watch, message, sent, seconds)
        return _undecided(message, sent)

    async def _decided(
        self, partition: int, watch: Watch, message: Message, sent: SourcePlace, seconds: float
    ) -> web.Response:
        def look() -> bool | None:
            return str(sent) in watch.refused or self._is_folded(partition, message, sent) or None

        try:
            found = await self._watches.until(partition, watch, look, seconds)
        except Problem as problem:
            problem.detail = f"{problem.detail}; the message is at {sent}: {UNKNOWN}"
            raise
        refused = watch.refused.get(str(sent))
        if refused is not None:
            raise Problem(HTTPStatus.CONFLICT, "refused", refused)
        if found is None:
            return _undecided(message, sent)
        return json_response(show(self._app, partition, message.tenant, message.item, message.reservation))

    def _included(self, partition: int) -> dict[str, int]:
        """Return the newest offset that a partition's state includes of each source."""
        position = self._app.steps.position(partition)
        return {} if position is None else {source: mark.offset for source, mark in position.marks.items()}

    def _is_folded(self, partition: int, message: Message, sent: SourcePlace) -> bool:
        """Return whether the state includes a message, and its item keeps nothing for later."""
        if self._included(partition).get(sent.source, -1) < sent.offset:
            return False
        row: Item | None = read_row(self._app, partition, item_key(join(message.tenant, message.item)))
        return row is None or not row.deferred


def _undecided(message: Message, sent: SourcePlace) -> web.Response:
    about = {"tenant": message.tenant, "item": message.item, "reservation": message.reservation}
    return json_response({**about, "sent": str(sent)}, status=HTTPStatus.ACCEPTED)


def add_checkout(app: EngineApp, pages: Pages, settings: Settings, topics: Topics, watches: Watches) -> None:
    """Serve the checkout, to those who may write, if the operator has turned it on."""
    inbound = Inbound(_NoSchemas(), settings.default_tenant or None)
    producer = InputProducer(KafkaAccess.of(settings))
    checkout = Checkout(app, watches, producer)
    server: Any = app.web

    async def close(_: web.Application) -> None:
        await producer.close()

    server.web_app.on_cleanup.append(close)

    def page(kind: InputKind) -> Page:
        topic: str = getattr(topics, kind).name

        async def answer(request: web.Request) -> web.Response:
            if not settings.web_checkout:
                raise Problem(HTTPStatus.FORBIDDEN, "checkout-off", "this worker appends nothing: ATP_WEB_CHECKOUT")
            if request.content_type != "application/json":  # a page of another site cannot send that unasked
                detail = "a message is sent as application/json"
                raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-json", detail)
            seconds, body = wait_s(request), await read_body(request)
            message = message_of(inbound, kind, topic, body)
            permit(request, WRITE, message.tenant)
            place = owner(app, request, join(message.tenant, message.item))
            if isinstance(place, Elsewhere):
                return await pass_on(app, request, place, body=body, patience_s=SEND_S + seconds)
            trace = trace_headers(request.headers)
            return await checkout.send(place.partition, message._replace(headers=trace), seconds)

        return answer

    for path, kind in PATHS.items():
        pages.add("POST", path, page(kind), WRITE)
