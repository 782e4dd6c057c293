"""The file of what is known of a suite's judges; it stands under version control, beside the suite."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.errors import Place, UsageError
from harness.types import JudgeTrust

VERSION = 1


class _File(msgspec.Struct, frozen=True):
    judges: tuple[JudgeTrust, ...]
    version: int = VERSION


def read_trust(path: Path) -> tuple[JudgeTrust, ...]:
    """Give what is known of judges; nothing where there is no file.

    Raises:
        UsageError: the file cannot be read, or is none of this version.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        what = f"what is known of judges cannot be read: {error}"
        raise UsageError(what, Place(str(path)), "run `harness judge canaries SUITE` anew") from error
    if found.version != VERSION:
        what = f"version {found.version} of what is known of judges, this harness reads {VERSION}"
        raise UsageError(what, Place(str(path)))
    return found.judges


def with_known(before: tuple[JudgeTrust, ...], known: tuple[JudgeTrust, ...]) -> str:
    """Give the text of the file with some judges known anew; the others stay."""
    by_key = {(one.metric, one.judge, one.fingerprint): one for one in (*before, *known)}
    kept = _File(tuple(by_key[key] for key in sorted(by_key)))
    return msgspec.json.format(msgspec.json.encode(kept), indent=2).decode() + "\n"
