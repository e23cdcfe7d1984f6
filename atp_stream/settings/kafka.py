"""How Kafka is asked to let us in; the names are librdkafka's own, in capitals behind `ATP_KAFKA_`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from atp_stream.settings.kinds import SECRET, TEXT, URL_OR_NOTHING, HalfSetError, Kind, choice, setting


class SecurityProtocol(StrEnum):
    """What a broker's listener speaks."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}

    @property
    def sasl(self) -> bool:
        """Whether a client says who it is by SASL."""
        return self in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}


class SaslMechanism(StrEnum):
    """How a client proves who it is."""

    NONE = ""
    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"


class Identification(StrEnum):
    """Whether a broker's certificate must name the host that was asked."""

    HTTPS = "https"
    NONE = "none"


_MECHANISM: Final = Kind(SaslMechanism, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """What an operator has set of TLS and SASL towards Kafka; `KafkaSecurity()` is neither."""

    security_protocol: SecurityProtocol = choice(
        "ATP_KAFKA_SECURITY_PROTOCOL", SecurityProtocol.PLAINTEXT, "What the brokers speak at ATP_BROKER."
    )
    sasl_mechanism: SaslMechanism = setting(
        "ATP_KAFKA_SASL_MECHANISM", "", _MECHANISM, "How we prove who we are, where the protocol has SASL."
    )
    sasl_username: str = setting("ATP_KAFKA_SASL_USERNAME", "", TEXT, "User name for PLAIN and SCRAM.")
    sasl_password: str = setting("ATP_KAFKA_SASL_PASSWORD", "", SECRET, "Password of that user.", secret=True)
    oauth_token_file: str = setting(
        "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE",
        "",
        TEXT,
        "File with the token for OAUTHBEARER, read anew for each connection.",
    )
    oauth_endpoint_url: str = setting(
        "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
        "",
        URL_OR_NOTHING,
        "Where tokens for OAUTHBEARER are given out for client credentials, instead of a file.",
    )
    oauth_client_id: str = setting(
        "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_ID", "", TEXT, "Name of this client at the token endpoint."
    )
    oauth_client_secret: str = setting(
        "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET", "", SECRET, "Secret of this client there.", secret=True
    )
    oauth_scope: str = setting("ATP_KAFKA_SASL_OAUTHBEARER_SCOPE", "", TEXT, "Scope that is asked for there.")
    https_ca_location: str = setting(
        "ATP_KAFKA_HTTPS_CA_LOCATION",
        "",
        TEXT,
        "PEM file of the authorities that the token endpoint is checked with; empty: the system's.",
    )
    ssl_ca_location: str = setting(
        "ATP_KAFKA_SSL_CA_LOCATION",
        "",
        TEXT,
        "PEM file of the authorities that brokers are checked with; empty: the system's.",
    )
    ssl_certificate_location: str = setting(
        "ATP_KAFKA_SSL_CERTIFICATE_LOCATION", "", TEXT, "PEM file of our own certificate, where brokers want one."
    )
    ssl_key_location: str = setting(
        "ATP_KAFKA_SSL_KEY_LOCATION", "", TEXT, "PEM file of its key; empty: the certificate's own file has it."
    )
    ssl_key_password: str = setting("ATP_KAFKA_SSL_KEY_PASSWORD", "", SECRET, "Password of that key.", secret=True)
    ssl_identification: Identification = choice(
        "ATP_KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM",
        Identification.HTTPS,
        "Whether a broker's certificate must name the host in ATP_BROKER.",
    )

    def refuse_half(self) -> None:
        """Refuse settings that say half of what a connection needs.

        Raises:
            HalfSetError: they do.
        """
        protocol = self.security_protocol
        _refuse_without("TLS", "SSL or SASL_SSL", {} if protocol.tls else self._tls(), protocol)
        _refuse_without("SASL", "SASL_SSL or SASL_PLAINTEXT", {} if protocol.sasl else self._sasl(), protocol)
        refuse_lonely(self._key(), "ATP_KAFKA_SSL_CERTIFICATE_LOCATION", self.ssl_certificate_location)
        if protocol.sasl:
            self._refuse_half_sasl()

    def _refuse_half_sasl(self) -> None:
        mechanism = self.sasl_mechanism
        if mechanism is SaslMechanism.NONE:
            raise HalfSetError(
                f"ATP_KAFKA_SECURITY_PROTOCOL={self.security_protocol} needs ATP_KAFKA_SASL_MECHANISM:"
                f" set it to {_MECHANISM.allowed}"
            )
        oauth = mechanism is SaslMechanism.OAUTHBEARER
        for variable in _said(self._user() if oauth else self._oauth()):
            raise HalfSetError(f"{variable} is not for {mechanism}: leave it out, or correct ATP_KAFKA_SASL_MECHANISM")
        if oauth and bool(self.oauth_token_file) == bool(_said(self._client())):
            raise HalfSetError(
                "OAUTHBEARER needs either ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE, or ..._TOKEN_ENDPOINT_URL with"
                " ..._CLIENT_ID and ..._CLIENT_SECRET"
            )
        needed = self._user() if not oauth else {} if self.oauth_token_file else self._client()
        missing = [variable for variable, value in needed.items() if not value]
        if missing:
            raise HalfSetError(
                f"{mechanism} needs {' and '.join(missing)}: set {'it' if len(missing) == 1 else 'them'}"
            )

    def _key(self) -> dict[str, str]:
        return {
            "ATP_KAFKA_SSL_KEY_LOCATION": self.ssl_key_location,
            "ATP_KAFKA_SSL_KEY_PASSWORD": self.ssl_key_password,
        }

    def _tls(self) -> dict[str, str]:
        checked = self.ssl_identification is Identification.HTTPS
        return {
            "ATP_KAFKA_SSL_CA_LOCATION": self.ssl_ca_location,
            "ATP_KAFKA_SSL_CERTIFICATE_LOCATION": self.ssl_certificate_location,
            "ATP_KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM": "" if checked else self.ssl_identification,
            **self._key(),
        }

    def _user(self) -> dict[str, str]:
        return {"ATP_KAFKA_SASL_USERNAME": self.sasl_username, "ATP_KAFKA_SASL_PASSWORD": self.sasl_password}

    def _client(self) -> dict[str, str]:
        return {
            "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": self.oauth_endpoint_url,
            "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_ID": self.oauth_client_id,
            "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET": self.oauth_client_secret,
        }

    def _oauth(self) -> dict[str, str]:
        return {
            "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": self.oauth_token_file,
            "ATP_KAFKA_SASL_OAUTHBEARER_SCOPE": self.oauth_scope,
            "ATP_KAFKA_HTTPS_CA_LOCATION": self.https_ca_location,
            **self._client(),
        }

    def _sasl(self) -> dict[str, str]:
        return {"ATP_KAFKA_SASL_MECHANISM": self.sasl_mechanism, **self._user(), **self._oauth()}


def refuse_lonely(said: dict[str, str], variable: str, value: str) -> None:
    """Refuse what has no meaning without `variable`.

    Raises:
        HalfSetError: something is said, and `variable` is not.
    """
    for lonely in _said(said) if not value else ():
        raise HalfSetError(f"{lonely} is set, but {variable} is not: set both, or neither")


def _refuse_without(what: str, protocols: str, said: dict[str, str], protocol: SecurityProtocol) -> None:
    for variable in _said(said):
        raise HalfSetError(
            f"{variable} is set, but ATP_KAFKA_SECURITY_PROTOCOL={protocol} has no {what}:"
            f" set a protocol with {what} ({protocols}), or leave {variable} out"
        )


def _said(values: dict[str, str]) -> list[str]:
    """Return the variables that have a value."""
    return [variable for variable, value in values.items() if value]
