"""A word that no command knows is answered with the one that was probably meant."""

import pytest

from processor.cli import main
from processor.cli.parser import Parser


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("pries", "unknown command pries (did you mean prices?)"),
        ("qqq", "unknown command qqq (it takes serve, demo,"),
        ("prices imprt f.json", "unknown command imprt (did you mean import?)"),
        ("price m --inptu 5 --output 5", "unknown flag --inptu (did you mean --input?)"),
        ("price m --inptu=5 --output=5", "unknown flag --inptu (did you mean --input?)"),
        ("price m -input 5", "unknown flag -input (did you mean --input?)"),
        ("serve --pric x", "unknown flag --pric (did you mean --pricing?)"),
        ("reprice --endpoint x", "unknown flag --endpoint (did you mean --grpc-endpoint?)"),
        ("unpriced --zzzz", "unknown flag --zzzz (llm-cost unpriced --help lists all)"),
        ("--verison", "unknown flag --verison (did you mean --version?)"),
        ("--config x serve", "--config stands after the command"),
        ("prices --provider x import f.json", "--provider stands after the command"),
    ],
)
def test_a_misspelt_word_is_one_line_with_what_was_meant(words, answer, capsys):
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2
    assert f"error: {answer}" in capsys.readouterr().err


def test_a_known_flag_and_what_follows_two_dashes_are_left_alone(capsys):
    assert main(["price", "--input", "1", "--output", "1", "--json", "--", "--odd-model"]) == 1
    assert '"--odd-model"' in capsys.readouterr().out


def test_a_negative_number_is_a_value(capsys):
    with pytest.raises(SystemExit):
        main(["price", "m", "--input", "-5", "--output", "1"])
    assert "must be a whole number of tokens" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--name", "a", "run"], ["--names", "a", "b", "--name", "c", "run"]]
)
def test_the_value_of_a_flag_before_a_command_is_no_command(words):
    parser = Parser(epilog="", description="")
    parser.add_argument("--name")
    parser.add_argument("--names", nargs="+")
    commands = parser.add_commands("command", "COMMAND")
    commands.add_parser("run", description="", epilog="")
    assert parser.parse_args(words).command == "run"
