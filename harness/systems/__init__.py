"""Systems under test: one adapter a file, each an async context manager ``connect(**options)``."""
