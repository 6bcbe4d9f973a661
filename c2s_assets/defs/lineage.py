"""Which columns each column is made of; one of the source is called `obs/<name>` or `var/<name>`."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from c2s_assets.core import columns as c
from c2s_assets.core.cells.labels import MEMBER_LISTS
from c2s_assets.core.cells.metadata import own_names
from c2s_assets.core.cells.sources import Sources
from c2s_assets.core.genes.features import IS_HIGHLY_VARIABLE, MEAN, N_CELLS
from c2s_assets.core.genes.features import own_names as own_feature_names
from c2s_assets.core.genes.hgnc import ALIAS_SYMBOLS, PREVIOUS_SYMBOLS
from c2s_assets.core.genes.naming import SYMBOL_SOURCE, VAR_NAME
from c2s_assets.core.leaks.columns import (
    BANDS,
    DATASETS,
    EXACT,
    HASHES,
    IS_SAME_PERSON,
    N_EXACT,
    N_EXPECTED_BY_CHANCE,
    N_GENES,
    N_OTHER_CELLS,
    N_SHARED_CELLS,
    OTHER_DONOR_UID,
)
from c2s_assets.core.leaks.columns import N_CELLS as N_CELLS_OF_DONOR
from c2s_assets.core.spatial import columns as tissue
from c2s_assets.core.spatial.attributes import CELL_AREA, OF_OBS
from c2s_assets.core.spatial.columns import (
    IS_MEASURED,
    N_NEIGHBOURS,
    RECEIVED,
    RECEIVED_PAIR_INDEX,
    SCORE_RECEIVED,
    SCORE_SENT,
    SECTION,
    SENDER_INDEX,
    SENDER_SCORE,
    SENT,
    SENT_PAIR_INDEX,
    X_UM,
    Y_UM,
)
from c2s_assets.core.spatial.morphology import NO_NUCLEI
from c2s_assets.core.splits.records import record_names
from c2s_assets.core.tabular.columns import (
    AGE_MONTHS,
    CELL_INDEX,
    DISEASE_LIST,
    DRAW,
    FRAC_DETECTED,
    IS_HEALTHY,
    IS_OPEN_ENDED,
    N_CELLS_IN_GROUP,
)
from c2s_assets.defs.metadata import Lineage
from c2s_assets.schemas.columns import declared_columns
from c2s_assets.schemas.registry import (
    ATTRIBUTES,
    CAPTIONS,
    CELLS,
    COMMUNICATION,
    EXPRESSION,
    FEATURES,
    FINGERPRINTS,
    MANIFEST,
    PAIRS,
    PATCHES,
    PROFILE,
    RAW,
    SENTENCES,
    SIDES_OF_DATASET,
    SLIDES,
    TABLES,
)

_INDEX = "index"


def of_cell_metadata(names: Sequence[str], sources: Sources) -> Lineage:
    """Origins of `cell_metadata`, for the obs columns `names`; organisms may be of uns, too."""

    def obs(*columns: str | None) -> list[tuple[str, str]]:
        return [(RAW, f"obs/{name}") for name in columns if name in names]

    donors, ages = obs(sources.donor), obs(*sources.of_age)
    return {
        c.CELL_TYPE: obs(sources.cell_type),
        **{own: obs(name) for name, own in own_names(names).items()},
        **{own: obs(name) for name, own in MEMBER_LISTS.items() if name in names},
        c.CELL_ID: [(RAW, f"obs/{_INDEX}")],
        c.DONOR_ID: donors,
        c.DONOR_UID: donors,
        c.HAS_KNOWN_DONOR: donors,
        c.ORGANISM: [*obs(*sources.organism), (PROFILE, "organism")],
        c.IS_PRIMARY_DATA: obs(c.IS_PRIMARY_DATA),
        **dict.fromkeys((c.AGE, c.AGE_LOW, c.AGE_HIGH, c.AGE_METHOD, c.LIFE_STAGE), ages),
    }


def of_feature_metadata(
    names: Sequence[str],
    *,
    layer: str,
    symbol_sources: Iterable[str],
    kind_sources: Iterable[str],
    has_hgnc: bool,
) -> Lineage:
    """Origins of `feature_metadata`, for the var columns `names` and the matrix `layer`.

    Parameters
    ----------
    symbol_sources
        Values of `symbol_source`.
    kind_sources
        Columns that say what a feature is.
    has_hgnc
        Whether the symbols of HGNC were there to be asked.
    """
    sources = list(symbol_sources)
    symbols = [(RAW, f"var/{_INDEX if name == VAR_NAME else name}") for name in sources if name != "hgnc"]
    hgnc = [("gene_symbols", c.SYMBOL)] if "hgnc" in sources else []
    asked = [("gene_symbols", name) for name in (c.SYMBOL, c.FEATURE_ID, PREVIOUS_SYMBOLS, ALIAS_SYMBOLS)]
    kinds = [(RAW, f"var/{name}") for name in kind_sources]
    approved = [(RAW, f"var/{_INDEX}"), *symbols, *asked] if has_hgnc else []
    return {
        **{own: [(RAW, f"var/{name}")] for name, own in own_feature_names(names).items()},
        c.FEATURE_ID: [(RAW, f"var/{_INDEX}")],
        VAR_NAME: [(RAW, f"var/{_INDEX}")],
        c.SYMBOL: [*symbols, *hgnc],
        c.APPROVED_SYMBOL: list(dict.fromkeys(approved)),
        SYMBOL_SOURCE: [*symbols, *hgnc],
        c.FEATURE_KIND: [(RAW, f"var/{_INDEX}"), *kinds],
        N_CELLS: [(RAW, layer)],
        MEAN: [(RAW, layer)],
        IS_HIGHLY_VARIABLE: [(RAW, layer), (MANIFEST, c.SPLIT)],
    }


def of_cell_fingerprints(*, layer: str) -> Lineage:
    """Origins of `cell_fingerprints`: the counts and the ids of their genes."""
    made_of = [(RAW, layer), (RAW, f"var/{_INDEX}")]
    hashes = dict.fromkeys((N_GENES, *HASHES), made_of)
    return {c.CELL_ID: [(CELLS, c.CELL_ID)], **hashes}


def of_donor_aliases() -> Lineage:
    """Origins of `donor_aliases`: fingerprints, and whose the cells are."""
    names = (IS_SAME_PERSON, N_SHARED_CELLS, N_EXPECTED_BY_CHANCE, N_CELLS_OF_DONOR, N_OTHER_CELLS)
    donors = [(CELLS, c.DONOR_UID), (CELLS, c.HAS_KNOWN_DONOR)]
    evidence = [(FINGERPRINTS, BANDS), *donors]
    return {
        **dict.fromkeys((c.DONOR_UID, OTHER_DONOR_UID), donors),
        **dict.fromkeys(names, evidence),
        N_EXACT: [(FINGERPRINTS, name) for name in EXACT],
        DATASETS: [(CELLS, c.DATASET_ID)],
    }


def of_cell_sentences(names: Sequence[str], *, layer: str) -> Lineage:
    """Origins of `cell_sentences`: the matrix and the symbols of its features."""
    made_of = [(RAW, layer), (FEATURES, c.SYMBOL), (FEATURES, c.FEATURE_ID)]
    return dict.fromkeys(names, made_of) | {c.CELL_ID: [(CELLS, c.CELL_ID)]}


def of_projections(sources: Mapping[str, str], *, layer: str) -> Lineage:
    """Origins of `projections`, for groups of columns that are the author's or computed."""
    computed = [(RAW, layer), (FEATURES, IS_HIGHLY_VARIABLE)]
    return {
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        **{name: [(RAW, "obsm")] if source == "author" else computed for name, source in sources.items()},
    }


