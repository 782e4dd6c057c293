"""Labels on disk: what was drawn and exported, what raters sent back, and what it says of a judge.

``labels/<suite>/`` beside the suite holds ``panels.json``, a key for each exported packet, ``labels.jsonl``
and ``calibration.json``: small, readable, kept under version control. There is no text of an answer in them.
"""
