"""The glossary: one word, one meaning."""

import re
from collections import Counter

import pytest

from tests.docs.pages import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
WORDS, _, PERSISTED = GLOSSARY.partition("## Words that only persist")
DEFINED = re.findall(r"^\| \*\*([^*]+)\*\*( \([^)]*\))? \|", WORDS, re.MULTILINE)


def test_no_word_is_defined_twice_without_saying_of_what() -> None:
    words = Counter(word + of for words, of in DEFINED for word in words.split(", "))

    assert len(words) > 80
    assert [] == [word for word, times in words.items() if times > 1]


@pytest.mark.parametrize("word", ["earmark", "deferred", "backorder", "policy change", "order", "fence"])
def test_the_words_that_are_easily_confused_are_defined(word: str) -> None:
    assert word in {one for words, _ in DEFINED for one in words.split(", ")}


def test_a_name_that_only_persists_is_still_written_or_shown_somewhere() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "atp_stream").rglob("*.py"))
    names = [
        name
        for cell in re.findall(r"^\| (`[^|]+) \|", PERSISTED, re.MULTILINE)
        for name in re.findall("`([^`]+)`", cell)
    ]

    assert len(names) > 15
    assert [] == [name for name in names if name not in code]