def of_expression(*, layer: str) -> Lineage:
    """Origins of `expression`: the matrix."""
    return {
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        c.FEATURE_INDEX: [(RAW, layer), (FEATURES, c.FEATURE_ID)],
        c.VALUE: [(RAW, layer)],
    }


def of_cell_attributes(*, disease_column: str | None) -> Lineage:
    """Origins of `cell_attributes`: places, and what obs says of cells."""
    named = {} if disease_column is None else {tissue.CELL_DISEASE_STATE: [(CELLS, disease_column)]}
    places = [(RAW, "obsm")]
    return {
        **dict.fromkeys((SECTION, X_UM, Y_UM, tissue.X_PX, tissue.Y_PX), places),
        **{own: [(CELLS, name)] for name, own in OF_OBS.items()},
        **named,
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        tissue.CELL_DIAMETER_UM: [(CELLS, CELL_AREA)],
    }


def of_cell_outlines() -> Lineage:
    """Origins of `cell_outlines`: what the file keeps beside its positions."""
    corners = [(RAW, "uns")]
    return {
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        tissue.OUTLINE_X_PX: corners,
        tissue.OUTLINE_Y_PX: corners,
    }


def of_cell_communication(*, layer: str) -> Lineage:
    """Origins of `cell_communication`: places, the matrix, and the pairs that are looked for."""
    places = [(RAW, "obsm")]
    said = [*places, (RAW, layer), (PAIRS, IS_MEASURED)]
    of_what_is_said = (
        SCORE_RECEIVED,
        SENDER_INDEX,
        SENDER_SCORE,
        RECEIVED_PAIR_INDEX,
        RECEIVED,
        SCORE_SENT,
        SENT_PAIR_INDEX,
        SENT,
    )
    return {
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        **dict.fromkeys((SECTION, X_UM, Y_UM, N_NEIGHBOURS), places),
        **dict.fromkeys(of_what_is_said, said),
    }


