"""Every name that a package hands on is there."""

import importlib

import pytest


@pytest.mark.parametrize("room", ["cost", "runs", "laws", "frontier", "advice"])
def test_a_packages_public_names_are_found(room):
    package = importlib.import_module(f"vvlm_utils.{room}")
    assert all(hasattr(package, name) for name in package.__all__)
