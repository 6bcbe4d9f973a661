"""`c2s select` as a user runs it, against a local Discover."""

from functools import partial
from pathlib import Path

import pytest

from c2s_assets_tests.cli import commanding
from c2s_assets_tests.discover import serve_discover
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

pytestmark = pytest.mark.slow


def test_select_shows_what_is_asked_for_and_fetches_none_of_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    h5ad = write_toy_h5ad(tmp_path / "toy.h5ad")
    with serve_discover() as discover:
        c2s = partial(commanding.c2s, lake=layout.root, cellxgene=discover.url)
        ids = discover.generate(6, h5ad)
        without = c2s("select")
        nothing = c2s("select", "--refresh")
        layout.settings.write_text("cellxgene: {tissue: [blod, lung]}")
        selected = c2s("select")
        n_fetched = sum(n for path, n in discover.n_requests.items() if path.startswith("/h5ad/"))
        built = c2s("build", ids[1])
    assert (without.status, n_fetched) == (1, 0)
    assert "Make it with: c2s select --refresh" in without.err
    assert nothing.status == 0, nothing.err
    assert "0 of 6 datasets are selected: 0 cells, 0.0 GB of h5ad" in nothing.out
    assert "2 of 6 datasets are selected: 1,685 cells, 0.0 GB" in selected.out
    assert selected.out.count("to fetch") == 2
    assert ids[1] in selected.out
    assert "did you mean blood?" in selected.err

    assert built.status == 0, built.out
    assert _state(c2s("select").out, ids[1]) == "in the lake"
    layout.table("cell_metadata", ids[1]).unlink()
    assert _state(c2s("select").out, ids[1]) == "to build, its h5ad is in the lake"

    layout.settings.write_text("cellxgene: {tissues: [lung]}")
    assert "cellxgene.tissues is not a key" in c2s("select").err
    # The words that may be used are shown whatever the settings say.
    values = c2s("select", "--values", "tissue").out.splitlines()
    assert values[0].split() == ["datasets", "cells", "label"]
    assert [line.split(maxsplit=2)[2] for line in values[1:]] == ["skeletal muscle tissue", "lung", "blood"]
    assert "there are organism, tissue, assay" in c2s("select", "--values", "tisue").err


def _state(shown: str, dataset_id: str) -> str:
    (line,) = (line for line in shown.splitlines() if line.startswith(dataset_id))
    return line.partition(" GB ")[2].strip()
