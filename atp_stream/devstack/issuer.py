"""Who gives out tokens for OAUTHBEARER on a secured stack: a key, what brokers check tokens with, and tokens."""

import base64
import json
import time
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

JWKS: Final = "jwks.json"
NAME: Final = "atp-stream-stack"
_COORDINATE_BYTES: Final = 32


class Issuer:
    """Signs tokens with a key that it makes, and keeps only in memory."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def publish(self, directory: Path) -> None:
        """Write the public key in the form of a JSON web key set."""
        point = self._key.public_key().public_numbers()
        key = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": NAME}
        key |= {"x": _coordinate(point.x), "y": _coordinate(point.y)}
        (directory / JWKS).write_text(json.dumps({"keys": [key]}))

    def token(self, principal: str, life_s: float) -> str:
        """Return a token for a principal that is good for so many seconds."""
        now = int(time.time())
        head = {"alg": "ES256", "typ": "JWT", "kid": NAME}
        claims = {"iss": NAME, "aud": NAME, "sub": principal, "iat": now, "exp": now + int(life_s)}
        text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_coordinate(r, s)}"


def _coordinate(*numbers: int) -> str:
    return _encoded(b"".join(number.to_bytes(_COORDINATE_BYTES, "big") for number in numbers))


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
