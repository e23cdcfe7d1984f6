"""TLS, passwords and tokens: half of what a connection needs is refused, and no secret is ever printed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.settings import SaslMechanism, SecurityProtocol, SettingError, Settings, catalogue, environment_of

K = "ATP_KAFKA_"
R = "ATP_REGISTRY_"
OAUTH = f"{K}SASL_OAUTHBEARER_"
SCRAM = {f"{K}SECURITY_PROTOCOL": "SASL_SSL", f"{K}SASL_MECHANISM": "SCRAM-SHA-512"}
BEARER = {f"{K}SECURITY_PROTOCOL": "SASL_SSL", f"{K}SASL_MECHANISM": "OAUTHBEARER"}
CLIENT = {f"{OAUTH}TOKEN_ENDPOINT_URL": "https://id", f"{OAUTH}CLIENT_ID": "atp", f"{OAUTH}CLIENT_SECRET": "s3cr3t"}
USER = {f"{K}SASL_USERNAME": "worker", f"{K}SASL_PASSWORD": "s3cr3t"}


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(SettingError) as raised:
        Settings.from_environment(environment)
    return str(raised.value)


def test_nothing_set_is_plaintext_without_a_name() -> None:
    security = Settings.from_environment({}).kafka_security

    assert (SecurityProtocol.PLAINTEXT, SaslMechanism.NONE) == (security.security_protocol, security.sasl_mechanism)


@pytest.mark.parametrize(
    "environment",
    [
        {f"{K}SECURITY_PROTOCOL": "SSL"},
        {f"{K}SECURITY_PROTOCOL": "SSL", f"{K}SSL_CERTIFICATE_LOCATION": "c", f"{K}SSL_KEY_PASSWORD": "p"},
        {**SCRAM, **USER},
        {**SCRAM, **USER, f"{K}SASL_MECHANISM": "PLAIN", f"{K}SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
        {**SCRAM, **USER, f"{K}SSL_CERTIFICATE_LOCATION": "cert", f"{K}SSL_KEY_LOCATION": "key"},
        {**BEARER, f"{OAUTH}TOKEN_FILE": "token"},
        {**BEARER, **CLIENT, f"{OAUTH}SCOPE": "kafka", f"{K}HTTPS_CA_LOCATION": "ca"},
        {f"{R}USERNAME": "atp", f"{R}PASSWORD": "s3cr3t"},
        {f"{R}TOKEN_FILE": "token"},
        {f"{R}URL": "https://r", f"{R}SSL_CA_LOCATION": "ca", f"{R}SSL_CERTIFICATE_LOCATION": "cert"},
    ],
)
def test_what_a_connection_needs_is_accepted_and_can_be_said_again(environment: dict[str, str]) -> None:
    settings = Settings.from_environment(environment)

    assert settings == Settings.from_environment(environment_of(settings))


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {f"{K}SASL_USERNAME": "worker"},
            (
                "ATP_KAFKA_SASL_USERNAME is set, but ATP_KAFKA_SECURITY_PROTOCOL=PLAINTEXT has no SASL:"
                " set a protocol with SASL (SASL_SSL or SASL_PLAINTEXT), or leave ATP_KAFKA_SASL_USERNAME out"
            ),
        ),
        (
            {f"{K}SSL_CA_LOCATION": "ca.pem"},
            (
                "ATP_KAFKA_SSL_CA_LOCATION is set, but ATP_KAFKA_SECURITY_PROTOCOL=PLAINTEXT has no TLS:"
                " set a protocol with TLS (SSL or SASL_SSL), or leave ATP_KAFKA_SSL_CA_LOCATION out"
            ),
        ),
        (
            {f"{K}SECURITY_PROTOCOL": "SASL_SSL"},
            (
                "ATP_KAFKA_SECURITY_PROTOCOL=SASL_SSL needs ATP_KAFKA_SASL_MECHANISM:"
                " set it to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
            ),
        ),
        (SCRAM, "SCRAM-SHA-512 needs ATP_KAFKA_SASL_USERNAME and ATP_KAFKA_SASL_PASSWORD: set them"),
        (
            {**SCRAM, f"{K}SASL_USERNAME": "worker"},
            "SCRAM-SHA-512 needs ATP_KAFKA_SASL_PASSWORD: set it",
        ),
        (
            {**SCRAM, **USER, f"{OAUTH}TOKEN_FILE": "token"},
            (
                "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE is not for SCRAM-SHA-512: leave it out,"
                " or correct ATP_KAFKA_SASL_MECHANISM"
            ),
        ),
        (
            {**BEARER, f"{OAUTH}TOKEN_FILE": "token", **USER},
            "ATP_KAFKA_SASL_USERNAME is not for OAUTHBEARER: leave it out, or correct ATP_KAFKA_SASL_MECHANISM",
        ),
        (
            BEARER,
            (
                "OAUTHBEARER needs either ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE, or ..._TOKEN_ENDPOINT_URL with"
                " ..._CLIENT_ID and ..._CLIENT_SECRET"
            ),
        ),
        (
            {**BEARER, f"{OAUTH}CLIENT_ID": "atp"},
            (
                "OAUTHBEARER needs ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL and"
                " ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: set them"
            ),
        ),
        (
            {f"{K}SECURITY_PROTOCOL": "SSL", f"{K}SSL_KEY_LOCATION": "key.pem"},
            "ATP_KAFKA_SSL_KEY_LOCATION is set, but ATP_KAFKA_SSL_CERTIFICATE_LOCATION is not: set both, or neither",
        ),
        (
            {f"{R}USERNAME": "atp"},
            "ATP_REGISTRY_USERNAME is set, but ATP_REGISTRY_PASSWORD is not: set both, or neither",
        ),
        (
            {f"{R}PASSWORD": "s3cr3t"},
            "ATP_REGISTRY_PASSWORD is set, but ATP_REGISTRY_USERNAME is not: set both, or neither",
        ),
        (
            {f"{R}USERNAME": "atp", f"{R}PASSWORD": "s3cr3t", f"{R}TOKEN_FILE": "token"},
            "ATP_REGISTRY_USERNAME and ATP_REGISTRY_TOKEN_FILE are both set: leave one of them out",
        ),
        (
            {f"{R}URL": "http://atp:s3cr3t@registry", f"{R}TOKEN_FILE": "token"},
            "ATP_REGISTRY_TOKEN_FILE and a user in ATP_REGISTRY_URL are both set: leave one of them out",
        ),
        (
            {f"{R}SSL_CA_LOCATION": "ca.pem"},
            "ATP_REGISTRY_SSL_CA_LOCATION is set, but ATP_REGISTRY_URL does not begin with https: correct one of them",
        ),
    ],
)
def test_half_of_what_a_connection_needs_is_refused_with_what_to_do(environment: dict[str, str], line: str) -> None:
    assert line == refusal(environment)


def test_half_a_configuration_ends_a_command_with_exit_code_two_and_one_line() -> None:
    done = CliRunner().invoke(main, ["init"], env={f"{K}SASL_USERNAME": "worker"})

    assert (2, "", 1) == (done.exit_code, done.stdout, done.stderr.count("\n"))


SECRETS = [row.variable for row in catalogue() if row.secret]


def test_these_are_the_secrets() -> None:
    expected = [
        "ATP_KAFKA_SASL_PASSWORD",
        "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET",
        "ATP_KAFKA_SSL_KEY_PASSWORD",
        "ATP_REGISTRY_PASSWORD",
        "ATP_REGISTRY_SSL_KEY_PASSWORD",
        "ATP_WEB_TOKEN",
    ]
    assert expected == SECRETS


def test_a_secret_may_come_from_a_file_whose_last_line_ends(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cr3t\n")
    user = {f"{K}SASL_USERNAME": "worker", f"{K}SASL_PASSWORD_FILE": str(tmp_path / "password")}

    assert "s3cr3t" == Settings.from_environment({**SCRAM, **user}).kafka_security.sasl_password


def test_a_file_of_a_secret_that_is_not_there_is_named() -> None:
    expected = (
        "ATP_REGISTRY_PASSWORD_FILE='/nowhere' is not allowed: give a file that can be read (No such file or directory)"
    )
    assert expected == refusal({f"{R}PASSWORD_FILE": "/nowhere"})


def test_a_secret_that_is_set_twice_is_refused() -> None:
    both = {f"{R}PASSWORD": "s3cr3t", f"{R}PASSWORD_FILE": "/nowhere"}
    expected = "ATP_REGISTRY_PASSWORD and ATP_REGISTRY_PASSWORD_FILE are both set: leave one of them out"
    assert expected == refusal(both)


def test_only_secrets_come_from_files() -> None:
    assert "ATP_BROKER_FILE is not a setting; did you mean ATP_BROKER?" == refusal({"ATP_BROKER_FILE": "x"})


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_that_is_not_allowed_is_refused_without_it(variable: str) -> None:
    assert refusal({variable: "s3\ncr3t"}).startswith(f"{variable}='***' is not allowed: give ")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("htp://atp:s3cr3t@registry/x", "htp://***@registry/x"),
        ("atp:s3cr3t@registry", "***@registry"),
        ("http:/atp:s3cr3t@registry", "http:/***@registry"),
        ("http://", "http://"),
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str, shown: str) -> None:
    expected = f"ATP_REGISTRY_URL={shown!r} is not allowed: give an http:// or https:// address"
    assert expected == refusal({"ATP_REGISTRY_URL": url})


ALL_SECRET = {
    **SCRAM,
    **USER,
    f"{K}SSL_CERTIFICATE_LOCATION": "cert",
    f"{K}SSL_KEY_PASSWORD": "s3cr3t",
    f"{R}URL": "https://registry:1",
    f"{R}USERNAME": "atp",
    f"{R}PASSWORD": "s3cr3t",
    f"{R}SSL_CERTIFICATE_LOCATION": "cert",
    f"{R}SSL_KEY_PASSWORD": "s3cr3t",
    "ATP_MAVEN_URL": "https://me:s3cr3t@maven",
}


def test_settings_show_no_secret() -> None:
    in_the_url = Settings.from_environment({f"{R}URL": "http://atp:s3cr3t@registry"})
    bearer = Settings.from_environment({**BEARER, **CLIENT})

    for settings in (Settings.from_environment(ALL_SECRET), in_the_url, bearer):
        assert "s3cr3t" not in f"{settings} {settings!r}"
