"""Metrics of one response to one case, a file per topic; a metric sees nothing but what it is given."""
