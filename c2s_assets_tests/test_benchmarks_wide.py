"""The benchmark of the wide table compares ways that write the same."""

import pandas as pd

from benchmarks import atlas, wide


def test_both_ways_write_the_same_table_and_the_report_names_them(tmp_path):
    source = atlas.write_atlas(tmp_path / "atlas.h5ad", n_obs=200, n_vars=300)
    runs = {}
    for way in ("pandas", "ours"):
        for work in (way, "read"):
            steps = wide.Steps()
            wide._WAYS[work](source, tmp_path / way, steps)
            name = way if work == way else f"read {way}"
            runs[name] = [wide.Run(steps.seconds, peak_bytes=10**9, n_bytes=10**6)]

    theirs, ours = (pd.read_parquet(tmp_path / way) for way in ("pandas", "ours"))
    pd.testing.assert_frame_equal(theirs, ours)
    report = wide.render(runs, 200)
    assert report.count("\n") == 11
    assert "| **`expression_matrix`, from the h5ad** |" in report
