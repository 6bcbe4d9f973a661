"""Runs and sensors of a lake in a bucket begin with what is published by then."""

from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.defs.automation.inbox import inbox
from c2s_assets.defs.resources import Store
from c2s_assets.storage.lake.locating import find_lake, known_lake
from c2s_assets_tests.buckets import serve_s3


def test_a_sensor_sees_what_was_dropped_into_the_bucket_since_its_last_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C2S_CACHE", str(tmp_path))
    with serve_s3() as s3, dg.instance_for_test() as instance:
        address = f"{s3.make_bucket()}/lake"
        layout = find_lake(address)
        for root in (address, str(layout.root)):  # as `dagster dev` has it, and as `c2s ui` does
            dataset_id = f"dropped_for_{'bucket' if root == address else 'copy'}"
            s3.put(s3.address, f"lake/inbox/{dataset_id}.h5ad", b"cells")
            with dg.build_sensor_context(instance, resources={"store": Store(root=root)}) as context:
                seen = inbox(context)
            assert isinstance(seen, dg.SensorResult)
            asked = seen.dynamic_partitions_requests or []
            assert dataset_id in [key for request in asked for key in request.partition_keys]
        s3.requests.clear()
        assert known_lake(address) == layout
        assert s3.requests == []
