"""Gates and scores to verdicts: pass, fail or inconclusive, each with its numbers and its reason.

What is missing can never help: every unscored case counts at its worst wherever a gate could pass.
"""
