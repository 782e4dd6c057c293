"""A judge against people: which answers to label, how far they agree, and means corrected by labels.

Missing labels can never help: without enough of them a judge's gates cannot decide.
"""
