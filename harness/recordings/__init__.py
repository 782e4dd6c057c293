"""A run as checksummed JSON lines on disk: appended while it happens, read back, slimmed to a baseline.

A line is ``{"kind":"...","data":<json>,"crc32":"8 hex"}``, with the CRC-32 of the exact bytes of ``<json>``.
First the ``run``, then a ``case`` for each that is planned, with the stage in which it is asked, then every
``answer`` as it arrives and its ``scores`` as they are computed (packed: both in one ``result``), then an
``end`` with the number of results, the SHA-256 of all lines before it and the look at which the run stopped
early, if it did. A resumed run goes on after the end line; of several results for the same case and repeat
the last one counts. An answer without scores was paid for: it is scored, not asked for again.
A line that was damaged since costs what it held, and nothing that follows it (see ``read``).
A part of a run begins with a ``shard`` line that says which it is.
"""

from harness.recordings.files import check_writable, rename, write_whole
from harness.recordings.lines import repair
from harness.recordings.reading import NO_TEXTS, read, read_all, read_planned
from harness.recordings.results import changed, encoded
from harness.recordings.slim import pack_slim
from harness.recordings.stages import at_look
from harness.recordings.writing import Recording

__all__ = [
    "NO_TEXTS",
    "Recording",
    "at_look",
    "changed",
    "check_writable",
    "encoded",
    "pack_slim",
    "read",
    "read_all",
    "read_planned",
    "rename",
    "repair",
    "write_whole",
]
