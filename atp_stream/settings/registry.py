"""How the schema registry is asked to let us in."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from atp_stream.settings.kafka import refuse_lonely
from atp_stream.settings.kinds import SECRET, TEXT, HalfSetError, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySecurity:
    """What an operator has set of TLS and passwords towards the registry; `RegistrySecurity()` is neither."""

    username: str = setting("ATP_REGISTRY_USERNAME", "", TEXT, "User name for the registry, where it wants a password.")
    password: str = setting("ATP_REGISTRY_PASSWORD", "", SECRET, "Password of that user.", secret=True)
    token_file: str = setting(
        "ATP_REGISTRY_TOKEN_FILE",
        "",
        TEXT,
        "File with a bearer token for the registry instead, read anew for each question.",
    )
    ssl_ca_location: str = setting(
        "ATP_REGISTRY_SSL_CA_LOCATION",
        "",
        TEXT,
        "PEM file of the authorities that the registry is checked with; empty: the system's.",
    )
    ssl_certificate_location: str = setting(
        "ATP_REGISTRY_SSL_CERTIFICATE_LOCATION",
        "",
        TEXT,
        "PEM file of our own certificate, if it wants one.",
    )
    ssl_key_location: str = setting(
        "ATP_REGISTRY_SSL_KEY_LOCATION", "", TEXT, "PEM file of its key; empty: the certificate's own file has it."
    )
    ssl_key_password: str = setting("ATP_REGISTRY_SSL_KEY_PASSWORD", "", SECRET, "Password of that key.", secret=True)

    def refuse_half(self, url: str) -> None:
        """Refuse settings that say half of what a connection to `url` needs.

        Raises:
            HalfSetError: they do.
        """
        secret = {"ATP_REGISTRY_PASSWORD": self.password}
        name = {"ATP_REGISTRY_USERNAME": self.username}
        key = {
            "ATP_REGISTRY_SSL_KEY_LOCATION": self.ssl_key_location,
            "ATP_REGISTRY_SSL_KEY_PASSWORD": self.ssl_key_password,
        }
        refuse_lonely(secret, "ATP_REGISTRY_USERNAME", self.username)
        refuse_lonely(name, "ATP_REGISTRY_PASSWORD", self.password)
        refuse_lonely(key, "ATP_REGISTRY_SSL_CERTIFICATE_LOCATION", self.ssl_certificate_location)
        ways = {
            "ATP_REGISTRY_USERNAME": bool(self.username),
            "ATP_REGISTRY_TOKEN_FILE": bool(self.token_file),
            "a user in ATP_REGISTRY_URL": bool(urlsplit(url).username),
        }
        used = [way for way, said in ways.items() if said]
        if len(used) > 1:
            raise HalfSetError(f"{' and '.join(used)} are both set: leave one of them out")
        tls = {
            "ATP_REGISTRY_SSL_CA_LOCATION": self.ssl_ca_location,
            "ATP_REGISTRY_SSL_CERTIFICATE_LOCATION": self.ssl_certificate_location,
        }
        for variable, value in tls.items():
            if value and not url.startswith("https:"):
                raise HalfSetError(
                    f"{variable} is set, but ATP_REGISTRY_URL does not begin with https: correct one of them"
                )
