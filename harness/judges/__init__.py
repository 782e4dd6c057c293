"""Models that judge answers: prompts, the client, strict reading of verdicts, the cache, whom to trust."""
