"""What a working copy keeps of what it has fetched."""

import os
import time
from pathlib import Path

import pytest

from c2s_assets.storage.lake.evicting import evict
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.shapes import is_shape, present
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets_tests.buckets import serve_s3


def test_what_was_read_longest_ago_goes_first_and_comes_back_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C2S_CACHE", str(tmp_path))
    with serve_s3() as s3:
        layout = find_lake(f"{s3.make_bucket()}/lake")
        places = [layout.table(name, "d") for name in ("oldest", "older", "now")]
        with stage(layout, "d") as staged:
            for place in places:
                staged.path(place).write_text("ten bytes.")
            staged.commit(*places)
        for place, hours in zip(places, (30, 20, 0), strict=True):
            os.utime(place, (time.time() - hours * 3600,) * 2)
        copy = working_copy_of(layout)
        assert copy is not None
        evict(copy, most_bytes=20)
        assert [is_shape(place) for place in places] == [True, False, False]
        present(places[0])
        os.utime(places[1], (time.time() - 7200,) * 2)
        evict(copy, most_bytes=0)
        assert [is_shape(place) for place in places] == [False, True, False], "it was read just now"
        os.utime(places[0], (time.time() - 7200,) * 2)
        evict(copy, most_bytes=0)
        assert [is_shape(place) for place in places] == [True, True, False]
        assert present(places[0]).read_text() == "ten bytes."
