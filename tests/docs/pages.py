"""The pages of documentation, and the anchors that links may lead to."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def anchors(page: Path) -> list[str]:
    """Return every anchor of a page: explicit ones, and those that headings get."""
    prose = _FENCE.sub("", page.read_text())
    explicit = re.findall(r'<a id="([^"]*)"></a>', prose)
    return explicit + [slug(heading) for heading in re.findall(r"^#+ (.*)$", prose, re.MULTILINE)]


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
