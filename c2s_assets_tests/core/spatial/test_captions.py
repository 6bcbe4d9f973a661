"""Tests of captions, and of what can be told from them."""

import re
from typing import get_args

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.captioning import caption_cells
from c2s_assets.core.spatial.captions import OF_BLIND, compare_nuclei, write_captions
from c2s_assets.core.spatial.sample import SpatialSample, place_cells
from c2s_assets.core.spatial.spec import Unit

N_CELLS = 200
TYPES = pl.Series(np.where(np.arange(N_CELLS) % 4 == 0, "T cell", "B cell"))


def _facts(*, n_neighbours: pl.Series, area: pl.Series | None = None) -> pl.DataFrame:
    n = N_CELLS
    nothing = pl.repeat(None, n, dtype=pl.Float32, eager=True)
    return pl.DataFrame(
        {
            "cell_id": [f"cell_{number}" for number in range(n)],
            "section": ["section"] * n,
            "organism": ["Mus musculus"] * n,
            "tissue": ["brain"] * n,
            "cell_type": TYPES,
            "tissue_disease_state": ["normal"] * n,
            "st_technology": ["Xenium"] * n,
            "cell_disease_state": pl.repeat(None, n, dtype=pl.String, eager=True),
            "n_neighbours": n_neighbours.cast(pl.Int32),
            "density_per_mm2": n_neighbours.cast(pl.Float32) * 8,
            "neighbour_types": [["B cell", "T cell"]] * n,
            "neighbour_fracs": pl.Series([[0.7, 0.3]] * n, dtype=pl.List(pl.Float32)),
            "strongest_pairs": [["Lgi3-Stx1a"], *([["A-B"]] * (n - 1))],
            "nucleus_area_um2": nothing if area is None else area.cast(pl.Float32),
            "nucleus_elongation": pl.repeat(1.5, n, dtype=pl.Float32, eager=True)
            if area is not None
            else nothing,
            "nucleus_stain": area.cast(pl.Float32) if area is not None else nothing,
        }
    )


def _sample() -> SpatialSample:
    places = np.random.default_rng(0).uniform(0, 5_000, (N_CELLS, 2))
    return place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell")


def test_each_sentence_says_one_fact() -> None:
    facts = _facts(n_neighbours=pl.Series(range(N_CELLS)), area=pl.Series(range(1, N_CELLS + 1)))
    compared = compare_nuclei(facts)
    written = write_captions(compared, unit="cell", reach=_sample().reach, blind=OF_BLIND)
    # Whichever cells are written about, a nucleus is compared with all of its section.
    some = write_captions(compared[::7], unit="cell", reach=_sample().reach, blind=OF_BLIND)
    assert some.equals(written[::7])
    assert written["caption"][0] == (
        "A cell in brain of Mus musculus measured by Xenium. Its type is T cell. Disease label of the "
        "dataset: normal. Its nucleus is small for this section (1 um2), oval, and stains palely. 0 cells "
        "lie within 200 um of it (0 per mm2). The nearest are mostly B cell, T cell. Strongest signals that "
        "it receives, inferred from expression: Lgi3-Stx1a."
    )
    assert written["caption_blind"][-1] == (
        "A cell in brain of Mus musculus measured by Xenium. Disease label of the dataset: normal. Its "
        "nucleus is large for this section (200 um2), oval, and stains darkly. 199 cells lie within 200 um "
        "of it (1592 per mm2)."
    )


# What only a pathologist may say of a cell, after looking at it; the beginnings of words.
_OF_PATHOLOGISTS = (
    *("abnormal", "adeno", "anaplas", "atyp", "benign", "cancer", "carcinom", "diagnos", "dysplas", "grade"),
    *("hyperchrom", "hyperplas", "inflam", "invasi", "keratin", "lesion", "lymphom", "malign", "metasta"),
    *("metaplas", "mitos", "mitot", "necro", "neoplas", "patholog", "pleomorph", "prognos", "sarcoma"),
    *("stage", "suspicious", "tumor", "tumour"),
)


@pytest.mark.parametrize("unit", get_args(Unit))
def test_no_sentence_has_a_word_that_a_pathologist_would_have_to_stand_behind(unit: Unit) -> None:
    """Labels of the dataset are its own words; here they are letters, and all else is of the template."""
    facts = _facts(n_neighbours=pl.Series(range(N_CELLS)), area=pl.Series(range(1, N_CELLS + 1)))
    of_any_shape = pl.Series(np.linspace(1, 3, N_CELLS), dtype=pl.Float32)
    labelled = facts.with_columns(
        of_any_shape.alias("nucleus_elongation"),
        *(pl.lit("X").alias(name) for name in ("tissue_disease_state", "cell_disease_state")),
    )
    written = write_captions(compare_nuclei(labelled), unit=unit, reach=_sample().reach, blind=OF_BLIND)
    said = " ".join([*written["caption"], *written["caption_blind"]]).lower()
    assert all(word in said for word in ("small", "large", "round", "oval", "elongated", "palely", "darkly"))
    words = set(re.findall(r"[a-z]+", said))
    assert not {word for word in words if word.startswith(_OF_PATHOLOGISTS)}


def test_what_is_not_known_is_not_said() -> None:
    facts = _facts(n_neighbours=pl.Series([1] * N_CELLS)).with_columns(
        pl.lit(None, pl.String).alias(name) for name in ("tissue", "cell_type", "tissue_disease_state")
    )
    written = write_captions(compare_nuclei(facts), unit="bead", reach=_sample().reach, blind=[])
    caption = written["caption"][0]
    assert caption.startswith("A bead of Mus musculus measured by Xenium. 1 beads lie within 200 um")
    assert "None" not in caption
    assert "null" not in caption


def test_clauses_that_tell_the_type_are_left_out_of_blind_captions() -> None:
    rng = np.random.default_rng(1)
    by_chance = pl.Series(rng.integers(20, 30, N_CELLS))
    by_type = pl.Series(np.where(TYPES.to_numpy() == "T cell", 5, 90))
    groups = rng.integers(0, 10, N_CELLS)
    kept = caption_cells(_facts(n_neighbours=by_chance), _sample(), groups=groups)
    assert kept.blind_clauses == list(OF_BLIND)
    told = caption_cells(_facts(n_neighbours=by_type), _sample(), groups=groups)
    assert "crowding" not in told.blind_clauses
    assert "lie within" not in told.rows["caption_blind"][0]
    found = told.hides_types()
    assert found.holds
    assert found.figures["majority"] == 0.75
    assert found.figures["recovered_from_caption"] == 1
    assert "From crowding it could be told" in found.message


def test_cells_without_a_place_have_no_caption() -> None:
    facts = _facts(n_neighbours=pl.Series([1] * N_CELLS)).with_columns(
        pl.when(pl.int_range(pl.len()) > 0).then("section").alias("section")
    )
    places = np.random.default_rng(0).uniform(0, 5_000, (N_CELLS, 2))
    places[0] = np.nan
    sample = place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell")
    rows = caption_cells(facts, sample, groups=np.arange(N_CELLS - 1)).rows
    assert rows["caption"].is_null().to_list() == [number == 0 for number in range(N_CELLS)]
    assert rows["caption_source"].unique().sort().to_list() == [None, "template-v1"]
