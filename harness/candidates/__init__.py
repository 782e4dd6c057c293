"""Several runs on the same goldens: which are told apart, which to ship, which to drop early."""
