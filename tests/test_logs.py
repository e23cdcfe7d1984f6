"""Log lines: sentences with stable names and fields, JSON where nobody watches, no false alarms, no storms."""

import ast
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import atp_stream
from atp_stream.logs import Limit

SET_UP = """
import logging
from atp_stream import logs
from atp_stream.settings import LogFormat, Settings
logs.set_up(Settings(log_format=LogFormat.{form}))
log = logging.getLogger("atp_stream.worker")
"""


def said(script: str, form: str = "JSON") -> str:
    """Return what a process of its own logs."""
    command = [sys.executable, "-c", SET_UP.format(form=form) + script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stdout
    return done.stderr


def lines(script: str) -> list[dict[str, Any]]:
    """Return its lines; each must be one JSON object."""
    return [json.loads(line) for line in said(script).splitlines()]


def test_a_line_is_one_json_object_with_a_sentence_a_stable_name_and_fields() -> None:
    [line] = lines("log.info('serving %s', 'all', extra={'event': 'serving', 'rows': 7})")

    assert ("serving all", "serving", 7, "info") == (line["message"], line["event"], line["rows"], line["level"])
    assert line["timestamp"].endswith("Z")


def test_a_line_without_a_name_has_its_sentence_alone() -> None:
    [line] = lines("log.info('something')")

    assert {"timestamp", "level", "message", "logger"} == line.keys()


def test_an_error_carries_its_traceback_in_the_same_line() -> None:
    [line] = lines("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('it failed')")

    assert "ZeroDivisionError: division by zero" in line["exception"]


def test_control_characters_cannot_forge_a_line() -> None:
    [line] = lines("log.warning('item %s', 'a\\n{\"event\": \"forged\"}')")

    assert 'item a\n{"event": "forged"}' == line["message"]
    assert "event" not in line


def test_what_cannot_be_seen_is_shown_in_lines_for_people_and_for_programs() -> None:
    script = (
        "log.warning('item %s', 'ac\\u200bme\\u2028\\u202ex\\nforged', extra={'event': 'x', 'item': 'a\\u2066b\\n'})"
    )

    for form in ("CONSOLE", "JSON"):
        [line] = said(script, form).splitlines()
        assert "ac\\u200bme\\u2028\\u202ex\\nforged" in line
        assert "a\\u2066b\\n" in line
        assert line.isascii()


def test_lines_for_people_have_no_colours_in_a_file_and_never_the_values_of_locals() -> None:
    text = said(
        "def run(whose):\n    1 / 0\n"
        "try:\n    run(4711 * 2)\nexcept ZeroDivisionError:\n    log.exception('it failed')",
        "CONSOLE",
    )

    assert "it failed" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "\x1b" not in text
    assert "9422" not in text


def test_what_a_new_cluster_or_a_take_over_always_says_is_no_alarm() -> None:
    [line] = lines(
        "log = logging.getLogger('aiokafka.consumer.group_coordinator')\n"
        "log.error('Group Coordinator Request failed: %s', '[Error 15] GroupCoordinatorNotAvailableError')\n"
        "log.warning('Heartbeat failed for group %s because it is rebalancing', 'atp')\n"
        "log.error('something else')"
    )

    assert "something else" == line["message"]


def test_what_faust_says_behind_giving_up_does_not_bury_the_reason() -> None:
    [line] = lines(
        "logging.getLogger('mode.worker').critical('We experienced a crash! Reraising original exception...')\n"
        "logging.getLogger('faust.engine').error('[^-EngineApp]: Crashed reason=%r', OSError('no space'))\n"
        "log.critical('giving up: the disk is full')"
    )

    assert "giving up: the disk is full" == line["message"]


def test_a_storm_of_a_library_is_a_line_a_minute_of_each_kind_that_counts_what_it_left_out() -> None:
    now = [0.0]
    limit = Limit(lambda: now[0])

    def passes(message: str, *arguments: object, name: str = "aiokafka.conn") -> int | None:
        record = logging.LogRecord(name, logging.ERROR, "", 0, message, arguments, None)
        return getattr(record, "repeated", 0) if limit.filter(record) else None

    assert [0, None, None] == [passes("Unable connect to node with id %s", node) for node in (1, 2, 1)]
    assert [0, None] == [passes("Unable to update metadata from [1]"), passes("Unable to update metadata from [2]")]
    now[0] = 60.0
    assert 2 == passes("Unable connect to node with id %s", 1)
    assert [0, 0] == [passes("intake waits", name="atp_stream.engine.intake") for _ in range(2)]


def test_a_storm_of_our_own_is_ten_lines_a_second_of_each_kind_and_the_next_counts_what_was_left_out() -> None:
    now = [7.0]
    limit = Limit(lambda: now[0])

    def passes(message: str, argument: int) -> int | None:
        record = logging.LogRecord("atp_stream.web", logging.INFO, "", 0, message, (argument,), None)
        return getattr(record, "repeated", 0) if limit.filter(record) else None

    assert [0] * 10 + [None] * 5 == [passes("refused %s", number) for number in range(15)]
    assert 0 == passes("serving %s", 1)
    now[0] = 8.0
    assert [5, 0] == [passes("refused %s", number) for number in range(2)]
    now[0] = 9.0
    assert 0 == passes("refused %s", 1)


def _events_in_code() -> set[str]:
    found = set()
    for path in Path(atp_stream.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    value.value
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and key.value == "event" and isinstance(value, ast.Constant)
                }
    return {name for name in found if isinstance(name, str)}


def test_every_name_of_a_line_is_explained_to_operators() -> None:
    operating = (Path(__file__).parent.parent / "docs" / "operating.md").read_text()
    [table] = re.findall(r"\| Event of the log \|.*?\n\n", operating, re.DOTALL)

    first_cells = re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE)
    assert set(re.findall("`([a-z_]+)`", " ".join(first_cells))) == _events_in_code()
