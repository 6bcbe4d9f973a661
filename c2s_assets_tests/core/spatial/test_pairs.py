"""Tests of pairs of ligand and receptor."""

import polars as pl
import pytest

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.spatial.pairs import match_pairs, parse_pairs


def _pairs(*pairs: tuple[str, str], contact: tuple[int, ...] = ()) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ligand": [ligand for ligand, _ in pairs],
            "receptor": [receptor for _, receptor in pairs],
            "needs_contact": [number in contact for number in range(len(pairs))],
        }
    )


def test_a_table_may_call_its_columns_as_liana_does_and_name_a_pair_twice() -> None:
    table = pl.DataFrame(
        {
            "source_genesymbol": ["A", " A ", "B", None, ""],
            "target_genesymbol": ["R", "R", "S", "S", "S"],
            "Annotation": ["Secreted Signaling", "x", "cell-cell contact", None, None],
        }
    )
    assert parse_pairs(table, source="mine.csv").rows() == [("A", "R", False), ("B", "S", True)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"from": ["A"], "receptor": ["R"]}, "mine.csv has the columns from, receptor; a table of pairs has"),
        ({"ligand": [None], "receptor": ["R"]}, "mine.csv holds no pair"),
    ],
)
def test_a_table_without_pairs_is_refused(table: dict[str, list[str | None]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_pairs(
            pl.DataFrame(table, schema_overrides={"ligand": pl.String}, strict=False), source="mine.csv"
        )


def test_a_pair_is_measured_with_all_its_subunits_and_those_in_contact_come_last() -> None:
    pairs = _pairs(("A", "R"), ("A_B", "R_S"), ("A_C", "R"), ("H2_K", "S"), contact=(0,))
    found = match_pairs(pairs, pl.Series(["A", "B", "R", "S", "H2_K", None]), source="mine.csv")
    assert found.pairs["is_measured"].to_list() == [True, True, False, True]
    assert found.pairs["pair_index"].to_list() == [2, 0, None, 1]
    assert found.genes == ["A", "B", "H2_K", "R", "S"]
    assert found.roles.n_far == 2
    assert [found.genes[gene] for gene in found.roles.ligand_genes] == ["A", "B", "H2_K", "A"]
    assert found.roles.ligand_begins.tolist() == [0, 2, 3, 4]
    assert [found.genes[gene] for gene in found.roles.receptor_genes] == ["R", "S", "S", "R"]


@pytest.mark.parametrize(
    ("pairs", "symbols", "right"),
    [
        (("GAD", "GRM"), ["Gad{}", "Grm{}"], "liana:mouseconsensus"),
        (("Gad", "Grm"), ["GAD{}", "GRM{}"], "liana:consensus"),
    ],
)
def test_pairs_of_another_species_are_refused_of_a_panel_too(
    pairs: tuple[str, str], symbols: list[str], right: str
) -> None:
    """Five of 1,000 pairs, as a small panel measures: far fewer than 5 %."""
    table = _pairs(*((f"{pairs[0]}{number}", f"{pairs[1]}{number}") for number in range(1_000)))
    panel = [symbol.format(number) for symbol in symbols for number in range(5)]
    with pytest.raises(ConfigError, match=f"0 of the 1,000 pairs .* another species.* perhaps {right}"):
        match_pairs(table, pl.Series(panel), source="it")
    # Of these one is measured as it is written, which is a fifth.
    written = [*panel, f"{pairs[0]}0", f"{pairs[1]}0"]
    assert match_pairs(table, pl.Series(written), source="it").pairs["is_measured"].sum() == 1


def test_a_small_panel_measures_few_pairs_and_that_is_no_other_species() -> None:
    pairs = _pairs(("A", "R"), *((f"L{number}", "R") for number in range(99)))
    assert match_pairs(pairs, pl.Series(["A", "R"]), source="it").pairs["is_measured"].sum() == 1