def of_section_communication() -> Lineage:
    """Origins of `section_communication`: what cells hear, and what pairs are called."""
    heard = [(COMMUNICATION, RECEIVED), (COMMUNICATION, RECEIVED_PAIR_INDEX)]
    return {
        SECTION: [(COMMUNICATION, SECTION)],
        **{name: [(PAIRS, name)] for name in (tissue.PAIR_INDEX, tissue.LIGAND, tissue.RECEPTOR)},
        **dict.fromkeys((tissue.SCORE_SUM, tissue.N_HEARING, tissue.SCORE_PER_CELL), heard),
        **dict.fromkeys((tissue.N_CONTACTS, tissue.SCORE_PER_CONTACT), heard),
    }


def of_captions() -> Lineage:
    """Origins of `captions`: attributes, communication, and what is seen in patches."""
    nuclei, around = [(PATCHES, tissue.CELL_PATCH)], [(RAW, "obsm"), (ATTRIBUTES, c.CELL_TYPE)]
    counted = [(COMMUNICATION, N_NEIGHBOURS)]
    heard = [(COMMUNICATION, RECEIVED), (COMMUNICATION, RECEIVED_PAIR_INDEX), (PAIRS, tissue.LIGAND)]
    facts: dict[str, Sequence[tuple[str, str]]] = {
        **dict.fromkeys((N_NEIGHBOURS, tissue.DENSITY_PER_MM2), counted),
        **dict.fromkeys((tissue.NEIGHBOUR_TYPES, tissue.NEIGHBOUR_FRACS), around),
        **dict.fromkeys(NO_NUCLEI.columns, nuclei),
        tissue.STRONGEST_PAIRS: heard,
    }
    said = [(ATTRIBUTES, name) for name in (c.ORGANISM, tissue.TISSUE, c.CELL_TYPE, tissue.ST_TECHNOLOGY)]
    told = [*said, (RAW, "obsm"), *heard, *nuclei]
    return {
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        **facts,
        **dict.fromkeys((tissue.CAPTION, tissue.CAPTION_BLIND), told),
    }


def of_machine_captions() -> Lineage:
    """Origins of `machine_captions`: two patches of a cell, and its blind caption."""
    facts = [(CAPTIONS, tissue.CAPTION_BLIND)]
    shown = [(PATCHES, tissue.CELL_PATCH), (PATCHES, tissue.TISSUE_PATCH), *facts]
    return {
        c.CELL_ID: [(CELLS, c.CELL_ID)],
        tissue.PROMPT_SHA256: facts,
        **dict.fromkeys((tissue.MACHINE_CAPTION, tissue.WHY_NO_MACHINE_CAPTION), shown),
    }


def of_record_sides() -> Lineage:
    """Origins of `record_sides`: the split, and where cells lie."""
    origins = [(MANIFEST, c.SPLIT), (RAW, "obsm")]
    return {c.CELL_ID: [(CELLS, c.CELL_ID)], c.SPLIT: origins, tissue.WHY_ON_NO_SIDE: origins}


def of_cell_records(names: Collection[str]) -> Lineage:
    """Origins of `cell_records`: the tables that are put together in it."""
    own = {
        c.DONOR_UID: (CELLS, c.DONOR_UID),
        c.SPLIT: (MANIFEST, c.SPLIT),
        c.SPLIT_LEVEL: (MANIFEST, c.SPLIT_LEVEL),
        tissue.SLIDE: (SLIDES, tissue.SLIDE),
        c.FEATURE_INDEX: (EXPRESSION, c.FEATURE_INDEX),
        c.VALUE: (EXPRESSION, c.VALUE),
    }
    found = {name: [origin] for name, origin in own.items()}
    for table in (ATTRIBUTES, PATCHES, COMMUNICATION, CAPTIONS):
        for name in declared_columns(TABLES[table].model):
            if name in names and name not in found:
                found[name] = [(table, name)]
    return found


