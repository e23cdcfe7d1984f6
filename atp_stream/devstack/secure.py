"""What makes a stack secure: principals, their passwords and certificates, and the settings of Kafka for them."""

import json
import secrets
import ssl
from pathlib import Path
from typing import Final

from atp_stream.devstack.child import StackError
from atp_stream.devstack.ports import BrokerPorts

ADMIN: Final = "admin"
"""The principal that may do all; the brokers among themselves are it, too."""
PRINCIPALS: Final = (
    ADMIN,
    "init",
    "worker",
    "upstream",
    "downstream",
    "policy",
    "auditor",
    "dead-letters",
    "operator",
)
_MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256")
_PROPERTIES: Final = """\
ssl.keystore.type=PEM
ssl.keystore.location={directory}/admin.pem
ssl.truststore.type=PEM
ssl.truststore.location={directory}/ca.pem
ssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/
listener.name.ssl.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER
sasl.oauthbearer.jwks.endpoint.url=file://{directory}/jwks.json
sasl.oauthbearer.expected.issuer=atp-stream-stack
sasl.oauthbearer.expected.audience=atp-stream-stack
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
allow.everyone.if.no.acl.found=false
"""
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_OAUTHBEARER: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
_VALIDATOR: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required{users};"


class Vault:
    """The secrets of a stack, in files under `directory` that only this user may read."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._passwords_file = self.directory / "passwords.json"

    def make(self) -> None:
        """Make what is not there: passwords once, certificates anew.

        Raises:
            StackError: there is no library that makes certificates.
        """
        try:
            from atp_stream.devstack import certificates, issuer
        except ImportError:
            raise StackError("certificates need a library: get it with pip install 'atp-stream[secure]'") from None
        certificates.make(self.directory, PRINCIPALS)
        tokens = issuer.Issuer()
        tokens.publish(self.directory)
        for name in PRINCIPALS:
            self._keep(self.token_file(name), tokens.token(name, certificates.LIFE.total_seconds()))
        if not self._passwords_file.exists():
            self._keep(self._passwords_file, json.dumps({name: secrets.token_urlsafe(16) for name in PRINCIPALS}))

    def password(self, principal: str) -> str:
        """Return the password of a principal."""
        return str(json.loads(self._passwords_file.read_text())[principal])

    def certificate(self, principal: str) -> Path:
        """Return the file with the key and the certificate of a principal."""
        return self.directory / f"{principal}.pem"

    def write(self, principal: str, variables: dict[str, str]) -> Path:
        """Write the settings of a principal to a file that a shell can read, and return the file."""
        file = self.directory / f"{principal}.env"
        self._keep(file, "".join(f"{name}={value}\n" for name, value in variables.items()))
        return file

    def token_file(self, principal: str) -> Path:
        """Return the file with a principal's token for OAUTHBEARER."""
        return self.directory / f"{principal}.token"

    @staticmethod
    def _keep(file: Path, text: str) -> None:
        """Write what only this user may read."""
        file.touch(mode=0o600)
        file.write_text(text)

    def context(self) -> ssl.SSLContext:
        """Return the TLS context of a client that is the admin."""
        context = ssl.create_default_context(cafile=str(self.directory / "ca.pem"))
        context.load_cert_chain(self.certificate(ADMIN))
        return context

    def properties(self) -> str:
        """Return what a broker's configuration says beside its listeners."""
        users = "".join(f' user_{name}="{self.password(name)}"' for name in PRINCIPALS)
        lines = [
            f"listener.name.{listener}.{mechanism.lower()}.sasl.jaas.config={module}"
            for listener in ("sasl_ssl", "sasl_plaintext")
            for mechanism, module in [
                *((name, _SCRAM) for name in _MECHANISMS),
                ("plain", _PLAIN.format(users=users)),
                ("oauthbearer", _OAUTHBEARER),
            ]
        ]
        lines += [
            f"listener.name.{listener}.oauthbearer.sasl.server.callback.handler.class={_VALIDATOR}"
            for listener in ("sasl_ssl", "sasl_plaintext")
        ]
        return _PROPERTIES.format(directory=self.directory) + "\n".join(lines) + "\n"

    def flags(self) -> list[str]:
        """Return the options of a broker's JVM: only this file may say which tokens are good."""
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://{self.directory}/jwks.json"]

    def scram(self) -> list[str]:
        """Return the arguments with which a data directory is formatted, so that its first start knows them all."""
        return [
            word
            for name in PRINCIPALS
            for mechanism in _MECHANISMS
            for word in ("--add-scram", f"{mechanism}=[name={name},password={self.password(name)}]")
        ]


def listeners(ports: BrokerPorts) -> dict[str, tuple[str, int]]:
    """Return protocol and port of each listener of a secured broker; brokers use the second one among themselves."""
    return {
        "SASL_SSL": ("SASL_SSL", ports.client),
        "SSL": ("SSL", ports.ssl),
        "SASL_PLAINTEXT": ("SASL_PLAINTEXT", ports.sasl_plaintext),
        "CONTROLLER": ("SSL", ports.controller),
    }


def environment(vault: Vault, principal: str, bootstrap: str, registry_url: str) -> dict[str, str]:
    """Return the settings with which a principal uses the stack."""
    ca = str(vault.directory / "ca.pem")
    return {
        "ATP_BROKER": bootstrap,
        "ATP_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "ATP_KAFKA_SASL_MECHANISM": _MECHANISMS[0],
        "ATP_KAFKA_SASL_USERNAME": principal,
        "ATP_KAFKA_SASL_PASSWORD": vault.password(principal),
        "ATP_KAFKA_SSL_CA_LOCATION": ca,
        "ATP_REGISTRY_URL": registry_url,
        "ATP_REGISTRY_USERNAME": principal,
        "ATP_REGISTRY_PASSWORD": vault.password(principal),
        "ATP_REGISTRY_SSL_CA_LOCATION": ca,
    }
