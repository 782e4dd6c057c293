"""What `import harness` offers: every public name, loaded only when it is asked for."""

import subprocess
import sys

import pytest

import harness


@pytest.mark.parametrize("name", harness.__all__)
def test_every_public_name_is_there(name):
    """The list of names and what can be had agree."""
    assert getattr(harness, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    """As with any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        harness.nothing  # noqa: B018 -- the look-up is what is tested


def test_the_import_loads_nothing_else():
    """`import harness` costs next to nothing."""
    code = "import harness, sys; print([m for m in sys.modules if m.startswith(('harness.', 'msgspec'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
