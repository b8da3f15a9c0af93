"""The commands that read or change what the ledger holds, and their flags."""

from __future__ import annotations

from typing import Final

from processor.cli.flags import (
    ENDPOINT_FLAG,
    GRPC_FLAG,
    add_budgets,
    add_change,
    add_config,
    add_data_dir,
    add_pricing,
    named,
    not_empty,
    plain_text,
    positive,
)
from processor.cli.parser import Commands, exit_codes, sentence

_WHOM: Final = """\
Asks the processor that listens where the settings say{}, and {} the ledger's file where none \
answers. With --data-dir it is that ledger (where it is open, the processor is asked, and that is \
said), with {} that processor. The first line says which it was."""
WHOM: Final = _WHOM.format("", "reads", ENDPOINT_FLAG)
_WHOM_TO_CHANGE: Final = _WHOM.format(" for spans over gRPC", "changes", GRPC_FLAG)

_MOMENT: Final = (
    "2026-11-01, 2026-11-01T08:00 or 7d; without an offset such as +01:00 in the time zone of the "
    "budgets file that this command has, which is UTC unless --budgets or --config names one"
)


def add_ledger_commands(commands: Commands) -> None:
    """Add these commands."""
    _add_reprice(commands)
    _add_exclude(commands)
    _add_forget(commands)
    _add_verify(commands)
    _add_backup(commands)


def _add_reprice(commands: Commands) -> None:
    text = "price stored calls again, after a price was added or corrected"
    description = f"""\
{sentence(text)}

Shows the difference by model and by budget and posts it as corrections. What the backend has \
stored is not touched. Run again, it changes nothing more.

{_WHOM_TO_CHANGE} A running processor uses the prices that it has in force."""
    parser = commands.add_parser(
        "reprice",
        help=text,
        description=description,
        epilog=f"example:\n  llm-cost reprice --since 7d --dry-run\n\n"
        f"{exit_codes('the ledger cannot be read or written')}",
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=named,
        required=True,
        help=f"the first calls: {_MOMENT}",
    )
    parser.add_argument(
        "--until", metavar="TIME", type=named, help="where to end; itself not included"
    )
    parser.add_argument("--dry-run", action="store_true", help="show it, and change nothing")
    add_change(parser)


def _add_exclude(commands: Commands) -> None:
    text = "take wrong calls out of all sums and budgets, or put them back"
    description = f"""\
{sentence(text)}

All that is given has to hold. What is excluded keeps its row, with the status excluded; a copy of \
it, or a span above it, that comes later does not bring it back. New calls of the same trace, \
session or user count. What the backend has stored is not touched.

{_WHOM_TO_CHANGE}"""
    parser = commands.add_parser(
        "exclude",
        help=text,
        description=description,
        epilog="examples:\n  llm-cost exclude --session load-7 --reason 'load test' --dry-run\n"
        f"  llm-cost exclude --undo 7\n\n{exit_codes('the ledger cannot be read or written')}",
    )
    for name, meaning in (
        ("trace", "calls of this trace, its id in hex"),
        ("span", "this call, as trace id:span id"),
        ("session", "calls of this session"),
        ("user", "calls of this user, as the ledger has the id"),
    ):
        parser.add_argument(f"--{name}", metavar="ID", type=named, help=meaning)
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=named,
        help=f"calls that ended from then on: {_MOMENT}",
    )
    parser.add_argument(
        "--until", metavar="TIME", type=named, help="where to end; itself not included"
    )
    parser.add_argument(
        "--reason", metavar="TEXT", type=plain_text, help="why, for the calls and the audit"
    )
    parser.add_argument(
        "--undo", metavar="N", type=positive, help="put back what the exclusion N has taken out"
    )
    parser.add_argument("--dry-run", action="store_true", help="show it, and change nothing")
    add_change(parser)


def _add_forget(commands: Commands) -> None:
    text = "take the id of a user out of all that is kept; what it has cost stays"
    description = f"""\
{sentence(text)}

All of it stands under one tombstone from then on, also a session, an agent, a task or an own \
dimension of the same text. Repeats, late parents and further spans of traces that were there do \
not bring the id back; new traces of the user count under it again. Exports, older backups, what \
the backends have, and requests that wait for them on the disk are not covered. Parts of the file \
that nothing uses may hold old bytes until they are used again; a new backup has none.

{_WHOM_TO_CHANGE}"""
    parser = commands.add_parser(
        "forget",
        help=text,
        description=description,
        epilog="example:\n  llm-cost forget --user ada@example.com --dry-run\n\n"
        f"{exit_codes('the ledger cannot be read or written')}",
    )
    parser.add_argument(
        "--user",
        metavar="ID",
        type=named,
        required=True,
        help="whom to forget, as the ledger has the id",
    )
    parser.add_argument("--dry-run", action="store_true", help="count it, and change nothing")
    add_change(parser)


def _add_verify(commands: Commands) -> None:
    text = "prove that everything the ledger keeps agrees, and say what does not"
    description = f"""\
{sentence(text)}

Adds up charges and compares: sums by hour and day, traces, totals, what budgets follow, and what \
the spans themselves say, of all traces with --full. It reads only, in short steps, beside a \
running processor or alone; interrupted, it says where to go on."""
    parser = commands.add_parser(
        "verify",
        help=text,
        description=description,
        epilog="examples:\n  llm-cost verify\n  llm-cost verify --full /backup/ledger.db\n\n"
        f"{exit_codes('something differs', 'it could not be checked, or a flag is wrong')}",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        type=not_empty,
        help="a ledger, such as a backup (default: our own)",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="hold every trace to its spans, and every index to its table, however long it takes",
    )
    parser.add_argument(
        "--resume", metavar="POSITION", help="go on where an interrupted one has stopped"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, at the end")
    add_config(parser)
    add_budgets(parser)
    add_data_dir(parser)


def _add_backup(commands: Commands) -> None:
    text = "copy the ledger to a file that can take its place, also while it is in use"
    description = f"""\
{sentence(text)}

The copy shows one moment, is compact, and is read again from the disk before it gets its name. \
Until then it is FILE.partial, which is removed if it cannot be finished. To restore it: stop the \
processor, remove ledger.db, ledger.db-wal and ledger.db-shm, put it there as ledger.db, start."""
    parser = commands.add_parser(
        "backup",
        help=text,
        description=description,
        epilog="example:\n  llm-cost backup --data-dir /var/lib/llm-cost /backup/ledger.db\n\n"
        f"{exit_codes('no copy could be made; a file that was there is as it was')}",
    )
    parser.add_argument("file", metavar="FILE", help="where to write it; its folder must be there")
    parser.add_argument("--force", action="store_true", help="replace FILE where it is there")
    add_config(parser)
    add_data_dir(parser)
    # It copies the ledger whatever they say; so the flags of `serve` may be given to it as well.
    add_pricing(parser)
    add_budgets(parser)
