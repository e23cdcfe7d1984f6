"""The hook for mkdocs that makes the README the first page, and adds the files outside docs/ that pages link to.

So the same links work in the repository and on the site, and `mkdocs build --strict` checks all of them.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
README: Final = ROOT / "README.md"
_RELATIVE: Final = re.compile(r"(?<=\]\()(?!https?:)([^)#\s]+)")
_NAMED_BLOCK: Final = re.compile(r"^```(\w+) \w+$", re.MULTILINE)


def place(path: Path) -> str:
    """Return where a file of the repository is in the site."""
    if path == README:
        return "index.md"
    return path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else f"repository/{path.relative_to(ROOT)}"


def outside(page: Path) -> Iterator[Path]:
    """Yield the files outside docs/ that a page links to."""
    for target in _RELATIVE.findall(page.read_text()):
        path = (page.parent / target).resolve()
        if path.is_file() and path.is_relative_to(ROOT) and not path.is_relative_to(DOCS):
            yield path


def on_files(files: Files, config: Any) -> Files:
    """Add the README and the files outside docs/ that pages link to; added pages count, too."""
    files.append(File.generated(config, "index.md", abs_src_path=str(README)))
    pages = [README, *DOCS.rglob("*.md")]
    while pages:
        for path in outside(pages.pop()):
            if files.get_file_from_path(place(path)) is None:
                files.append(File.generated(config, place(path), abs_src_path=str(path)))
                pages += [path] if path.suffix == ".md" else []
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links to where their targets are on the site, and drop names of code blocks, which only tests use."""
    here, folder = Path(page.file.abs_src_path), posixpath.dirname(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        path = (here.parent / link[0]).resolve()
        return posixpath.relpath(place(path), folder or ".") if path.is_relative_to(ROOT) else link[0]

    return _NAMED_BLOCK.sub(r"```\1", _RELATIVE.sub(moved, markdown))
