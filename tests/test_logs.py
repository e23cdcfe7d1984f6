"""Log lines: events with fields, JSON where nobody watches, no false alarms."""

import json
import subprocess
import sys
from typing import Any

SET_UP = """
import logging
from atp_stream import logs
from atp_stream.settings import LogFormat, Settings
logs.set_up(Settings(log_format=LogFormat.JSON))
log = logging.getLogger("atp_stream.worker")
"""


def lines(script: str) -> list[dict[str, Any]]:
    """Return what a process of its own logs; each line must be one JSON object."""
    done = subprocess.run([sys.executable, "-c", SET_UP + script], capture_output=True, text=True, check=True)
    assert not done.stdout
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_one_json_object_with_its_fields() -> None:
    [line] = lines("log.info('worker started', extra={'url': 'http://127.0.0.1:1'})")

    assert ("worker started", "info", "http://127.0.0.1:1") == (line["event"], line["level"], line["url"])
    assert line["timestamp"].endswith("Z")


def test_an_error_carries_its_traceback_in_the_same_line() -> None:
    [line] = lines("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('it failed')")

    assert "ZeroDivisionError: division by zero" in line["exception"]


def test_control_characters_cannot_forge_a_line() -> None:
    [line] = lines("log.warning('item %s', 'a\\n{\"event\": \"forged\"}')")

    assert 'item a\n{"event": "forged"}' == line["event"]


def test_what_a_new_cluster_always_says_is_no_alarm() -> None:
    [line] = lines(
        "log = logging.getLogger('aiokafka.consumer.group_coordinator')\n"
        "log.error('Group Coordinator Request failed: %s', '[Error 15] GroupCoordinatorNotAvailableError')\n"
        "log.error('something else')"
    )

    assert "something else" == line["event"]
