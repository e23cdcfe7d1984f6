"""Why a broker or a registry does not let us in, in one line that says what to correct.

aiokafka tells the reason to its log alone, and says that it is unable to bootstrap, whatever the reason. So the brokers
are asked once more by hand.
"""

import asyncio
import ssl
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from atp_stream.access.kafka import KafkaAccess
from atp_stream.access.tokens import NoTokenError
from atp_stream.settings import SaslMechanism

_ADD_ACL: Final = "add an ACL (docs/security.md)"
_DENIALS: Final = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "group",
    TransactionalIdAuthorizationFailed: "transactional id",
    ClusterAuthorizationFailedError: "the cluster",
}
_ANSWER_S: Final = 5.0
_WRONG_HOST: Final = frozenset({62, 64})  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and ..._IP_ADDRESS_MISMATCH


async def start(kafka: KafkaAccess, client: Any, seconds: float, refusal: type[Exception]) -> None:
    """Start a client of aiokafka; if no broker lets it in within so many seconds, raise `refusal` with the line why."""
    try:
        async with asyncio.timeout(seconds):
            await client.start()
    except (TimeoutError, OSError, KafkaError):
        raise refusal(await unreachable(kafka)) from None
    # aiokafka takes a token that is refused for a cluster without brokers.
    if kafka.get("sasl_mechanism") == SaslMechanism.OAUTHBEARER and not _client_of(client).cluster.brokers():
        raise refusal(await unreachable(kafka))


def _client_of(client: Any) -> Any:
    return client.client if isinstance(client, AIOKafkaProducer) else client._client  # noqa: SLF001 - no other way


async def unreachable(kafka: KafkaAccess) -> str:
    """Return the line for brokers of which none lets us in."""
    hosts = collect_hosts(str(kafka), randomize=False)
    lines = await asyncio.gather(*(_refusal(kafka, host, port) for host, port, _ in hosts))
    otherwise = f"no Kafka broker answers at {kafka}: correct ATP_BROKER, or start one with `atp stack up`"
    return next(filter(None, lines), otherwise)


async def _refusal(kafka: KafkaAccess, host: str, port: int) -> str:
    """Return the line for a broker that answers, but does not let us in; "" if it does not answer, or lets us in."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            await _greet(kafka, host, port)
    except Exception as error:  # noqa: BLE001 - whatever it is: it is only told
        return _why(kafka, f"{host}:{port}", error)
    return ""


async def _greet(kafka: KafkaAccess, host: str, port: int) -> None:
    """Connect to a broker, and ask it for nothing; one that wants to know us first hangs up."""
    security = {name: value for name, value in kafka.items() if name != "bootstrap_servers"}
    connection = await create_conn(host, port, request_timeout_ms=int(_ANSWER_S * 1000), **security)
    try:
        answer = await connection.send(MetadataRequest([]))
        if not answer.brokers:
            raise SaslAuthenticationFailed
    finally:
        connection.close()


def missing(kafka: KafkaAccess, topic: str) -> str:
    """Return the line for a topic that is not there, or that is hidden from us."""
    if not kafka.protected:
        return f"there is no topic {topic} at {kafka}: run `atp init`"
    return f"there is no topic {topic} at {kafka}, or {kafka.who} may not see it: run `atp init`, or {_ADD_ACL}"


def describe_error(kafka: KafkaAccess, error: Exception, otherwise: str) -> str:
    """Return the line for an error of Kafka: what is not allowed, if it is that, or else another line."""
    return denied(kafka, error) or f"{otherwise}: {error!r}"


def denied(kafka: KafkaAccess, error: Exception) -> str:
    """Return the line for what Kafka does not allow, "" if the error is something else."""
    kind = next((what for one, what in _DENIALS.items() if isinstance(error, one)), None)
    if kind is None:
        return ""
    said = error.args[0] if error.args else ""
    name = said.rpartition(" ")[2] if isinstance(said, str) else ", ".join(sorted(map(str, said)))
    return f"Kafka does not let {kafka.who} use {kind} {name}".rstrip() + f": {_ADD_ACL}"


def tls_trouble(error: BaseException | None, names: str) -> str:
    """Return what is wrong with a TLS connection and what to correct, "" if it is something else.

    `names` is what the settings of the certificates begin with.
    """
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_HOST:
            return f"its certificate is for another host ({error.verify_message.rstrip('.')}): use a name that it has"
        return f"its certificate is not trusted ({error.verify_message}): set {names}_CA_LOCATION to its authority"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "TLS fails").replace("_", " ").lower()
        if "alert" in reason or "certificate" in reason:
            return (
                f"it does not accept our certificate ({reason}): set {names}_CERTIFICATE_LOCATION to one that it knows"
            )
        return f"it speaks no TLS at this port ({reason})"
    return ""


def _why(kafka: KafkaAccess, broker: str, error: Exception) -> str:
    """Return the line for a broker that answers, but does not let us in; "" if it does not even answer."""
    mechanism = kafka.get("sasl_mechanism")
    if tls := tls_trouble(error, "ATP_KAFKA_SSL"):
        return f"the Kafka broker at {broker} cannot be used: {tls}"
    match error:
        case NoTokenError():
            return str(error)
        case SaslAuthenticationFailed():
            line = f"the Kafka broker at {broker} does not let {kafka.who} in ({mechanism})"
            oauth = mechanism == SaslMechanism.OAUTHBEARER
            proof = "the token, or who gives it out" if oauth else "ATP_KAFKA_SASL_USERNAME and ..._PASSWORD"
            return f"{line}: correct {proof}"
        case UnsupportedSaslMechanismError():
            return f"the Kafka broker at {broker} does not take {mechanism}: correct ATP_KAFKA_SASL_MECHANISM"
        case KafkaConnectionError() | ConnectionResetError() | asyncio.IncompleteReadError():
            line = f"the Kafka broker at {broker} hangs up on {kafka.get('security_protocol', 'PLAINTEXT')}"
            return f"{line}: correct ATP_KAFKA_SECURITY_PROTOCOL, or the port in ATP_BROKER"
    return ""
