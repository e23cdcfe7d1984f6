"""Text for people: what cannot be seen is shown, and what turns lines around does not."""

import io
import os
import pty
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.visible import VisibleStream, visible, visible_terminals


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("prod987 Größe 7½ 電灯 🛒", "prod987 Größe 7½ 電灯 🛒"),
        ("ac\u200bme", "ac\\u200bme"),
        ("\u202eemca", "\\u202eemca"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("a\x85b\ufeff", "a\\x85b\\ufeff"),
        ("a\udcffb", "a\\udcffb"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert shown == visible(text)


@given(st.characters())
def test_nothing_that_formats_controls_or_separates_lines_passes(character: str) -> None:
    seen = visible(character)

    assert visible(seen) == seen
    if unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"}:
        assert seen.isascii()


def test_no_mark_of_direction_and_no_character_without_width_passes() -> None:
    formats = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
    visible_ones = {
        "\u0600",
        "\u0601",
        "\u0602",
        "\u0603",
        "\u0604",
        "\u0605",
        "\u06dd",
        "\u070f",
    }  # signs with a shape
    visible_ones |= {"\u0890", "\u0891", "\u08e2", "\U000110bd", "\U000110cd"}

    passed = {one for one in formats if visible(one) == one} - visible_ones
    assert {one for one in passed if not 0x13430 <= ord(one) <= 0x1343F} == set()  # joiners of hieroglyphs


def test_a_terminal_keeps_lines_and_colours_of_ours() -> None:
    inner = io.StringIO()
    VisibleStream(inner).write("\x1b[1mitem ac\u200bme\x1b[0m\tx\n")

    assert "\x1b[1mitem ac\\u200bme\x1b[0m\tx\n" == inner.getvalue()


def test_what_goes_to_a_file_stays_as_it_is() -> None:
    out, err = io.StringIO(), io.StringIO()
    with visible_terminals(out, err):
        print("ac\u200bme", file=out)

    assert "ac\u200bme\n" == out.getvalue()


SCRIPT = """
import click
from atp_stream.cli.group import Frame

@click.group(cls=Frame)
def main(): pass

@main.command()
def show():
    click.echo("ac\\u200bme \\u202ex")
    click.echo("no \\u2028y", err=True)

main(["show"])
"""


def test_a_command_on_a_terminal_shows_what_it_prints() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)

    assert (0, "ac\\u200bme \\u202ex\r\nno \\u2028y\r\n") == (done.returncode, shown)
