"""Does the answer stand when the question is asked otherwise? Seeded variants of golden cases."""
