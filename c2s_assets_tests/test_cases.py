"""Where each input that the product once got wrong is tried; the files are kept beside the checkout.

The tests build their inputs themselves; each is of the whole kind that the file stands for.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CASES = TESTS.parents[1] / "shared" / "cases"

_CURATED = (
    "core/cells/test_metadata.py::test_a_curated_column_keeps_its_name_beside_one_that_differs_in_case_only"
)
_LEVELS = "storage/h5ad/test_levels.py::test_levels_beside_a_column_are_its_categories_where_every_code_fits"
_LIMITS = "storage/h5ad/test_limits.py::test_an_index_that_was_never_written_is_refused"
_PLUGINS = "storage/h5ad/test_plugins.py::test_a_file_compressed_as_a_whole_is_read_like_any_other"
_READ_AGES = "core/ages/test_labels.py::test_an_age_is_read_however_it_is_written"
_SILENT = "defs/test_feature_names.py::test_where_sentences_would_say_nothing_none_is_written"
_SYMBOLS = "defs/test_feature_names.py::test_symbols_are_found_wherever_a_file_has_them"
_JOINED = "core/genes/test_joining.py::test_features_are_matched_by_ids_where_the_indices_differ"
_UNREADABLE = (
    "end_to_end/test_files_people_have.py::"
    "test_columns_that_cannot_be_read_are_named_and_everything_else_is_built"
)

TRIED_BY = {
    "age_group_census": (
        "core/ages/test_labels.py::test_whether_the_upper_end_is_counted_in_follows_from_the_neighbours"
    ),
    "age_text_years": _READ_AGES,
    "age_tms": _READ_AGES,
    "bomb_features_unwritten": (
        "storage/h5ad/test_bombs.py::test_a_bomb_is_taken_in_or_refused_within_bounds"
    ),
    "bomb_index_unwritten": _LIMITS,
    "cols_filename": (
        "core/cells/test_metadata.py::test_the_name_that_the_catalogue_needs_for_itself_is_left_to_it"
    ),
    "cols_upper": _CURATED,
    "cols_upper_only": (
        "core/cells/test_metadata.py::"
        "test_a_column_that_is_nearly_called_like_a_curated_one_is_not_taken_for_it"
    ),
    "donor_spaces": ("core/cells/test_donors.py::test_ids_that_differ_in_case_and_space_only_are_one_donor"),
    "donor_vireo": "core/cells/test_donors.py::test_what_stands_where_a_donor_should_is_none",
    "h_bitshuffle": _PLUGINS,
    "h_blosc2": _PLUGINS,
    "h_bzip2": _PLUGINS,
    "h_zstd_all": _PLUGINS,
    "hostile_fletcher32_chunk": (
        "storage/h5ad/test_short_chunks.py::test_a_chunk_shorter_than_its_checksum_is_refused"
    ),
    "hostile_fractal_heap": (
        "storage/h5ad/test_survey.py::test_a_file_that_crashes_hdf5_is_refused_and_we_live"
    ),
    "legacy_both": "storage/h5ad/test_levels.py::test_obs_and_var_of_anndata_0_6_share_categories",
    "legacy_scalar_categories": (
        "storage/h5ad/test_levels.py::test_the_only_category_of_anndata_0_6_is_a_scalar"
    ),
    "m_X_scaled_counts_other": (
        "end_to_end/test_files_people_have.py::"
        "test_the_message_on_a_scaled_matrix_names_the_others_with_what_they_hold"
    ),
    "m_complex_col": _UNREADABLE,
    "m_one_symbol": _SILENT,
    "m_raw_ids_differ": _JOINED,
    "m_raw_seuratdisk": (
        "core/genes/test_joining.py::test_rows_that_are_only_counted_are_matched_by_the_names_beside_them"
    ),
    "m_uint64_col": _UNREADABLE,
    "o_kinds": (
        "end_to_end/test_files_people_have.py::"
        "test_all_of_obsm_becomes_tables_or_is_named_and_the_catalogue_answers"
    ),
    "o_onedim": "storage/h5ad/test_obsm.py::test_lists_of_one_value_per_cell_are_tables_of_one_column",
    "primary_no": (
        "core/cells/test_metadata.py::"
        "test_primary_data_is_read_once_and_the_source_kept_where_it_is_no_boolean"
    ),
    "r_na_factor": "storage/h5ad/test_levels.py::test_na_of_r_is_null_in_a_categorical_of_anndata",
    "r_seuratdisk": _LEVELS,
    "r_seuratdisk_na": (
        "end_to_end/test_files_people_have.py::test_factors_of_seuratdisk_are_their_levels_and_na_is_no_donor"
    ),
    "text_markdown": "core/reports/test_text.py::test_markdown_shows_the_text_and_nothing_else",
    "text_mathtext": "defs/test_plots.py::test_no_text_of_a_source_fails_a_picture",
    "uns_longdouble": "storage/h5ad/test_uns.py::test_a_value_becomes_what_json_can_hold",
    "v_citeseq": (
        "defs/test_feature_names.py::test_features_that_are_no_genes_stay_in_the_tables_and_out_of_sentences"
    ),
    "v_features_col": _SYMBOLS,
    "v_spikein": "core/genes/test_features.py::test_features_that_are_no_genes_have_a_kind_and_no_symbol",
    "v_symbol_col_partial": (
        "core/genes/test_features.py::test_a_symbol_is_taken_from_the_best_column_that_has_one"
    ),
    "var_cxg_fly": "core/genes/test_symbols.py::test_no_id_is_a_symbol",
    "var_deprecated": (
        "core/genes/test_features.py::"
        "test_a_gene_that_is_none_any_more_has_no_symbol_whatever_else_it_is_called"
    ),
    "var_made_unique": "core/genes/test_features.py::test_names_made_unique_share_a_symbol",
    "var_symbol_descr": "core/genes/test_features.py::test_a_column_of_descriptions_is_none_of_symbols",
    "var_transposed": _SILENT,
}


@pytest.mark.parametrize("case", TRIED_BY)
def test_a_case_has_the_test_that_is_named(case: str) -> None:
    path, _, name = TRIED_BY[case].partition("::")
    module = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.skipif(not CASES.exists(), reason="the folder of cases is not there")
def test_every_case_is_named() -> None:
    assert {path.stem for path in CASES.glob("*.h5ad")} == set(TRIED_BY)
