"""How Kafka lets us in: one value that every client of it is made with."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from atp_stream.access.tls import client_context
from atp_stream.access.tokens import Tokens
from atp_stream.settings import Identification, KafkaSecurity, SaslMechanism, Settings


class KafkaAccess(Mapping[str, Any]):
    """Keyword arguments of any aiokafka client: where the brokers are, and how they let us in.

    In text it is the brokers' addresses, and nothing else.
    """

    def __init__(self, brokers: str, **security: Any) -> None:
        self._arguments = {"bootstrap_servers": brokers, **security}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say.

        Raises:
            SettingError: a file that they name cannot be used.
        """
        return cls(settings.bootstrap, **_arguments(settings.kafka_security))

    def __getitem__(self, name: str) -> Any:
        return self._arguments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def __len__(self) -> int:
        return len(self._arguments)

    def __str__(self) -> str:
        return str(self._arguments["bootstrap_servers"])

    __repr__ = __str__

    @property
    def protected(self) -> bool:
        """Whether the brokers know who we are, and so may refuse what we ask for."""
        return "security_protocol" in self

    @property
    def who(self) -> str:
        """Who we are to the brokers, as far as it has a name."""
        user = self.get("sasl_plain_username")
        return f"user {user}" if user else "this client"

    def credentials(self) -> CredentialsT | None:
        """Return the same for Faust's own consumer and producer; None where there is nothing to show."""
        context, mechanism = self.get("ssl_context"), self.get("sasl_mechanism")
        if mechanism == SaslMechanism.OAUTHBEARER:
            return OAuthCredentials(oauth_cb=self["sasl_oauth_token_provider"], ssl_context=context)
        if mechanism:
            return SASLCredentials(
                username=self["sasl_plain_username"],
                password=self["sasl_plain_password"],
                mechanism=mechanism,
                ssl_context=context,
            )
        return SSLCredentials(context) if context else None


def _arguments(security: KafkaSecurity) -> dict[str, Any]:
    protocol, mechanism = security.security_protocol, security.sasl_mechanism
    found: dict[str, Any] = {}
    if protocol.tls:
        found["ssl_context"] = client_context(
            "ATP_KAFKA_SSL",
            ca=security.ssl_ca_location,
            certificate=security.ssl_certificate_location,
            key=security.ssl_key_location,
            key_password=security.ssl_key_password,
            check_host=security.ssl_identification is Identification.HTTPS,
        )
    if protocol.sasl:
        found["sasl_mechanism"] = mechanism.value
    if mechanism is SaslMechanism.OAUTHBEARER:
        found["sasl_oauth_token_provider"] = Tokens(security)
    elif protocol.sasl:
        found["sasl_plain_username"] = security.sasl_username
        found["sasl_plain_password"] = security.sasl_password
    return {"security_protocol": protocol.value, **found} if found else {}
