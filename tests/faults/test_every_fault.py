"""Every fault that is promised to be withstood has tests that say its number and assert something."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FAULTS = [*range(1, 32), 33, 35, 37, 38, 39]


def checks(function: ast.FunctionDef) -> bool:
    """Whether the test can fail: it asserts, or expects an error."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr in {"raises", "fail"})
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id.startswith(("assert", "_assert", "check", "_fails"))
        )
        for node in ast.walk(function)
    )


@cache
def named() -> dict[int, list[ast.FunctionDef]]:
    """Every test that is named after a fault."""
    found: dict[int, list[ast.FunctionDef]] = defaultdict(list)
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (match := re.match(r"test_f(\d+)_", node.name)):
                found[int(match[1])].append(node)
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_has_its_tests(fault: int) -> None:
    """At least one, and none of them empty."""
    tests = named()[fault]
    assert tests
    assert [test.name for test in tests if not checks(test)] == []
