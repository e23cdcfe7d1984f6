"""What the demo shows on a terminal stays there, and fits."""

import io

from rich.console import Console

from atp_stream.demo.show import CHANNELS, Show
from tests.demo.screen import screen

ITEMS = [f"sku-{n:03}" for n in range(1, 11)]


def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False, soft_wrap=True)


def test_what_was_said_between_two_tables_stays_on_the_screen():
    console = terminal()
    show = Show([], ITEMS, console=console)

    with show:
        show.say("all sent")
    show.say("the books balance")
    with show:
        show.say("goes on")
    show.say("ended")

    found = screen(console.file.getvalue())
    said = [line for line in found if line in {"all sent", "the books balance", "goes on", "ended"}]
    assert ["all sent", "the books balance", "goes on", "ended"] == said


def test_the_table_fits_a_terminal_of_80_columns_with_its_border():
    console = terminal()
    show = Show([], ITEMS, console=console)
    for item in ITEMS:
        show.rows.update({(item, channel): ("20412.75", "7132.75") for channel in CHANNELS})

    with show:
        pass

    rows = [line for line in screen(console.file.getvalue()) if "sku-" in line]
    assert (10, {80}) == (len(rows), {len(line) for line in rows})
    assert {4} == {line.count("20412/7132") for line in rows}
    assert {("│", "│")} == {(line[0], line[-1]) for line in rows}


def test_amounts_too_wide_for_the_table_are_cut_visibly():
    console = terminal()
    show = Show([], ITEMS[:1], console=console)
    show.rows.update({("sku-001", channel): ("999999999999.25", "999999999999") for channel in CHANNELS})

    with show:
        pass

    (row,) = [line for line in screen(console.file.getvalue()) if "sku-" in line]
    assert (80, 4, "│") == (len(row), row.count("…"), row[-1])
