from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError
from c2s_assets.storage.h5ad import links
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.h5ad.links import Link, refuse_foreign_storage, survey_links


def _survey(
    tmp_path: Path, write: Callable[[h5py.File], object], *, limits: Limits = DEFAULT_LIMITS
) -> list[Link]:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        write(file)
    with h5py.File(path) as file:
        return survey_links(file, limits=limits)


def _link_group_into_itself(file: h5py.File) -> None:
    file["a/b/c"] = 1
    file["a/b/up"] = file["a"]


def test_datasets_are_opened_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5 takes 80 kB for each that is open: 19,000 layers of 60 cells came to 1.5 GB."""
    n_open = []

    def count(dataset: h5py.Dataset, *, place: str) -> None:
        n_open.append(h5py.h5f.get_obj_count(dataset.file.id, h5py.h5f.OBJ_DATASET))
        refuse_foreign_storage(dataset, place=place)

    monkeypatch.setattr(links, "refuse_foreign_storage", count)
    _survey(tmp_path, lambda file: [file.create_dataset(f"layers/{n}", (1,), "f4") for n in range(5)])
    assert n_open == [1] * 5


def _external_storage(file: h5py.File) -> None:
    file.create_dataset("secrets", (3,), "u1", external=[("/etc/passwd", 0, 3)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("v", layout)


def _set(path: str, value: object) -> Callable[[h5py.File], None]:
    def write(file: h5py.File) -> None:
        file["uns/x"] = 1
        file[path] = value

    return write


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (
            _set("obs", h5py.ExternalLink("other.h5", "/obs")),
            "/obs is an external link to '/obs' in 'other.h5'",
        ),
        (_set("uns/gone", h5py.SoftLink("/nowhere")), "/uns/gone is a soft link to '/nowhere', which is not"),
        (_set("uns/loop", h5py.SoftLink("/uns/loop")), "/uns/loop"),
        (_set("uns/up", h5py.SoftLink("/uns")), "/uns/up is a soft link to '/uns', a group that contains it"),
        (_set("uns/root", h5py.SoftLink("/")), "a group that contains it"),
        (_link_group_into_itself, "/a/b/up is a hard link to a group that contains it"),
        (_external_storage, "/secrets keeps its values in another file, b?'/etc/passwd'"),
        (_virtual, "/v is a virtual dataset"),
    ],
    ids=[
        "external link",
        "soft link to nothing",
        "soft link to itself",
        "soft link to its group",
        "soft link to the root",
        "hard link to an ancestor",
        "external storage",
        "virtual dataset",
    ],
)
def test_a_file_that_leads_out_of_itself_is_refused(
    tmp_path: Path, write: Callable[[h5py.File], None], said: str
) -> None:
    with pytest.raises((UnsafeFileError, NotAnH5adError), match=said):
        _survey(tmp_path, write)


def test_a_soft_link_through_an_external_link_is_never_followed(tmp_path: Path) -> None:
    """The soft link sorts first; resolving it at once would open the other file."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = 1

    def write(file: h5py.File) -> None:
        file["a"] = h5py.SoftLink("/z/x")
        file["z"] = h5py.ExternalLink("other.h5", "/")

    with pytest.raises(UnsafeFileError, match="/z is an external link"):
        _survey(tmp_path, write)


def test_links_are_listed_parents_first_and_second_names_are_known(tmp_path: Path) -> None:
    def write(file: h5py.File) -> None:
        file["b/x"] = np.arange(3)
        file["a"] = file["b"]
        file["c"] = h5py.SoftLink("/b/x")

    assert _survey(tmp_path, write) == [
        Link("/a", None),
        Link("/a/x", None),
        Link("/b", "/a"),
        Link("/c", "/a/x"),
    ]


def test_groups_linked_twice_per_level_are_walked_once(tmp_path: Path) -> None:
    """Two names per level make 2**40 paths to the bottom."""

    def write(file: h5py.File) -> None:
        group = file
        for _ in range(40):
            child = group.create_group("left")
            group["right"] = child
            group = child

    assert len(_survey(tmp_path, write)) == 80


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match="deeper than 64 levels"):
        _survey(tmp_path, lambda file: file.create_group("/".join("a" * 70)))


def test_too_many_elements_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match=r"has 6 elements or more; at most 5 are read.*limits: "):
        _survey(
            tmp_path,
            lambda file: [file.create_group(f"g{i}") for i in range(6)],
            limits=Limits(elements=5),
        )


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAnH5adError, match="is not UTF-8"):
        _survey(tmp_path, lambda file: h5py.h5g.create(file.id, b"bad\xff"))
