"""The README and the pages say what the code does: their tables, commands, links, and examples."""

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
from atp_stream.domain.policy import rules
from atp_stream.domain.policy.item_rules import Rule
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.reasons import DenialReason, Reason
from atp_stream.domain.reservations.balances import Status
from atp_stream.domain.state.rows import End
from atp_stream.messages.inbound import Inbound, InputKind, Translated
from atp_stream.settings import Settings, catalogue
from atp_stream.topics import Topics
from tests.docs.pages import ROOT, anchors, pages
from tools import meanings, reference

README = (ROOT / "README.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()
TEXTS = {page: page.read_text() for page in pages()}
BESIDE = [*ROOT.glob("[CS]*.md"), ROOT / "benchmarks" / "README.md"]
ALL = "\n".join(TEXTS.values())
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", ALL, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```$", "", ALL, flags=re.MULTILINE | re.DOTALL)
TYPED = [line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines() if line[:2] == "$ "]
TOLD = re.findall(r"`((?:[A-Z_]+=\S+ )*atp(?: [^`]*)?)`", PROSE)
COMMANDS = [line for line in dict.fromkeys([*TYPED, *TOLD]) if re.match(r"(\w+=\S+ )*atp\b", line)]
JSON_BLOCKS = [text for kind, text in BLOCKS if kind == "json"]
MADE = [(page, name) for page, tables in reference.PAGES.items() for name in tables]


@pytest.mark.parametrize(("page", "name"), MADE, ids=[name for _, name in MADE])
def test_each_table_is_what_the_code_says_now_else_run_make_docs(page: Path, name: str) -> None:
    (found,) = re.findall(rf"<!-- begin {name}: made by `make docs` -->\n(.*?)\n<!-- end {name} -->", ALL, re.DOTALL)

    assert reference.PAGES[page][name]() == found


def test_making_the_tables_anew_changes_nothing() -> None:
    text = TEXTS[reference.REFERENCE]

    assert text == reference.rewritten(text, reference.PAGES[reference.REFERENCE])


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    text = TEXTS[reference.REFERENCE].replace("<!-- end topics -->", "")

    with pytest.raises(ValueError, match="has 0 places for the table topics, not 1"):
        reference.rewritten(text, reference.PAGES[reference.REFERENCE])


def test_the_contract_describes_all_that_a_worker_answers() -> None:
    documented = re.findall(r"^\| `([A-Z]+ \S+)`", reference.endpoints(), re.MULTILINE)

    assert sorted(reference.routes()) == sorted(documented)


def test_every_reason_that_the_code_gives_is_explained() -> None:
    assert {*reasons_in_the_code()} <= {*Reason}
    assert [] == [reason for reason in (*Reason, *DenialReason) if not reason.meaning]


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
    named = set(re.findall(r"\bATP_[A-Z_]*[A-Z]\b", re.sub(r"\bATP_[A-Z_]*_\.\.\.", "", ALL)))

    assert "ATP_DEFAULT_TENANT" in named
    files = {row.file_variable for row in catalogue() if row.secret}
    assert set() == named - files - {row.variable for row in catalogue()}


