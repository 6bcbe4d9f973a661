"""Tests of what cells say to each other, against a dense reference."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.spatial import strips as strips_of_sections
from c2s_assets.core.spatial.communication import ligands_of, listen
from c2s_assets.core.spatial.neighbours import Places, lay_out
from c2s_assets.core.spatial.roles import Reach, Roles, Speech
from c2s_assets.core.spatial.strips import Strip

# Pairs of genes 0 to 5: alone, a complex that speaks, a complex that hears, the same gene twice; the last
# two need contact.
ROLES = Roles(
    ligand_begins=np.array([0, 1, 3, 4, 5, 7]),
    ligand_genes=np.array([0, 1, 2, 3, 4, 0, 5], np.int32),
    receptor_begins=np.array([0, 1, 2, 4, 5, 6]),
    receptor_genes=np.array([3, 4, 5, 1, 4, 2], np.int32),
    n_far=3,
)
REACH = Reach(200.0, 10.0)


def _reference(
    xy_um: NDArray[np.float64], section: NDArray[np.int32], levels: NDArray[np.float32]
) -> NDArray[np.float64]:
    """What each cell, by row, hears of each other by each pair."""
    distance = np.sqrt(((xy_um[:, None] - xy_um[None]) ** 2).sum(axis=-1))
    together = (section[:, None] == section[None]) & ~np.eye(len(xy_um), dtype=bool)
    said = np.zeros((5, len(xy_um), len(xy_um)))
    for pair in range(5):
        ligand, receptor = (
            levels[:, genes[begins[pair] : begins[pair + 1]]].astype(float).min(axis=1)
            for begins, genes in (
                (ROLES.ligand_begins, ROLES.ligand_genes),
                (ROLES.receptor_begins, ROLES.receptor_genes),
            )
        )
        action = np.outer(receptor, ligand)
        radius = 200 if pair < 3 else 10
        said[pair] = np.where(
            together & (distance <= radius), 10 / np.maximum(distance, 10) * action / (0.5 + action), 0
        )
    return said


def _speech(levels: NDArray[np.float32], places: Places) -> Speech:
    """Senders are called by their position."""
    return Speech(ROLES, csr_of(csr_array(levels[places.cell])), np.arange(len(levels), dtype=np.int32))


def _dense(found: Csr, n_columns: int) -> NDArray[np.float64]:
    shape = (len(found.indptr) - 1, n_columns)
    return csr_array((found.values, found.indices, found.indptr), shape=shape).toarray()


@pytest.mark.parametrize("fewest_cells", [1_000, 20])
def test_what_is_heard_and_sent_is_that_of_a_dense_reference(
    fewest_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips_of_sections, "FEWEST_CELLS", fewest_cells)
    rng = np.random.default_rng(3)
    n_cells = 300
    xy_um = rng.uniform(0, 900, (n_cells, 2))
    xy_um[::3] = xy_um[1::3] + rng.normal(0, 4, (n_cells // 3, 2))  # some that touch
    section = rng.integers(0, 2, n_cells).astype(np.int32)
    levels = (rng.random((n_cells, 6)) * (rng.random((n_cells, 6)) < 0.6)).astype(np.float32)
    said = _reference(xy_um, section, levels)
    places = lay_out(xy_um, section, radius_um=REACH.radius_um)
    speech = _speech(levels, places)
    strips = strips_of_sections.cut_into_strips(places, section[places.cell])
    assert (len(strips) > 2) == (fewest_cells < n_cells)
    heard = [listen(places, strip, speech=speech, reach=REACH) for strip in strips]
    scores = np.vstack([_dense(one.senders, n_cells) for one in heard])
    received = np.vstack([_dense(one.received, 5) for one in heard])
    in_places = said[:, places.cell][:, :, places.cell]
    assert (said[3:] > 0).any()
    assert all((np.diff(row) > 0).all() for one in heard for row in _rows(one.senders))
    np.testing.assert_allclose(scores, in_places.sum(axis=0), atol=1e-6)
    np.testing.assert_allclose(received, in_places.sum(axis=2).T, atol=1e-6, rtol=1e-6)
    of_ligands = np.zeros((n_cells, 5))
    for strip, one in zip(strips, heard, strict=True):
        of_ligands[strip.low : strip.high] += _dense(one.ligands._replace(values=one.sent), 5)
    np.testing.assert_allclose(of_ligands, in_places.sum(axis=1).T, atol=1e-9)
    contacts = sum(one.n_contacts for one in heard)
    assert contacts.tolist() == (in_places > 0).sum(axis=(1, 2)).tolist()


def _rows(found: Csr) -> list[NDArray[np.int32]]:
    return np.split(found.indices, found.indptr[1:-1])


def test_two_cells_that_touch() -> None:
    """Ligand 1 and receptor 1, 5 um apart: 1 / (0.5 + 1); only the one that has the receptor hears."""
    places = lay_out(np.array([[0.0, 0.0], [5.0, 0.0]]), np.zeros(2, np.int32), radius_um=200)
    levels = np.array([[1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]], np.float32)
    strip = Strip(first=0, last=2, low=0, high=2, section=0)
    heard = listen(places, strip, speech=_speech(levels, places), reach=REACH)
    np.testing.assert_allclose(_dense(heard.senders, 2)[np.argsort(places.cell)], [[0, 0], [2 / 3, 0]])
    assert heard.n_neighbours.tolist() == [1, 1]
    assert heard.n_contacts.tolist() == [1, 0, 0, 0, 0]


def test_of_a_complex_without_one_of_its_subunits_nothing_is_heard() -> None:
    levels = np.array([[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]], np.float32)
    ligands = ligands_of(csr_of(csr_array(levels)), ROLES, 0, 2)
    assert ligands.indices.tolist() == []
