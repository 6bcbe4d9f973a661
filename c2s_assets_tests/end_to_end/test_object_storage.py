"""The page on lakes in buckets, block by block, in a bucket on this machine."""

import contextlib
import shlex
import sys
from pathlib import Path

import pytest

from c2s_assets_tests.buckets import serve_s3
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.end_to_end.following import blocks_of
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad

pytestmark = pytest.mark.slow
_ADDRESS = "s3://my-bucket/lake"
_BUILT = "train_test,expression"


def test_every_block_does_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = make_lake(tmp_path)
    drop_toy_h5ad(lake, "old")
    write_toy_h5ad(tmp_path / "new.h5ad", seed=1)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("C2S_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("C2S_LAKE", _ADDRESS)
    with serve_s3() as s3, contextlib.chdir(tmp_path):
        s3.make_bucket("my-bucket")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        for kind, text in blocks_of("docs/object_storage.md"):
            if kind == "python":
                exec(compile(text, "block", "exec"), {})  # noqa: S102
            else:
                _run(text)
    assert (tmp_path / "backup" / "datasets" / "new" / "train").is_dir()


def _run(text: str) -> None:
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            continue
        further = ["--only", _BUILT] if words[1] == "build" else []
        said = c2s(*words[1:], *further, lake=_ADDRESS)
        assert said.status == 0, f"{line}: {said.err}"
