"""Makes the doubles in this folder importable from every folder of tests below it."""
