"""Renderings of one Report: HTML, console text, Markdown, JUnit and JSON; they show and compute nothing."""
