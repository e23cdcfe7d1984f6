"""The table of the web server's limits names constants and settings, with their values, and leaves none out."""

import re

from atp_stream.settings import catalogue
from atp_stream.web import bodies, path_names, query, routing, server
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "access.md").read_text()
CODE = {
    name: str(int(value))
    for module in (bodies, path_names, query, routing, server)
    for name, value in vars(module).items()
    if re.fullmatch("MAX_[A-Z_]+|[A-Z_]+_S", name) and name not in {"MAX_ID_BYTES", "REPEAT_S"}
}
SETTINGS = {row.variable: row.default for row in catalogue()}


def test_the_page_states_every_limit_of_the_web_server_with_its_value() -> None:
    table = PAGE.partition("\n## Limits\n")[2]
    stated = dict(re.findall(r"^\| [^|]*\(`(\w+)`\) \| ([0-9]+) \|", table, re.MULTILINE))
    settings = {name: value for name, value in stated.items() if name in SETTINGS}

    assert 13 == len(stated)
    assert {name: SETTINGS[name] for name in settings} == settings
    assert {name: value for name, value in stated.items() if name not in settings} == CODE