@pytest.mark.parametrize("page", [*TEXTS, *BESIDE], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", page.read_text())

    assert [] == [target for target in targets if not target.startswith("http") and not leads(page, target)]


def leads(page: Path, target: str) -> bool:
    """Whether a link leads to a file, and to an anchor that is there."""
    place, _, anchor = target.partition("#")
    there = (page.parent / place).resolve() if place else page
    return there.exists() and (not anchor or anchor in anchors(there))


def test_a_link_that_leads_nowhere_would_be_noticed() -> None:
    page = ROOT / "docs" / "guide.md"

    assert leads(page, "#by-hand")
    assert leads(page, "rules/stock.md#window")
    assert not leads(page, "#by-foot")
    assert not leads(page, "rules/stock.md#door")
    assert not leads(page, "gide.md")


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

    lives_by = rules.parse(document.encode()).rules("acme|prod987")

    assert (20_00, 1_00, "ECOM") == (lives_by.fixed, lives_by.step, lives_by.resolve("Ecommerce"))
    assert Rule(kind=Kind.SHARE, weight=1_000, thawed=Kind.SHARE) == lives_by.channels["MARKETPLACE"]


def test_the_message_of_a_plain_producer_is_one_that_is_read() -> None:
    message, guides = [text for text in JSON_BLOCKS if "product_id" in text]
    assert message.replace("160", "130") == guides  # 30 are shipped there before it

    found = Inbound(NoSchemas(), "acme").translate(InputKind.ADJUSTED, Written(message.encode()))

    assert isinstance(found, Translated)
    assert ("acme", "prod987", "abc123") == (found.tenant, found.item, found.command.event_id)


class NoSchemas:
    def lookup(self, schema_id: int) -> None:
        raise AssertionError(schema_id)


class Written(msgspec.Struct, frozen=True):
    value: bytes | None
    timestamp: int = 1_795_359_278_228
    key: None = None
    headers: None = None


def test_what_a_worker_says_when_it_gives_up_is_what_it_says() -> None:
    (table,) = re.findall(r"^\| It says \|.*?\n\n", OPERATING, re.MULTILINE | re.DOTALL)
    said = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    engine = "".join(path.read_text() for path in sorted((ROOT / "atp_stream" / "engine").glob("*.py")))

    assert 15 == len(said)
    assert [] == [words for words in said if words not in engine]


PICTURES = [text for kind, text in BLOCKS if kind == "mermaid"]


def test_the_picture_of_the_flow_has_every_topic() -> None:
    (flow,) = [text for text in PICTURES if "subgraph inputs" in text]
    topics = Topics.of(Settings())
    boxes = set(re.findall(r"\[\(?(?:inventory|…)[\w.-]*", flow))
    ends = [re.sub(r"^\[\(?(inventory|…)", "", box) for box in boxes]

    assert [] == [
        topic.name
        for topic in topics.every
        if topic not in (topics.state_changelog, topics.owners) and not named(topic.name, ends)
    ]
    assert [] == [end for end in ends if not any(topic.name.endswith(end) for topic in topics.every)]


def named(topic: str, ends: list[str]) -> bool:
    return any(topic.endswith(end) for end in ends)


def test_every_status_of_a_reservation_and_every_end_is_in_the_picture() -> None:
    (picture,) = [text for text in PICTURES if text.startswith("stateDiagram")]

    assert {*Status} == set(re.findall(r"--> ([A-Z]+)", picture))
    assert {*End} == set(re.findall(r"^  ([A-Z]+) --> \[\*\]$", picture, re.MULTILINE))


def test_the_counts_in_the_prose_are_those_of_the_code() -> None:
    topics = Topics.of(Settings())

    assert f"The item log has {topics.item_log.partitions} partitions" in OPERATING
    assert f"`{topics.state_changelog.name}`" in ALL
    assert f"`{topics.owners.name}`" in ALL


def test_the_readme_is_short() -> None:
    assert len(README.encode()) <= 10_000


def test_the_readme_has_the_two_commands() -> None:
    typed = re.findall(r"^```console\n\$ (.*)\n```$", README, re.MULTILINE)

    assert ["make demo", "make test"] == typed[:2]


def test_the_first_screen_says_what_it_is_and_what_it_is_not() -> None:
    first = "\n".join(README.splitlines()[:30])

    assert "*discrete* ATP" in first
    assert "also time-phased" in first
    assert "| an order reserves 30 | 150 | 30 | **120** |" in first


def test_there_is_a_changelog_entry_for_this_version() -> None:
    version = re.search(r'__version__ = "(.*)"', (ROOT / "atp_stream" / "__init__.py").read_text())

    assert version is not None
    heading = "Unreleased" if "dev" in version[1] else version[1]
    assert f"## [{heading}]" in Path(ROOT / "CHANGELOG.md").read_text()


def test_every_file_that_decides_something_is_where_the_architecture_says() -> None:
    files = re.findall(r"^\| .+ \| `([\w/]+\.py)` \|$", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)

    assert 15 == len(files)
    assert [] == [file for file in files if not (ROOT / "atp_stream" / file).is_file()]
