"""Faults planted in recorded answers: what each of them changes, and whether a metric catches it."""
