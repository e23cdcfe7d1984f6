"""The value that every Kafka client is made with."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from faust.types.auth import AuthProtocol

from atp_stream.access import KafkaAccess
from atp_stream.settings import KafkaSecurity, SaslMechanism, SecurityProtocol, SettingError, Settings

USER = {"sasl_username": "worker", "sasl_password": "s3cr3t"}


def access(protocol: str, mechanism: str = "", **security: Any) -> KafkaAccess:
    chosen = KafkaSecurity(
        security_protocol=SecurityProtocol(protocol), sasl_mechanism=SaslMechanism(mechanism), **security
    )
    return KafkaAccess.of(Settings(brokers=("one:1", "two:2"), kafka_security=chosen))


def test_without_security_it_is_the_addresses_alone() -> None:
    kafka = access("PLAINTEXT")

    assert {"bootstrap_servers": "one:1,two:2"} == dict(kafka)
    assert (False, None) == (kafka.protected, kafka.credentials())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_user_is_named_to_every_client_and_to_faust(protocol: str, mechanism: str) -> None:
    kafka = access(protocol, mechanism, **USER)
    faust: Any = kafka.credentials()

    expected = {
        "bootstrap_servers": "one:1,two:2",
        "security_protocol": protocol,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "worker",
        "sasl_plain_password": "s3cr3t",
    }
    assert expected == {name: value for name, value in kafka.items() if name != "ssl_context"}
    assert (protocol, mechanism) == (faust.protocol.value, faust.mechanism.value)
    assert ("worker", "s3cr3t", kafka.get("ssl_context")) == (faust.username, faust.password, faust.ssl_context)


def test_a_certificate_is_shown_to_every_client_and_to_faust(secrets: Path) -> None:
    kafka = access("SSL", ssl_ca_location=str(secrets / "ca.pem"), ssl_certificate_location=str(secrets / "client.pem"))
    faust: Any = kafka.credentials()

    assert {"bootstrap_servers", "security_protocol", "ssl_context"} == set(kafka)
    assert (AuthProtocol.SSL, kafka["ssl_context"]) == (faust.protocol, faust.context)


def test_tokens_are_given_to_every_client_and_to_faust() -> None:
    kafka = access("SASL_SSL", "OAUTHBEARER", oauth_token_file="token")
    faust: Any = kafka.credentials()

    assert ("OAUTHBEARER", kafka["sasl_oauth_token_provider"]) == (kafka["sasl_mechanism"], faust.oauth_cb)
    assert AuthProtocol.SASL_SSL == faust.protocol


@pytest.mark.parametrize(("word", "checked"), [("https", True), ("none", False)])
def test_whether_a_broker_must_be_who_it_says_is_chosen(word: str, checked: bool) -> None:  # noqa: FBT001
    environment = {
        "ATP_KAFKA_SECURITY_PROTOCOL": "SSL",
        "ATP_KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM": word,
    }
    context = KafkaAccess.of(Settings.from_environment(environment))["ssl_context"]

    assert (checked, ssl.CERT_REQUIRED) == (context.check_hostname, context.verify_mode)


async def test_aiokafka_takes_it_as_it_is() -> None:
    kafka = access("SASL_SSL", "SCRAM-SHA-512", **USER)

    await AIOKafkaProducer(**kafka).stop()
    await AIOKafkaConsumer(**kafka).stop()
    await AIOKafkaAdminClient(**kafka).close()


def test_it_shows_no_secret() -> None:
    kafka = access("SASL_SSL", "PLAIN", **USER)

    assert ("one:1,two:2", "one:1,two:2") == (str(kafka), repr(kafka))
    assert "s3cr3t" not in repr(kafka.credentials())


@pytest.mark.parametrize(
    ("security", "line"),
    [
        (
            {"ssl_ca_location": "/nowhere"},
            "ATP_KAFKA_SSL_CA_LOCATION='/nowhere' is not allowed: give a PEM file of auth",
        ),
        (
            {"ssl_ca_location": "{key}"},
            "ATP_KAFKA_SSL_CA_LOCATION='{key}' is not allowed: give a PEM file of authorities",
        ),
        ({"ssl_certificate_location": "{ca}"}, "ATP_KAFKA_SSL_CERTIFICATE_LOCATION='{ca}' is not allowed: give a PEM"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    security: dict[str, str], line: str, secrets: Path, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_text("no certificate")
    files = {"key": tmp_path / "key.pem", "ca": secrets / "ca.pem"}
    with pytest.raises(SettingError) as raised:
        access("SSL", **{name: value.format(**files) for name, value in security.items()})
    assert str(raised.value).startswith(line.format(**files))
