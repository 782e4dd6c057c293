"""Is any group worse served? Gaps between groups, at equal mix, against a baseline, and between twins."""
