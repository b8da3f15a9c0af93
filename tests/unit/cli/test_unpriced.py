import json

import pytest
import yaml

from processor.cli import main, unpriced
from processor.cli.choice import Answer
from processor.core.model import UnpricedCalls
from processor.core.posting import LIFETIME
from processor.core.questions import UnknownAnswer

FIRST_NS = 1_800_000_000 * 10**9
NEW = UnpricedCalls(
    "openai", ("new-1", "new"), "not known", "shop", 1200, 33_000, FIRST_NS, FIRST_NS
)
MINE = UnpricedCalls("azure", ("mine",), "not known", "", 1, 30, FIRST_NS, FIRST_NS + 10**9)


@pytest.fixture
def ask(monkeypatch, capsys):
    """Answers the command, and returns what it prints."""
    monkeypatch.setenv("COLUMNS", "80")

    def given(*unknowns, flags=(), code=0, left_out=(0, 0)):
        kinds, calls = left_out
        calls += sum(each.calls for each in unknowns)
        found = UnknownAnswer(list(unknowns), len(unknowns) + kinds, calls)
        answer = Answer(found, "answered by somebody")
        monkeypatch.setattr(unpriced, "ask", lambda *_: answer)
        assert main(["unpriced", *flags]) == code
        return capsys.readouterr().out.removeprefix("answered by somebody\n")

    return given


def test_each_is_shown_with_the_lines_that_would_price_it(ask):
    assert (
        ask(NEW, MINE)
        == """\
new-1 or new of openai: not known
    1,200 calls, 33,000 tokens, from shop
    2027-01-15T08:00:00Z to 2027-01-15T08:00:00Z
mine of azure: not known
    1 call, 30 tokens, from no service
    2027-01-15T08:00:00Z to 2027-01-15T08:00:01Z

To price them, add these lines to a copy of config/pricing.yaml, named with
--pricing, below its `models:`, where it has one:

  models:
    - provider: "openai"
      model: "new-1"
      prices: [{input: 1.00, output: 3.00}]   # USD per 1M tokens: put in yours
    - provider: "azure"
      model: "put in the model behind mine"
      aliases: ["azure:mine"]
"""
    )


def test_the_same_lines_are_not_shown_twice(ask):
    """Guarantees: two services with one model make one entry, as a file with two is refused."""
    out = ask(NEW, NEW._replace(service="other"), flags=["--pricing", "/dev/null"])
    assert out.count("- provider") == 1
    assert "to /dev/null," in out


def test_what_has_a_price_by_now_names_the_command_that_charges_it(ask):
    out = ask(NEW._replace(has_price=True))
    assert "By now there is a price for: new-1" in out
    assert "llm-cost reprice --since 2027-01-15T08:00:00Z --dry-run" in out
    assert "models:" not in out


def test_what_no_price_can_help_has_no_lines(ask):
    out = ask(NEW._replace(reason=LIFETIME))
    assert LIFETIME in out
    assert "models:" not in out


def test_what_lacks_tokens_is_listed_with_what_makes_them_known(ask):
    """Guarantees: whatever makes totals say "at least" is here, also where there is a price."""
    missing = NEW._replace(reason="", status="usage_missing", tokens=0)
    out = ask(missing, missing._replace(service="other"))
    assert "new-1 or new of openai: usage_missing" in out
    assert out.count('stream_options={"include_usage": true}') == 1
    assert "models:" not in out
    [found, _] = json.loads(ask(missing, missing, flags=["--json"]))
    assert (found["status"], found["yaml"]) == ("usage_missing", "")
    assert "include_usage" in found["fix"]


def test_deleted_calls_are_said_to_be_that(ask):
    deleted = UnpricedCalls("", (), "deleted", "", 3, 0, FIRST_NS, FIRST_NS, status="deleted")
    out = ask(deleted)
    assert out.startswith("deleted calls: deleted\n    3 calls\n")
    assert "no model" not in out


def test_json_has_the_same_and_the_lines_are_yaml(ask):
    first, second = json.loads(ask(NEW, MINE, flags=["--json"]))
    assert yaml.safe_load(first.pop("yaml"))[0]["model"] == "new-1"
    assert first == {
        "provider": "openai", "models": ["new-1", "new"], "status": "unpriced",
        "reason": "not known",
        "fix": "add a price to the price file, and charge it with llm-cost reprice",
        "service": "shop", "calls": 1200, "tokens": 33_000, "first": "2027-01-15T08:00:00Z",
        "last": "2027-01-15T08:00:00Z", "has_price": False,
    }  # fmt: skip
    assert yaml.safe_load(second["yaml"])[0]["aliases"] == ["azure:mine"]


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_what_is_left_out_is_counted(ask, monkeypatch, flags):
    said = []
    monkeypatch.setattr(unpriced.sys.stderr, "write", said.append)
    ask(NEW, flags=flags, left_out=(4000, 9000))
    assert "left out: 4,000 more kinds with 9,000 calls together" in "".join(said)


def test_a_ledger_without_unpriced_calls_says_so(ask):
    assert ask() == "the cost of every call in the ledger is known\n"
    assert json.loads(ask(flags=["--json"])) == []


def test_names_of_senders_cannot_control_the_terminal(ask):
    assert "\x1b" not in ask(NEW._replace(models=("\x1b[2Jevil",), service="\x1b]0;x\x07"))


def test_csv_has_the_fields_of_json(ask):
    """Guarantees: one row each, with the names that spans gave, and nothing beside them."""
    header, *rows = ask(NEW, MINE, flags=["--csv"]).splitlines()
    assert header.split(",") == list(json.loads(ask(NEW, flags=["--json"]))[0])
    assert rows[0].startswith("openai,new-1 new,")


def test_json_and_csv_are_one_too_many(ask):
    ask(NEW, flags=["--csv", "--json"], code=2)
