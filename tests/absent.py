"""What a test does when something that this project does not carry is not there."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip for a user, with the reason; fail under ``CI=true``, where all of it has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def needed(module: str) -> ModuleType:
    """The module of a package that only some installations have."""
    try:
        return import_module(module)
    except ImportError:
        absent(f"the package of {module} is not installed")
