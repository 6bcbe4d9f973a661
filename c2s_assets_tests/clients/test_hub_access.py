"""Who has not installed the client of the Hub is told how to."""

import sys

import pytest

from c2s_assets.clients.hub_access import hub_repo
from c2s_assets.core.errors import HubError


def test_the_client_of_the_hub_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(sys.modules, "c2s_assets.clients.hub", raising=False)
    with (
        pytest.raises(HubError, match=r"pip install 'c2s-assets\[hub\]'"),
        hub_repo("me/corpus", endpoint="http://127.0.0.1:9", token=None),
    ):
        pass
