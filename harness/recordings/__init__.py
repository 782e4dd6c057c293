"""A run as checksummed JSON lines on disk: appended while it happens, read back, slimmed to a baseline.

One line is ``{"kind":"run|case|result|end","data":<json>,"crc32":"8 hex"}``, with the CRC-32 of the exact
bytes of ``<json>``. First the run, then one line a planned case with the stage in which it is asked, then
results as they arrive, then an end line with their number, the SHA-256 of all lines before it and the look at
which the run stopped early, if it did. A resumed run goes on after the end line; of several results for the
same case and repeat the last one counts.
"""

from harness.recordings.files import write_whole
from harness.recordings.lines import repair
from harness.recordings.reading import NO_TEXTS, read, read_planned
from harness.recordings.slim import pack_slim
from harness.recordings.stages import at_look
from harness.recordings.writing import Recording

__all__ = ["NO_TEXTS", "Recording", "at_look", "pack_slim", "read", "read_planned", "repair", "write_whole"]
