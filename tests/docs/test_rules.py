"""The rule book: every rule that the code cites exists, and every rule has one anchor."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT, anchors

RULES = sorted((ROOT / "docs" / "rules").glob("*.md"))
CODE = [path for part in ("atp_stream", "benchmarks", "chaos", "tests") for path in sorted((ROOT / part).rglob("*.py"))]
_CITED = re.compile(r"\bdocs/[\w/-]+\.md(?:#[\w-]+)?")
_SOURCE = re.compile(r"^[^\n]*\bSource: ([^\n]*\n?[^\n]*)", re.MULTILINE)


class Citation(NamedTuple):
    """A place in the documentation that a file of the code names."""

    code: str
    page: str
    anchor: str


def citations(text: str, code: str) -> Iterator[Citation]:
    for found in _CITED.findall(text):
        page, _, anchor = found.partition("#")
        yield Citation(code, page, anchor)


CITED = sorted({one for path in CODE for one in citations(path.read_text(), str(path.relative_to(ROOT)))})


@pytest.mark.parametrize("cited", CITED, ids=lambda one: f"{one.code}-{one.page}-{one.anchor}")
def test_what_the_code_cites_exists(cited: Citation) -> None:
    page = ROOT / cited.page

    assert page.is_file()
    assert not cited.anchor or cited.anchor in anchors(page)


def test_a_citation_of_a_rule_that_does_not_exist_would_be_noticed() -> None:
    invented = "Source: docs/rules/stock.md#" + "invented"
    (cited,) = citations(f"{invented}, or so", "here")

    assert Citation("here", "docs/rules/stock.md", "invented") == cited
    assert cited.anchor not in anchors(ROOT / cited.page)


def test_every_source_is_a_place_in_the_documentation() -> None:
    sources = {path: _SOURCE.findall(path.read_text()) for path in CODE if path != Path(__file__)}

    assert sum(map(len, sources.values())) > 30
    assert [] == [(path.name, said) for path, all_ in sources.items() for said in all_ if "docs/" not in said]


@pytest.mark.parametrize("page", RULES, ids=lambda one: one.stem)
def test_every_anchor_of_a_rule_page_is_unique(page: Path) -> None:
    assert [] == [anchor for anchor, times in Counter(anchors(page)).items() if times > 1]


@pytest.mark.parametrize("page", RULES, ids=lambda one: one.stem)
def test_every_rule_has_an_anchor(page: Path) -> None:
    rules = [line for line in page.read_text().splitlines() if re.match(r"(<a .*?</a>)?\*\*", line)]

    assert rules
    assert [] == [line for line in rules if not re.match(r'<a id="[a-z0-9-]+"></a>\*\*[^*]+\.\*\*', line)]
