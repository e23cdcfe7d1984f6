"""The site: links of the repository, moved to where their targets are in it."""

from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT
from tools import links


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("README.md", "index.md"),
        ("docs/guide.md", "guide.md"),
        ("docs/rules/stock.md", "rules/stock.md"),
        ("CHANGELOG.md", "repository/CHANGELOG.md"),
        ("schemas/openapi.yaml", "repository/schemas/openapi.yaml"),
    ],
)
def test_a_file_has_one_place_in_the_site(path: str, place: str) -> None:
    assert place == links.place(ROOT / path)


@pytest.mark.parametrize(
    ("page", "written", "moved"),
    [
        ("README.md", "[g](docs/guide.md#by-hand)", "[g](guide.md#by-hand)"),
        ("docs/rules/time.md", "[r](../reference.md)", "[r](../reference.md)"),
        ("docs/rules/time.md", "[s](stock.md#purge)", "[s](stock.md#purge)"),
        ("docs/operating.md", "[c](../CHANGELOG.md)", "[c](repository/CHANGELOG.md)"),
        ("docs/decisions/README.md", "[c](../../CHANGELOG.md)", "[c](../repository/CHANGELOG.md)"),
        ("docs/guide.md", "[h](#by-hand) [f](https://example.org/a.md)", "[h](#by-hand) [f](https://example.org/a.md)"),
        ("docs/integrate.md", "```json counted\n{}\n```", "```json\n{}\n```"),
    ],
)
def test_a_link_leads_to_the_place_of_its_target(page: str, written: str, moved: str) -> None:
    path = ROOT / page
    file = SimpleNamespace(abs_src_path=str(path), src_uri=links.place(path))

    assert moved == links.on_page_markdown(written, SimpleNamespace(file=file))


def test_what_pages_link_to_elsewhere_is_found() -> None:
    found = set(links.outside(ROOT / "docs" / "operating.md"))

    assert {ROOT / "CHANGELOG.md", ROOT / "docker-compose.yml"} == found


def test_every_page_is_in_the_navigation() -> None:
    class Plain(yaml.SafeLoader):
        """Reads what names Python code as nothing."""

    Plain.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda *_: None)
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(), Plain)

    inside = {page for page in listed(settings["nav"]) if not page.startswith("repository/")}
    assert {"index.md", *(links.place(page) for page in links.DOCS.rglob("*.md"))} == inside


def listed(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in listed(part)]
