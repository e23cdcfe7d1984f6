"""What fields of all kinds of messages are held to: ids, positive quantities, instants, and names made of contents."""

from hashlib import blake2b

from atp_stream.domain import names
from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages.amounts import amount
from atp_stream.messages.limits import MAX_ID_BYTES
from atp_stream.messages.timestamps import LEAST_MICROS


def needed_id(found: str | None, what: str, missing: Reason, fields: str = "") -> str:
    """Return an id that must be there; `fields` are the names that it was looked for under.

    Raises:
        Refused: `missing`, `id_too_long` or `control_character`.
    """
    if not found or found.isspace():
        raise Refused(missing, f"no {what} id: {fields} is absent or empty" if fields else f"no {what} id")
    if found.isascii() and found.isprintable() and len(found) <= MAX_ID_BYTES:
        return found
    return optional_id(found, what)


def optional_id(found: str | None, what: str) -> str:
    """Return an id, or "" where there is none.

    Raises:
        Refused: `id_too_long` or `control_character`.
    """
    if not found:
        return ""
    if found.isascii():
        if found.isprintable() and len(found) <= MAX_ID_BYTES:
            return found
    elif len(found.encode()) <= MAX_ID_BYTES and not any(
        letter < " " or "\x7f" <= letter <= "\x9f" for letter in found
    ):
        return found
    if len(found.encode()) > MAX_ID_BYTES:
        raise Refused(Reason.ID_TOO_LONG, f"{what}: {len(found.encode())} bytes")
    raise Refused(Reason.CONTROL_CHARACTER, f"{what}: {found!r:.100}")


def units(found: object) -> int | None:
    """Return a positive quantity in hundredths, None where there is none.

    Raises:
        Refused: `not_positive`, or as `amount`.
    """
    quantity = amount(found)
    if quantity is not None and quantity <= 0:
        raise Refused(Reason.NOT_POSITIVE, f"quantity is {quantity / 100:.2f}")
    return quantity


def kafka_instant(timestamp: int) -> int:
    """Return a record's own timestamp in microseconds.

    Raises:
        Refused: `bad_timestamp`, it has none.
    """
    if timestamp < 0:  # Kafka's way to say that there is none
        raise Refused(Reason.BAD_TIMESTAMP, "neither the message nor its record has a timestamp")
    if timestamp * 1000 < LEAST_MICROS:
        raise Refused(Reason.BAD_TIMESTAMP, f"its record's timestamp is {timestamp}: not in milliseconds since 1970")
    return timestamp * 1000


def content_name(*content: str | int | None) -> str:
    """Return the name of an event that has none of its own: the same contents, the same name."""
    return blake2b(names.join(*map(str, content)).encode(), digest_size=16).hexdigest()
