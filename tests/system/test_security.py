"""A Kafka with TLS, passwords and ACLs that deny all else, and a registry behind TLS: each command as who may run it.

The rights are those of the table in docs/security.md, made from the same data.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from atp_stream.access import KafkaAccess
from atp_stream.cli import main
from atp_stream.devstack import Stack
from atp_stream.devstack.secure import ADMIN, PRINCIPALS
from atp_stream.provision.acls import admit, minimal
from atp_stream.settings import Settings
from tests.access.servers import basic, knowing
from tests.conftest import JAVA
from tests.system.site import Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow]

READY_S = 60.0


class Secured:
    """A secured stack, and one worker on it."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self.stack = stack
        self.directory = directory
        self.worker = Worker(self.settings("worker"), directory / "worker")

    def settings(self, principal: str, **more: str) -> Settings:
        """Return the settings of a principal."""
        return Settings.from_environment({**self.variables(principal), **more})

    def variables(self, principal: str) -> dict[str, str]:
        """Return the environment of a principal."""
        return {**self.stack.environment(principal), "ATP_DEFAULT_TENANT": "acme"}

    def atp(self, principal: str, *arguments: str, **variables: str | None) -> Result:
        """Give a command as a principal."""
        return CliRunner().invoke(main, arguments, env={**self.variables(principal), **variables})

    def start(self) -> None:
        """Start the worker, and return when it serves."""
        self.worker.start()
        until = time.monotonic() + READY_S
        while not asyncio.run(self.worker.partitions()):
            assert time.monotonic() < until, self.worker.said()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Give a secured stack on which everything stands, and a worker serves."""
    directory = tmp_path_factory.mktemp("secured")
    with Stack(directory / "stack", JAVA, secure=True) as stack:
        one = Secured(stack, directory)
        asyncio.run(admit(KafkaAccess.of(one.settings(ADMIN)), Settings()))
        made = one.atp("init", "init")
        assert 0 == made.exit_code, made.output
        one.start()
        yield one
        one.worker.stop()


def test_the_principals_are_those_of_the_table(secured: Secured) -> None:
    assert [ADMIN, *minimal(Settings())] == list(PRINCIPALS)


def test_init_finds_all_that_it_made(secured: Secured) -> None:
    done = secured.atp("init", "init", "--json")

    assert (0, {"present"}) == (done.exit_code, {one["verdict"] for one in json.loads(done.stdout)["findings"]})


def test_what_upstream_sends_is_counted_and_downstream_sees_it(secured: Secured) -> None:
    sent = secured.atp("upstream", "send", "count", "lamp", "7")
    seen = secured.atp("downstream", "watch", "--from-beginning", "--item", "lamp", "--count", "1")

    assert (0, 0) == (sent.exit_code, seen.exit_code), (sent.output, seen.output)
    assert "AvailabilityCalculatedEvent" == json.loads(seen.stdout)["eventType"]


def test_a_policy_change_is_in_force(secured: Secured) -> None:
    done = secured.atp("policy", "policy", "freeze", "B2B", "--wait", "--url", secured.worker.url)

    assert (0, "in force\n") == (done.exit_code, done.stdout), done.output


def test_a_dead_letter_is_listed_and_sent_again(secured: Secured) -> None:
    async def spoil() -> None:
        async with AIOKafkaProducer(**KafkaAccess.of(secured.settings("upstream"))) as producer:
            await producer.send_and_wait("inventory.adjusted", b"no message")

    asyncio.run(spoil())
    until = time.monotonic() + READY_S
    while "undecodable" not in (listed := secured.atp("dead-letters", "dead-letters", "list")).stdout:
        assert time.monotonic() < until, listed.output
        time.sleep(0.2)
    again = secured.atp("dead-letters", "dead-letters", "replay", "--reason", "undecodable", "--yes")

    assert (0, 0) == (listed.exit_code, again.exit_code), again.output


def test_an_auditor_verifies_and_takes_a_snapshot(secured: Secured, tmp_path: Path) -> None:
    verified = secured.atp("auditor", "verify")
    taken = secured.atp("auditor", "snapshot", str(tmp_path / "now.atp"))

    assert verified.stdout.endswith("all is as the log says\n"), verified.output
    assert 0 == taken.exit_code, taken.output


def test_an_auditor_rehearses_another_policy(secured: Secured, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"tenants": {"*": {"channels": {"ECOM": {}}}}}')

    done = secured.atp("auditor", "rehearse", "--policy", str(tmp_path / "policy.json"))

    assert 0 == done.exit_code, done.output


def test_an_operator_resumes_an_item(secured: Secured) -> None:
    done = secured.atp("operator", "item", "resume", "lamp")

    assert 0 == done.exit_code, done.output


def test_an_operator_repairs_and_resets_while_no_worker_runs(secured: Secured) -> None:
    secured.worker.stop()
    repaired = secured.atp("operator", "verify", "--repair", "--yes")
    reset = secured.atp("operator", "source", "reset", "inventory.adjusted")
    secured.start()

    assert (0, 0) == (repaired.exit_code, reset.exit_code), (repaired.output, reset.output)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
def test_a_user_is_let_in_by_each_mechanism(secured: Secured, mechanism: str) -> None:
    done = secured.atp("upstream", "send", "count", "cup", "7", ATP_KAFKA_SASL_MECHANISM=mechanism)

    assert 0 == done.exit_code, done.output


def test_a_user_is_let_in_without_tls(secured: Secured) -> None:
    variables = {
        "ATP_BROKER": f"127.0.0.1:{secured.stack.addresses.brokers[0].sasl_plaintext}",
        "ATP_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "ATP_KAFKA_SSL_CA_LOCATION": None,
    }
    done = secured.atp("upstream", "send", "count", "cup", "7", **variables)

    assert 0 == done.exit_code, done.output


def by_token(secured: Secured, principal: str) -> dict[str, str | None]:
    """Return what a principal sets beside its own environment to come with a token from a file."""
    assert secured.stack.vault is not None
    return {
        "ATP_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        "ATP_KAFKA_SASL_USERNAME": None,
        "ATP_KAFKA_SASL_PASSWORD": None,
        "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": str(secured.stack.vault.token_file(principal)),
    }


def test_a_token_from_a_file_is_taken(secured: Secured) -> None:
    done = secured.atp("upstream", "send", "count", "cup", "7", **by_token(secured, "upstream"))

    assert 0 == done.exit_code, done.output


def test_a_token_that_is_not_good_is_one_line(secured: Secured, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3.cr3.t")
    variables = {**by_token(secured, "upstream"), "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": str(tmp_path / "token")}

    done = secured.atp("upstream", "send", "count", "cup", "7", **variables)

    assert (1, 1) == (done.exit_code, done.stderr.count("\n")), done.output
    expected = "does not let this client in (OAUTHBEARER): correct the token, or who gives it out\n"
    assert done.stderr.endswith(expected)
    assert "s3.cr3.t" not in done.stderr


def test_a_worker_comes_with_tokens_from_an_issuer(secured: Secured) -> None:
    assert secured.stack.vault is not None
    token = secured.stack.vault.token_file("worker").read_text()
    with knowing(basic("atp", "s3cr3t"), answer={"access_token": token, "expires_in": 3600}) as url:
        issuer: dict[str, str | None] = {
            "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE": None,
            "ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": url,
            "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_ID": "atp",
            "ATP_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET": "s3cr3t",
        }
        serves(secured, {**by_token(secured, "worker"), **issuer})


def by_certificate(secured: Secured, principal: str) -> dict[str, str | None]:
    """Return what a principal sets beside its own environment to come with its certificate alone."""
    assert secured.stack.vault is not None
    return {
        "ATP_BROKER": f"127.0.0.1:{secured.stack.addresses.brokers[0].ssl}",
        "ATP_KAFKA_SECURITY_PROTOCOL": "SSL",
        "ATP_KAFKA_SSL_CERTIFICATE_LOCATION": str(secured.stack.vault.certificate(principal)),
        "ATP_KAFKA_SASL_MECHANISM": None,
        "ATP_KAFKA_SASL_USERNAME": None,
        "ATP_KAFKA_SASL_PASSWORD": None,
        "ATP_REGISTRY_USERNAME": None,
        "ATP_REGISTRY_PASSWORD": None,
        "ATP_REGISTRY_SSL_CERTIFICATE_LOCATION": str(secured.stack.vault.certificate(principal)),
    }


def test_a_worker_comes_with_certificates_alone(secured: Secured) -> None:
    serves(secured, by_certificate(secured, "worker"))


def serves(secured: Secured, variables: dict[str, str | None]) -> None:
    """Start one more worker that comes with these variables, wait until it serves, and stop it."""
    said = {**secured.variables("worker"), **variables}
    settings = Settings.from_environment({name: value for name, value in said.items() if value is not None})
    other = Worker(settings, secured.directory / f"worker-{len(list(secured.directory.iterdir()))}")
    other.start()
    try:
        until = time.monotonic() + READY_S
        while not asyncio.run(other.partitions()):
            assert time.monotonic() < until, other.said()
            time.sleep(0.1)
    finally:
        assert 0 == other.stop(), other.said()


@pytest.mark.parametrize(
    ("principal", "command", "line"),
    [
        ("auditor", "init", "Kafka does not let user auditor use transactional id atp-init: "),
        ("auditor", "send count lamp 7", "Kafka does not let user auditor use topic inventory.core.stock"),
        ("downstream", "send count lamp 7", "there is no topic inventory.core.stock.availability.changed at "),
        ("upstream", "watch", "there is no topic inventory.atp.availability.calculated at "),
        ("auditor", "policy freeze B2B", "Kafka does not let user auditor use topic inventory.atp.policy: "),
        ("upstream", "dead-letters list", "there is no topic inventory.atp.dead-letter at "),
        ("downstream", "verify", "there is no topic inventory.adjusted at "),
        ("downstream", "snapshot x.atp", "there is no topic inventory.atp.item-log at "),
        ("auditor", "verify --repair --yes", "Kafka does not let user auditor use group atp: "),
        ("auditor", "item resume lamp", "Kafka does not let user auditor use transactional id atp-resume: "),
        ("auditor", "source reset inventory.adjusted", "Kafka does not let user auditor use group atp: "),
    ],
)
def test_what_is_not_allowed_is_one_line_that_says_which_right_is_missing(
    secured: Secured, principal: str, command: str, line: str
) -> None:
    done = secured.atp(principal, *command.split())

    assert (1, 1) == (done.exit_code, done.stderr.count("\n")), done.output
    assert done.stderr.startswith(f"atp: {line}")
    assert done.stderr.endswith("add an ACL (docs/security.md)\n")


@pytest.mark.parametrize(
    ("principal", "line"),
    [
        ("auditor", "Kafka does not let user auditor use group atp: add an ACL (docs/security.md)"),
        ("operator", "Kafka does not let user operator work: add an ACL for Write on atp-owners, Write on inv"),
        ("upstream", "run `atp init`: topics are missing, or user upstream may not see them: inventory.atp.policy"),
    ],
)
def test_a_worker_that_may_not_work_says_so_before_it_starts(
    secured: Secured, tmp_path: Path, principal: str, line: str
) -> None:
    worker = Worker(secured.settings(principal), tmp_path)
    worker.start()

    assert (1, 1) == (worker.wait(), worker.said().count("\n")), worker.said()
    assert worker.said().startswith(f"atp: {line}")


def test_a_configuration_that_may_not_be_seen_is_not_called_wrong(secured: Secured) -> None:
    found = json.loads(secured.atp("worker", "init", "--json").stdout)["findings"]
    (log,) = [one for one in found if (one["kind"], one["name"]) == ("topic", "inventory.atp.item-log")]

    assert ("differs", "its configuration may not be seen: allow DescribeConfigs") == (log["verdict"], log["detail"])


WRONG: dict[str, tuple[dict[str, str | None], str]] = {
    "password": (
        {"ATP_KAFKA_SASL_PASSWORD": "s3cr3t"},
        "does not let user {user} in (SCRAM-SHA-512): correct ATP_KAFKA",
    ),
    "user": ({"ATP_KAFKA_SASL_USERNAME": "nobody"}, "does not let user nobody in (SCRAM-SHA-512): correct ATP_KAFKA"),
    "authority": ({"ATP_KAFKA_SSL_CA_LOCATION": None}, "cannot be used: its certificate is not trusted ("),
    "host": ({"ATP_BROKER": "localhost:{client}"}, "cannot be used: its certificate is for another host ("),
    "TLS": (
        {"ATP_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "ATP_KAFKA_SSL_CA_LOCATION": None},
        "hangs up on SASL_PLAINTEXT: correct ATP_KAFKA_SECURITY_PROTOCOL, or the port in ATP_BROKER",
    ),
    "port": ({"ATP_BROKER": "127.0.0.1:{sasl_plaintext}"}, "hangs up on SASL_SSL: correct ATP_KAFKA_SECURITY_PROTOCOL"),
    "certificate": ({"ATP_BROKER": "127.0.0.1:{ssl}"}, "cannot be used: it does not accept our certificate ("),
    "nobody": ({"ATP_BROKER": "127.0.0.1:1"}, "no Kafka broker answers at 127.0.0.1:1: correct ATP_BROKER"),
}
COMMANDS = [("init", "init"), ("policy", "policy freeze B2B"), ("auditor", "verify"), ("downstream", "watch")]


@pytest.mark.parametrize(
    ("principal", "command", "wrong"),
    [(*COMMANDS[0], wrong) for wrong in WRONG] + [(*command, "password") for command in COMMANDS[1:]],
)
def test_what_does_not_let_us_in_is_one_line_that_says_what_to_correct(
    secured: Secured, principal: str, command: str, wrong: str
) -> None:
    variables, line = WRONG[wrong]
    ports = secured.stack.addresses.brokers[0]
    places = {"client": ports.client, "ssl": ports.ssl, "sasl_plaintext": ports.sasl_plaintext}
    chosen = {name: value and value.format(**places) for name, value in variables.items()}

    done = secured.atp(principal, *command.split(), **chosen)

    assert (1, "", 1) == (done.exit_code, done.stdout, done.stderr.count("\n")), done.output
    assert line.format(user=principal) in done.stderr
    assert "s3cr3t" not in done.stderr


def test_without_any_security_the_broker_hangs_up(secured: Secured) -> None:
    done = CliRunner().invoke(main, ["init"], env={"ATP_BROKER": secured.stack.bootstrap})

    assert 1 == done.exit_code
    assert "hangs up on PLAINTEXT: correct ATP_KAFKA_SECURITY_PROTOCOL" in done.stderr


def test_a_wrong_password_of_the_registry_is_one_line_without_it(secured: Secured) -> None:
    done = secured.atp("init", "init", ATP_REGISTRY_PASSWORD="s3cr3t")

    assert (1, 1) == (done.exit_code, done.stderr.count("\n")), done.output
    assert "does not let us in (401): correct ATP_REGISTRY_USERNAME and ATP_REGISTRY_PASSWORD" in done.stderr
    assert "s3cr3t" not in done.output


def test_no_secret_is_in_any_log(secured: Secured) -> None:
    assert secured.stack.vault is not None
    passwords = [secured.stack.vault.password(name) for name in PRINCIPALS]
    logs = [secured.worker.log, *(secured.directory / "stack").glob("*.log")]

    logged = "".join(log.read_text(errors="replace") for log in logs)

    assert [] == [password for password in passwords if password in logged]
