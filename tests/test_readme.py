"""The README says what the code does: its tables, its commands, its links, its examples."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from atp_stream.cli import main as atp
from atp_stream.domain import policy
from atp_stream.domain.document import Kind
from atp_stream.domain.events import DenialReason
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from atp_stream.messages.meanings import DENIALS, REASONS
from atp_stream.messages.reasons import Reason
from atp_stream.settings import Settings, catalogue
from atp_stream.topics import Topics
from tools import meanings, reference

ROOT = reference.ROOT
README = reference.README.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
TYPED = [line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines() if line[:2] == "$ "]
TOLD = re.findall(r"`((?:[A-Z_]+=\S+ )*atp(?: [^`]*)?)`", PROSE)
COMMANDS = [line for line in dict.fromkeys([*TYPED, *TOLD]) if re.match(r"(\w+=\S+ )*atp\b", line)]
JSON_BLOCKS = [text for kind, text in BLOCKS if kind == "json"]


@pytest.mark.parametrize("name", reference.TABLES)
def test_each_table_is_what_the_code_says_now_else_run_make_docs(name: str) -> None:
    (found,) = re.findall(rf"<!-- begin {name}: made by `make docs` -->\n(.*?)\n<!-- end {name} -->", README, re.DOTALL)

    assert reference.TABLES[name]() == found


def test_making_the_tables_anew_changes_nothing() -> None:
    assert README == reference.rewritten(README)


def test_a_readme_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="has 0 places for the table topics, not 1"):
        reference.rewritten(README.replace("<!-- end topics -->", ""))


def test_the_contract_tells_of_all_that_a_worker_answers() -> None:
    told = re.findall(r"^\| `([A-Z]+ \S+)`", reference.endpoints(), re.MULTILINE)

    assert sorted(reference.routes()) == sorted(told)


def test_every_reason_that_the_code_gives_is_explained() -> None:
    assert sorted({*Reason, *reasons_in_the_code()}) == sorted(REASONS)


def test_every_reason_of_a_denial_is_explained() -> None:
    assert [*DenialReason] == [*DENIALS]


def test_every_key_of_the_policy_is_explained() -> None:
    expected = {name: sorted(section.__struct_fields__) for name, section in reference.SECTIONS.items()}
    assert expected == {name: sorted(keys) for name, keys in meanings.POLICY.items()}


def reasons_in_the_code() -> Iterator[str]:
    for path in (ROOT / "atp_stream").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Refused":
                yield from texts(call.args[0])
            elif isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "_letter":
                yield from (text for argument in call.args for text in texts(argument) if text)


def texts(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists_with_its_options(line: str) -> None:
    words = shlex.split(line.split(" > ", maxsplit=1)[0])
    given = dict(word.split("=", 1) for word in words[: words.index("atp")])
    Settings.from_environment({name: value for name, value in given.items() if "..." not in value})

    assert [] == left_over(words[words.index("atp") + 1 :])


def left_over(words: list[str]) -> list[str]:
    """Parse as click would; what is refused raises."""
    command: click.Command = atp
    context = click.Context(command, info_name="atp")
    while isinstance(command, click.Group) and words:
        command = command.commands[words[0]]
        context = click.Context(command, context, info_name=words.pop(0))
    if not words:  # it is spoken of, not called
        return []
    return command.make_parser(context).parse_args(words)[1]


def test_what_is_typed_is_found_at_all() -> None:
    assert "atp send reservation prod987 order-1 30 --channel ECOM" in COMMANDS
    assert "ATP_DATA_DIR=.atp/data-2 ATP_WEB_PORT=6067 atp worker" in COMMANDS
    assert "atp stack up" in COMMANDS


def test_a_command_or_option_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(KeyError):
        left_over(["sned", "count"])
    with pytest.raises(click.NoSuchOption):
        left_over(["get", "prod987", "--chanel", "ECOM"])
    assert ["more"] == left_over(["get", "prod987", "ECOM", "more"])


def test_every_target_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {word for line in re.findall(r"\bmake ((?:[a-z]+ ?)+)", "\n".join([*TYPED, *code_spans()])) for word in
             line.split()}  # fmt: skip

    assert named >= {"demo", "test", "docs"}
    assert [] == [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)]


def code_spans() -> list[str]:
    return re.findall(r"`([^`]+)`", PROSE)


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\bATP_[A-Z_]*[A-Z]\b", README.replace("ATP_TOPIC_...", "")))

    assert set() == named - {row.variable for row in catalogue()}


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README)
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", PROSE, re.MULTILINE)}
    places = [target for target in targets if not target.startswith("http")]
    lost = [place for place in places if place[0] != "#" and not (ROOT / place).exists()]

    assert [] == lost + [place for place in places if place[0] == "#" and place[1:] not in headings]


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_example_in_json_is_json() -> None:
    assert [] == [text for text in JSON_BLOCKS if not is_json(text)]


def is_json(text: str) -> bool:
    """Whether it is one value, or one on each line."""
    try:
        json.loads(text)
    except ValueError:
        return all(msgspec.json.decode(line) for line in text.splitlines())
    return True


def test_the_policy_is_one_that_would_be_applied() -> None:
    (document,) = [text for text in JSON_BLOCKS if "tenants" in text]

    rules = policy.parse(document.encode()).rules("acme|prod987")

    assert (20_00, 1_00, "ECOM") == (rules.fixed, rules.step, rules.resolve("Ecommerce"))
    assert policy.Rule(kind=Kind.SHARE, weight=1_000, thawed=Kind.SHARE) == rules.channels["MARKETPLACE"]


def test_the_message_of_a_plain_producer_is_one_that_is_read() -> None:
    (message,) = [text for text in JSON_BLOCKS if "product_id" in text]

    found = Inbound(NoSchemas(), "acme").translate(InputKind.ADJUSTED, Written(message.encode()))

    assert isinstance(found, Translated)
    assert ("acme", "prod987", "abc123") == (found.tenant, found.item, found.command.event_id)


class NoSchemas:
    def lookup(self, schema_id: int) -> None:
        raise AssertionError(schema_id)


class Written(msgspec.Struct, frozen=True):
    value: bytes | None
    timestamp: int = 1_795_359_278_228


def test_what_a_worker_says_when_it_gives_up_is_what_it_says() -> None:
    (table,) = re.findall(r"^\| It says \|.*?\n\n", README, re.MULTILINE | re.DOTALL)
    said = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    engine = "".join(path.read_text() for path in sorted((ROOT / "atp_stream" / "engine").glob("*.py")))

    assert 13 == len(said)
    assert [] == [words for words in said if words not in engine]


def test_the_picture_fits_a_terminal() -> None:
    picture = next(text for kind, text in BLOCKS if kind == "text")

    assert max(map(len, picture.splitlines())) <= 80


def test_the_counts_in_the_prose_are_those_of_the_code() -> None:
    topics = Topics.of(Settings())

    assert f"The item log has {topics.item_log.partitions} partitions" in README
    assert f"`{topics.state_changelog.name}`" in README


def test_the_first_screen_says_what_it_is_and_what_it_is_not() -> None:
    first = "\n".join(README.splitlines()[:30])

    assert "*discrete* ATP" in first
    assert "not** time-phased" in first
    assert "| an order reserves 30 | 150 | 30 | **120** |" in first


def test_there_is_a_changelog_entry_for_this_version() -> None:
    version = re.search(r'__version__ = "(.*)"', (ROOT / "atp_stream" / "__init__.py").read_text())

    assert version is not None
    assert f"## [{version[1]}]" in Path(ROOT / "CHANGELOG.md").read_text()
