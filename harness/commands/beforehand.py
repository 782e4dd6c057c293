"""What is looked at before anything is asked: whether what comes of it can be kept."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.places import Places


def check_places(places: Places, outputs: Iterable[Path] = ()) -> None:
    """Refuse to begin where the database, or a file named by ``-o``, could not be written in the end.

    A database that is not there yet, or that another process uses now, is none of these.

    Raises:
        StoreError, RecordingError: it cannot; nothing was asked yet.
    """
    from harness.errors import Fault, RecordingError, StoreError, StoreInUse
    from harness.recordings import check_writable
    from harness.store.store import Store

    try:
        for path in outputs:
            check_writable(path)
        if places.store.exists():
            with suppress(StoreInUse), Store(places.store, wait_s=0.0):
                pass
    except (RecordingError, StoreError) as error:
        faults = [Fault(f"nothing was asked yet: {what}", place, mend) for what, place, mend in error.faults]
        raise type(error)(faults) from error
