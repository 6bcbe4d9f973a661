"""A release is staged again by other code, and is another one only if that writes something else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from c2s_assets.core.releases import sections
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.lake.documents import read_document, read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.releases import code
from c2s_assets.storage.releases.atlas import stage_atlas
from c2s_assets.storage.releases.code import release_of_this_code
from c2s_assets.storage.releases.corpus import stage_corpus


def stage_again(
    layout: Layout, name: str, staging: Callable[..., ReleaseDocument]
) -> tuple[ReleaseDocument, ReleaseDocument, set[str]]:
    """Return the last document, the one of another staging, and which files that would write anew."""
    with stage(layout, f"release-{name}") as staged:
        document = staging(staged, layout, read_settings(layout), name)
        folder, last = staged.path(layout.release(name)), layout.release(name)
        new = [path.relative_to(folder) for path in folder.rglob("*.parquet")]
        written = {path.as_posix() for path in new if not (folder / path).samefile(last / path)}
    return read_document(last / RELEASE_DOCUMENT, ReleaseDocument), document, written


@pytest.fixture
def other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "this_code", lambda: "another")


def test_the_same_code_writes_nothing(released: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2s_assets.storage.releases.corpus.write_description", pytest.fail)
    last, document, written = stage_again(released, "corpus", stage_corpus)
    assert (document, written) == (last, set())


@pytest.mark.usefixtures("other_code")
def test_code_that_says_the_same_comes_to_the_same_release(released: Layout) -> None:
    assert release_of_this_code(released, "corpus") is None, "so that the lint reads all of it"
    last, document, written = stage_again(released, "corpus", stage_corpus)
    assert document == last
    assert not {path for path in written if path.count("/") == 2}, "cells are hard links"


@pytest.mark.usefixtures("other_code")
def test_a_mended_card_reaches_a_release_whose_tables_are_as_they_were(
    released: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "limits", lambda _: "## Limits\n\nNone.")
    last, document, _ = stage_again(released, "corpus", stage_corpus)
    changed = {path for path, file in document.files.items() if last.files[path] != file}
    assert changed == {"README.md"}


@pytest.mark.usefixtures("other_code")
def test_a_mended_card_reaches_an_atlas(released_atlas: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2s_assets.core.releases.atlas_card._wide_text", lambda *_: "")
    last, document, _ = stage_again(released_atlas, "muscle", stage_atlas)
    changed = {path for path, file in document.files.items() if last.files[path] != file}
    assert changed == {"README.md"}


def test_the_code_is_known_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = []
    for text in ("1", "1", "2"):
        for layer in ("core", "defs"):
            (tmp_path / layer).mkdir(exist_ok=True)
        (tmp_path / "core" / "card.py").write_text(text)
        (tmp_path / "defs" / "page.py").write_text(f"{text}{len(known)}")
        monkeypatch.setattr("c2s_assets.__file__", str(tmp_path / "__init__.py"))
        known.append(code.this_code.__wrapped__())
    assert known[0] == known[1] != known[2]
