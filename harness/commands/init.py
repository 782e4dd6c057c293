"""``harness init``: a project that runs offline at once."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

WRITTEN = {
    "suites/assistant.yaml": "what is asked, measured and gated",
    "suites/suite.schema.json": "lets editors check the suite",
    "goldens/assistant/cases.jsonl": "the golden cases",
    "goldens/assistant/corpus.jsonl": "the documents they are about",
    "assistant.py": "the system under test",
    "README.md": "what to run and what to edit",
    ".github/workflows/rag-gate.yml": "the gate on every pull request",
}
"""Every file of the project and what it is; the schema is made, the others lie in ``harness/starter``."""

SCHEMA = "suites/suite.schema.json"
IGNORED = "reports/"
NEXT = (
    "harness check suites/assistant.yaml",
    'harness baseline promote last --reason "first baseline"',
    "harness check suites/assistant.yaml",
)


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> int:
    """Write a project into DIR that runs offline at once: a suite, golden cases, a small assistant, CI.

    Existing files are never overwritten: if there is one, nothing is written.
    """
    contents = {folder / name: _content(name) for name in WRITTEN}
    _refuse_existing(contents)
    _write(contents)
    terminal.say(f"wrote to {_shown(folder)}")
    for name, what in WRITTEN.items():
        click.echo(f"  {name:<32} {what}")
    if _ignore_reports(folder / ".gitignore"):
        click.echo(f"  {'.gitignore':<32} {IGNORED} is not for version control")
    click.echo("next")
    if folder.resolve() != Path.cwd():
        terminal.say(f"  cd {shlex.quote(str(folder))}")
    for command in NEXT:
        click.echo(f"  {command}")
    return 0


def _content(name: str) -> bytes:
    if name == SCHEMA:
        import json

        from harness.suites.schema import suite_schema

        return (json.dumps(suite_schema(), indent=2, ensure_ascii=False) + "\n").encode()
    from importlib.resources import files

    place: Traversable = files("harness").joinpath("starter")
    for part in name.split("/"):
        place = place.joinpath(part)
    return place.read_bytes()


def _refuse_existing(contents: dict[Path, bytes]) -> None:
    from harness.errors import UsageError

    existing = [str(path) for path in contents if path.exists() or path.is_symlink()]
    if existing:
        raise UsageError(
            f"nothing was written, these files exist: {', '.join(existing)}",
            mend="name an empty folder: harness init DIR",
        )


def _write(contents: dict[Path, bytes]) -> None:
    """Write every file or none, so that a second try finds the folder as the first did."""
    from harness.errors import UsageError

    written: list[Path] = []
    for path, content in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
        except OSError as error:
            for done in written:
                done.unlink(missing_ok=True)
            raise UsageError(
                f"cannot write {path}: {error.strerror}", mend="choose another folder"
            ) from error


def _ignore_reports(path: Path) -> bool:
    """Add the reports folder to a .gitignore that does not name it; say whether it was added."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    entries = {line.strip().strip("/") for line in text.splitlines()}
    if entries & {"reports", "reports/*", "reports/**"}:
        return False
    gap = "\n" if text and not text.endswith("\n") else ""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{gap}{IGNORED}\n")
    return True


def _shown(folder: Path) -> str:
    return "this folder" if folder.resolve() == Path.cwd() else str(folder)
