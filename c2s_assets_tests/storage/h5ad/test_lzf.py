import numpy as np
import pytest

from c2s_assets.storage.h5ad.lzf import inflate_lzf


def _inflate(packed: list[int], *, room: int) -> list[int] | None:
    inflated = np.zeros(room, np.uint8)
    n_inflated = inflate_lzf(np.array(packed, np.uint8), inflated)
    return None if n_inflated < 0 else inflated[:n_inflated].tolist()


@pytest.mark.parametrize(
    ("packed", "inflated"),
    [
        ([], []),
        ([2, 7, 8, 9], [7, 8, 9]),
        ([1, 7, 8, 0b001_00000, 1], [7, 8, 7, 8, 7]),
        ([0, 7, 0b010_00000, 0], [7, 7, 7, 7, 7]),
        ([0, 7, 0b111_00000, 1, 0], [7] * 11),
        ([1, 7, 8, 0b001_00000, 1, 0, 5], [7, 8, 7, 8, 7, 5]),
    ],
    ids=["nothing", "literals", "a copy", "a copy of what it writes", "a long copy", "literals after a copy"],
)
def test_a_stream_is_inflated(packed: list[int], inflated: list[int]) -> None:
    assert _inflate(packed, room=20) == inflated


@pytest.mark.parametrize(
    ("packed", "room"),
    [
        ([2, 7, 8], 20),
        ([2, 7, 8, 9], 2),
        ([0, 7, 0b001_00000, 1], 20),
        ([0, 7, 0b001_00001, 0], 20),
        ([0, 7, 0b001_00000], 20),
        ([0, 7, 0b111_00000, 1], 20),
        ([0, 7, 0b111_00000, 255, 0], 20),
    ],
    ids=[
        "literals missing",
        "literals beyond the room",
        "a copy from before the start",
        "a copy from far before the start",
        "a copy without its distance",
        "a long copy without its distance",
        "a copy beyond the room",
    ],
)
def test_a_stream_that_leads_out_of_its_arrays_is_refused(packed: list[int], room: int) -> None:
    assert _inflate(packed, room=room) is None
