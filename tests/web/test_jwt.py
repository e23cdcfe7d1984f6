"""JSON Web Tokens: what is signed by the provider, for this audience and for now counts, and nothing else."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from atp_stream.web.callers import Caller, Role
from atp_stream.web.jwt import Claims, JwtVerifier, KeyAddress, KeyFile, KeysUnavailable, TokenRefused, read_keys

CLAIMS = Claims("https://login.example", "atp", "tenants", "roles")
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
PUBLIC: dict[str, Any] = {
    "keys": [
        {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa", "use": "sig"},
        {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
        {**OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "kid": "ed", "alg": "EdDSA"},
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "kid": "shared"},
    ]
}
SHARED = b"secret-secret-secret-secret-secr"


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", lasts_s: int = 300, **changed: Any) -> str:
    said = {
        "iss": "https://login.example", "aud": "atp", "sub": "shop-7", "exp": int(time.time()) + lasts_s,
        "tenants": ["acme"], "roles": ["read", "admin"], **changed,
    }  # fmt: skip
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(kept, key, algorithm, headers={"kid": kid} if kid else None)


@pytest.fixture
def verifier(tmp_path: Path) -> JwtVerifier:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(PUBLIC))
    return JwtVerifier(CLAIMS, KeyFile(file))


GOOD: dict[str, Callable[[], str]] = {
    "rsa": token,
    "ec": lambda: token(EC, "ES256", "ec"),
    "ed25519": lambda: token(ED, "EdDSA", "ed"),
    "one of its audiences": lambda: token(aud=["other", "atp"]),
    "words": lambda: token(tenants="acme", roles="openid read"),
    "a clock that is behind": lambda: token(lasts_s=-30),
}


@pytest.mark.parametrize("name", GOOD)
async def test_a_token_of_the_provider_counts(verifier: JwtVerifier, name: str) -> None:
    assert Caller("shop-7", frozenset({"acme"}), frozenset({Role.READ})) == await verifier.caller(GOOD[name]())


@pytest.mark.parametrize("claims", [{"tenants": None, "roles": None}, {"tenants": 7, "roles": {"read": 1}}])
async def test_a_token_that_names_no_tenants_and_no_roles_may_nothing(
    verifier: JwtVerifier, claims: dict[str, Any]
) -> None:
    assert Caller("shop-7", frozenset(), frozenset()) == await verifier.caller(token(**claims))


NO_ALGORITHM = {"iss": "https://login.example", "aud": "atp", "sub": "x", "exp": 9_999_999_999}
BAD: dict[str, Callable[[], str]] = {
    "signed by another": lambda: token(OTHER),
    "another issuer": lambda: token(iss="https://login.evil"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="else"),
    "no audience": lambda: token(aud=None),
    "expired": lambda: token(lasts_s=-90),
    "no end": lambda: token(exp=None),
    "not yet": lambda: token(nbf=int(time.time()) + 300),
    "of nobody": lambda: token(sub=None),
    "unknown key": lambda: token(kid="unknown"),
    "some key": lambda: token(kid=None),
    "shared secret": lambda: token(SHARED, "HS256", "shared"),
    "no signature": lambda: jwt.encode(NO_ALGORITHM, "", "none"),
    "spoiled": lambda: token()[:-4] + "AAAA",
    "letters": lambda: "a.b.c",
    "dots": lambda: "..",
    "no ascii": lambda: "é.é.é",
    "many dots": lambda: 5_000 * ".",
}


@pytest.mark.parametrize("name", BAD)
async def test_any_other_token_is_refused_with_a_reason_that_does_not_show_it(verifier: JwtVerifier, name: str) -> None:
    with pytest.raises(TokenRefused) as raised:
        await verifier.caller(shown := BAD[name]())
    assert str(raised.value)
    assert len(shown) < 10 or shown not in str(raised.value)


def test_a_public_key_is_no_secret_that_could_sign() -> None:
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        read_keys(b"[]")
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        read_keys(b'{"keys": []}')
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        read_keys(b"[" * 100_000)


class Provider:
    """Publishes keys, or does not."""

    def __init__(self) -> None:
        self.asked = 0
        self.keys: Any = PUBLIC
        self.status = 200

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(self.keys, status=self.status)


async def test_keys_at_an_address_are_asked_for_once_and_again_for_a_key_that_is_new() -> None:
    provider, now = Provider(), [0.0]
    provider.keys = {"keys": PUBLIC["keys"][:1]}
    app = web.Application()
    app.router.add_get("/jwks", provider.answer)
    async with TestServer(app) as server, ClientSession() as session:
        verifier = JwtVerifier(CLAIMS, KeyAddress(str(server.make_url("/jwks")), lambda: session, lambda: now[0]))
        for _ in range(3):
            assert "shop-7" == (await verifier.caller(token())).name
        assert 1 == provider.asked

        provider.keys = PUBLIC
        with pytest.raises(TokenRefused, match="a key that is not known"):  # too soon after the last time
            await verifier.caller(token(EC, "ES256", "ec"))
        now[0] = 11.0
        assert "shop-7" == (await verifier.caller(token(EC, "ES256", "ec"))).name
        assert 2 == provider.asked

        provider.status, now[0] = 500, 700.0
        assert "shop-7" == (await verifier.caller(token())).name  # what was known goes on counting


@pytest.mark.parametrize("keys", [[], "x", {"keys": 5}, {"keys": 70_000 * ["x" * 20]}])
async def test_without_keys_nobody_can_say_whether_a_token_counts(keys: Any) -> None:
    provider = Provider()
    provider.keys = keys
    app = web.Application()
    app.router.add_get("/jwks", provider.answer)
    async with TestServer(app) as server, ClientSession() as session:
        verifier = JwtVerifier(CLAIMS, KeyAddress(str(server.make_url("/jwks")), lambda: session))
        for _ in range(2):
            with pytest.raises(KeysUnavailable):
                await verifier.caller(token())
    assert 1 == provider.asked
