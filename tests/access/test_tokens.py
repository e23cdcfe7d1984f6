"""OAUTHBEARER tokens, from a file and from an endpoint."""

from pathlib import Path

import pytest

from atp_stream.access.tokens import NoTokenError, Tokens
from atp_stream.settings import KafkaSecurity, SettingError
from tests.access.servers import basic, knowing


def asking(url: str, secret: str = "s3cr3t", ca: str = "") -> Tokens:
    return Tokens(
        KafkaSecurity(oauth_endpoint_url=url, oauth_client_id="atp", oauth_client_secret=secret, https_ca_location=ca)
    )


async def test_a_token_file_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    tokens = Tokens(KafkaSecurity(oauth_token_file=str(file)))

    file.write_text("one\n")
    first = await tokens.token()
    file.write_text("two\n")

    assert ("one", "two") == (first, await tokens.token())


async def test_a_token_file_that_is_not_there_is_said() -> None:
    with pytest.raises(NoTokenError, match=r"^the token file /nowhere cannot be read \(No such file or directory\)"):
        await Tokens(KafkaSecurity(oauth_token_file="/nowhere")).token()


async def test_an_endpoint_is_asked_once_for_as_long_as_its_token_lives() -> None:
    with knowing(basic("atp", "s3cr3t"), answer={"access_token": "t", "expires_in": 3600}) as url:
        tokens = asking(url)
        first = await tokens.token()

    assert ("t", "t") == (first, await tokens.token())  # it is gone by now


async def test_an_endpoint_is_asked_again_when_its_token_is_old() -> None:
    with knowing(basic("atp", "s3cr3t"), answer={"access_token": "t", "expires_in": 0}) as url:
        tokens = asking(url)
        await tokens.token()

    with pytest.raises(NoTokenError):
        await tokens.token()


async def test_an_endpoint_may_be_of_our_own_authority(secrets: Path) -> None:
    with knowing(basic("atp", "s3cr3t"), secrets=secrets, answer={"access_token": "t"}) as url:
        assert "t" == await asking(url, ca=str(secrets / "ca.pem")).token()


def test_an_authority_that_is_none_is_named_before_anybody_is_asked() -> None:
    with pytest.raises(SettingError, match=r"^ATP_KAFKA_HTTPS_CA_LOCATION='/nowhere' is not allowed: give a PEM file"):
        asking("https://127.0.0.1:1", ca="/nowhere")


async def test_a_wrong_secret_is_said_without_it() -> None:
    with knowing(basic("atp", "right")) as url, pytest.raises(NoTokenError) as raised:
        await asking(url).token()

    expected = (
        "the token endpoint gives no token (it answers 401, and no token): correct"
        " ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, ..._CLIENT_ID and ..._CLIENT_SECRET"
    )
    assert expected == str(raised.value)


@pytest.mark.parametrize("answer", [[], "token", {}, {"access_token": "t", "expires_in": "soon"}])
async def test_an_answer_that_is_no_token_is_said(answer: object) -> None:
    with knowing(answer=answer) as url, pytest.raises(NoTokenError, match="it answers 200, and no token"):
        await asking(url).token()
