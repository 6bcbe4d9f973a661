"""`c2s select` as a user runs it, against a local Discover."""

from pathlib import Path

import pytest

from c2s_assets_tests.discover import serve_discover
from c2s_assets_tests.end_to_end.commands import c2s
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

pytestmark = pytest.mark.slow


def test_select_shows_what_is_asked_for_and_fetches_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = make_lake(tmp_path)
    h5ad = write_toy_h5ad(tmp_path / "toy.h5ad")
    with serve_discover() as discover:
        monkeypatch.setenv("C2S_CELLXGENE_URL", discover.url)
        ids = discover.generate(6, h5ad)
        without = c2s("select", lake=layout.root)
        nothing = c2s("select", "--refresh", lake=layout.root)
        n_fetched = sum(n for path, n in discover.n_requests.items() if path.startswith("/h5ad/"))
    assert (without.returncode, n_fetched) == (1, 0)
    assert "Make it with: c2s select --refresh" in without.stderr
    assert nothing.returncode == 0, nothing.stderr
    assert "0 of 6 datasets are selected: 0 cells, 0.0 GB of h5ad" in nothing.stdout

    layout.settings.write_text("cellxgene: {tissue: [blod, lung]}")
    selected = c2s("select", "--dry-run", lake=layout.root)
    assert "2 of 6 datasets are selected: 1,685 cells, 0.0 GB" in selected.stdout
    assert selected.stdout.count("to fetch") == 2
    assert ids[1] in selected.stdout
    assert "did you mean blood?" in selected.stderr

    layout.settings.write_text("cellxgene: {tissues: [lung]}")
    assert "cellxgene.tissues is not a key" in c2s("select", lake=layout.root).stderr