def of_expression_matrix(names: Sequence[str], *, layer: str) -> Lineage:
    """Origins of some columns of `expression_matrix`: the matrix and the symbols of its features."""
    made_of = [(RAW, layer), (FEATURES, c.SYMBOL), (FEATURES, c.FEATURE_ID)]
    return {c.CELL_ID: [(CELLS, c.CELL_ID)], **dict.fromkeys(names, made_of)}


def of_sums(names: Sequence[str], *, layer: str) -> Lineage:
    """Origins of `pseudobulk` and `pseudocells`: what is said of cells, their sides, and their counts."""
    summed, drawn = [(RAW, layer), (FEATURES, c.FEATURE_ID)], [(CELLS, c.CELL_ID)]
    grouped, sides = [(CELLS, c.DONOR_UID), (CELLS, c.CELL_TYPE)], [(MANIFEST, c.SPLIT), (MANIFEST, c.FOLD)]
    return {
        **{name: [(CELLS, name)] for name in names},
        **dict.fromkeys((c.SPLIT, c.FOLD), sides),
        IS_OPEN_ENDED: [(CELLS, c.AGE_LOW), (CELLS, c.AGE_HIGH)],
        AGE_MONTHS: [(CELLS, c.AGE), (CELLS, c.ORGANISM)],
        IS_HEALTHY: [(CELLS, DISEASE_LIST)],
        **dict.fromkeys((DRAW, CELL_INDEX), drawn),
        **dict.fromkeys((N_CELLS, N_CELLS_IN_GROUP), grouped),
        **dict.fromkeys((c.FEATURE_INDEX, c.VALUE, FRAC_DETECTED), summed),
    }


def of_split_manifest(names: Sequence[str]) -> Lineage:
    """Origins of `split_manifest`: donors, ages and which cells are canonical."""
    decides = [(CELLS, name) for name in (c.DONOR_ID, c.HAS_KNOWN_DONOR, c.AGE, c.IS_PRIMARY_DATA)]
    same = {name: [(CELLS, name)] for name in (c.DONOR_ID, c.DONOR_UID, c.CELL_ID)}
    return dict.fromkeys(names, decides) | same


def of_rank_fidelity(names: Sequence[str], *, layer: str) -> Lineage:
    """Origins of `rank_fidelity`: the matrix, and the ids by which its cells are drawn."""
    made_of = [(RAW, layer), (CELLS, c.CELL_ID)]
    return dict.fromkeys(names, made_of)


def of_training_prompts() -> Lineage:
    """Origins of `training_prompts`: sentences, and what is known of their cells."""
    facts = (c.ORGANISM, c.CELL_TYPE, "tissue", "disease", c.SEX, c.AGE_LOW, c.AGE_HIGH)
    made_of = [(SIDES_OF_DATASET, name) for name in (c.CELL_SENTENCE, *facts)]
    return {
        **dict.fromkeys((c.PROMPT, c.RESPONSE), made_of),
        c.NUM_GENES: [(SIDES_OF_DATASET, c.CELL_SENTENCE)],
        c.CELL_IDS: [(SIDES_OF_DATASET, c.CELL_ID)],
        c.SPLIT: [(SIDES_OF_DATASET, c.SPLIT)],
    }


def of_train_test(cell_columns: Sequence[str], sentence_columns: Sequence[str]) -> Lineage:
    """Origins of `train_test`: metadata, sentences and sides."""
    return {
        **{own: [(CELLS, name)] for name, own in record_names(cell_columns, sentence_columns).items()},
        **{name: [(SENTENCES, name)] for name in sentence_columns if name != c.CELL_ID},
        **{name: [(MANIFEST, name)] for name in (c.SPLIT, c.SPLIT_LEVEL, c.FOLD)},
        "collection_id": [("cellxgene_listing", "collection_id"), (PROFILE, "origin")],
        "publication_title": [("cellxgene_listing", "collection_name"), (PROFILE, "origin")],
        "publication_doi": [("cellxgene_listing", "doi"), (PROFILE, "origin")],
        "publication_description": [("cellxgene_listing", "description")],
    }
