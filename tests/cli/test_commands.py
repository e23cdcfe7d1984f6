import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.devstack.ports import free_port


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("ATP_STACK_DIR", str(tmp_path / "stack"))
    monkeypatch.setenv("ATP_BROKER", f"127.0.0.1:{free_port()}")


def atp(*arguments, **environment):
    done = CliRunner().invoke(main, arguments, env=environment)
    return done.exit_code, done.stdout, done.stderr


def commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield pytest.param(command, id=" ".join((*path, name)))


@pytest.mark.parametrize("command", list(commands(main)))
def test_every_command_is_explained_with_an_example(command):
    assert "Example: " in command.help


def groups(group, path=()):
    yield pytest.param(path, id=" ".join(("atp", *path)))
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from groups(command, (*path, name))


@pytest.mark.parametrize("path", list(groups(main)))
def test_a_list_of_commands_is_whole_on_a_terminal_of_80_columns(path):
    _, shown, _ = atp(*path, "--help", COLUMNS="80")

    assert [] == [line for line in shown.partition("Commands:")[2].splitlines() if line.endswith("...")]


def test_the_list_of_all_commands_imports_none_of_them():
    script = (
        "import sys; from atp_stream.cli import main; main(['--help'], standalone_mode=False);"
        " print([name for name in sys.modules if name.partition('.')[0] in ('aiokafka', 'aiohttp', 'faust', 'httpx')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.splitlines()[-1]


def test_a_snapshot_that_exists_is_not_replaced_without_a_word(tmp_path):
    file = tmp_path / "monday.atp"
    file.write_text("precious")

    expected = (1, "", f"atp: {file} exists: give another name, or --overwrite\n")
    assert expected == atp("snapshot", str(file))
    assert "precious" == file.read_text()


def test_help_needs_no_valid_settings():
    assert atp("stack", "up", "--help", ATP_WIRE="xml")[0] == 0


def test_a_setting_that_is_not_allowed_is_one_line_and_exit_code_two():
    expected = (2, "", "atp: ATP_WIRE='xml' is not allowed: give avro or json\n")

    assert expected == atp("stack", "status", ATP_WIRE="xml")


def test_wrong_usage_is_exit_code_two():
    assert atp("stack", "sideways")[0] == 2


def test_a_broker_that_is_not_there_is_one_line_and_exit_code_one():
    code, out, err = atp("init", ATP_BROKER="127.0.0.1:1")

    expected = "atp: no Kafka broker answers at 127.0.0.1:1: correct ATP_BROKER, or start one with `atp stack up`\n"
    assert (1, "", expected) == (code, out, err)


def test_status_of_a_stack_that_never_ran_is_exit_code_one_and_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    expected = f"kafka     down\nregistry  down\nfiles     {tmp_path}/mine (no stack was started there)\n"
    assert (1, expected, "") == atp("stack", "status", ATP_STACK_DIR="mine")


def test_status_for_programs_is_one_json_object():
    expected = {"kafka": {"up": False, "address": None}, "registry": {"up": False, "address": None}}

    assert expected == json.loads(atp("stack", "status", "--json")[1])


def test_stopping_a_stack_that_never_ran_is_no_error():
    assert atp("stack", "down") == (0, "", "")


def test_a_file_that_is_no_policy_is_refused_before_anything_is_sent(tmp_path):
    file = tmp_path / "policy.json"
    file.write_text('{"retention":-1}')

    expected = f"atp: {file} is not a policy: retention: must not be negative\n"
    assert (1, "", expected) == atp("policy", "apply", str(file))


def test_init_reports_the_same_to_people_and_programs(stack, settings):
    environment = {
        "ATP_BROKER": settings.bootstrap,
        "ATP_REGISTRY_URL": settings.registry_url,
        "ATP_APP_ID": settings.app_id,
        "ATP_TOPIC_PREFIX": settings.topic_prefix,
    }
    first = atp("init", **environment)
    drifting = atp("init", **environment, ATP_EVENT_RETENTION="1h")
    machine = atp("init", "--json", **environment, ATP_EVENT_RETENTION="1h")

    lines = [line.split(maxsplit=3) for line in drifting[1].splitlines()[:-1]]
    findings = json.loads(machine[1])["findings"]
    assert (0, 1, 1) == (first[0], drifting[0], machine[0])
    assert [line[:3] for line in lines] == [[f["verdict"], f["kind"], f["name"]] for f in findings]
    assert drifting[1].splitlines()[-1].endswith("5 differs")
    created, there = (
        next(n for n in last.split() if n.isdigit()) for last in (first[1].splitlines()[-1], again(environment))
    )
    assert created == there
    assert ["1", "partition"] == next(line.split()[-2:] for line in first[1].splitlines() if "atp.policy " in line)


def again(environment):
    """Return the last line of one more `atp init`."""
    return atp("init", **environment)[1].splitlines()[-1]
