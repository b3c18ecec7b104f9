"""The order of all tests: files that wait for Docker or a browser begin first, so that two processes end together."""

from __future__ import annotations

import pytest

_FIRST = ("tests/engine/test_strategies_for_real.py", "tests/browser/", "tests/engine/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, start in enumerate(_FIRST) if item.nodeid.startswith(start)), len(_FIRST))
