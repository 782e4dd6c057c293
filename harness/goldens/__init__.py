"""Golden datasets: files in, checked cases with digests out."""
