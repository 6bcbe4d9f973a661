"""Reading the profile of an h5ad: its structure, the figures of its columns and the verdict on its matrix."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from c2s_assets.core.cells import metadata as cells
from c2s_assets.core.cells.provenance import read_organism, read_origin
from c2s_assets.core.errors import SourceError, UnsafeFileError
from c2s_assets.core.expression import claims
from c2s_assets.core.expression.layers import (
    MatrixVerdict,
    can_be_taken,
    choose_matrix,
    explain_choice,
    in_order,
    judge_values,
    named_matrix,
)
from c2s_assets.core.expression.memory import predict_memory_bytes
from c2s_assets.core.expression.sampling import windows
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes import features
from c2s_assets.core.reports.columns import count_values
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.documents import (
    ColumnProfile,
    DatasetProfile,
    MatrixProfile,
    OriginProfile,
    VerdictProfile,
)
from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.tables.parquet import ROWS_PER_GROUP

# Enough to see a value below zero or a fraction: scaled and normalised cells have them by the hundred.
_CELLS_PER_WINDOW = 500
# `uns` is read for a few short texts only.
_UNS_VALUES = 100


def profile_h5ad(
    h5ad: H5ad, *, dataset_id: str, source_sha256: str, entry: DatasetEntry, rows_per_block: int
) -> DatasetProfile:
    """Describe an open h5ad.

    Raises
    ------
    SourceError
        If it holds no matrix that can be read, or not the one that `datasets.yaml` names.
    """
    named = None if entry.layer is None else named_matrix(h5ad.matrices, layer=entry.layer)
    verdicts, problems = _judge_matrices(h5ad, named=named)
    layer = named or choose_matrix(verdicts, problems)
    info = h5ad.matrices[layer]
    uns = h5ad.uns(max_values=_UNS_VALUES)
    obs, var = _profile_columns(h5ad.obs), _profile_columns(h5ad.var)
    raw_var = _profile_raw_var(h5ad)
    # Columns of raw.var stand beside those of var, if the matrix is that of raw.
    of_features = features.own_names(_readable([*raw_var, *var] if layer == "raw.X" else var))
    return DatasetProfile(
        dataset_id=dataset_id,
        source_sha256=source_sha256,
        n_obs=h5ad.n_obs,
        n_vars=info.shape[1],
        organism=read_organism(uns) or entry.organism,
        origin=OriginProfile(**asdict(read_origin(uns))),
        layer=layer,
        layer_reason=explain_choice(layer, verdicts, is_named=named is not None),
        verdict=VerdictProfile(**asdict(verdicts[layer])),
        predicted_memory_bytes=predict_memory_bytes(
            n_obs=h5ad.n_obs,
            n_stored=info.n_stored,
            rows_per_block=rows_per_block,
            rows_per_group=ROWS_PER_GROUP,
        ),
        matrices=[
            MatrixProfile(
                name=name,
                shape=matrix.shape,
                encoding=matrix.encoding,
                dtype=matrix.dtype,
                index_dtype=matrix.index_dtype,
                n_stored=matrix.n_stored,
                compression=matrix.compression,
                size_bytes=matrix.size_bytes,
                verdict=VerdictProfile(**asdict(verdicts[name])) if name in verdicts else None,
                not_read=str(problems[name]) if name in problems else matrix.problem,
            )
            for name, matrix in h5ad.matrices.items()
        ],
        obs_columns=_with_names(obs, cells.own_names(_readable(obs))),
        var_columns=_with_names(var, of_features),
        raw_var_columns=_with_names(raw_var, of_features if layer == "raw.X" else {}),
        embeddings={name: list(shape) for name, shape in h5ad.embeddings().items()},
        obsm_columns={name: list(table.columns) for name, table in h5ad.further_obsm.tables.items()},
        obsm_matrices={name: matrix.info.shape for name, matrix in h5ad.further_obsm.matrices.items()},
        obsm_not_read=dict(h5ad.further_obsm.problems),
        uns_keys=sorted(uns),
        structure=h5ad.structure(),
    )


def matrix_can_be_ranked(profile: DatasetProfile) -> Finding:
    """Claim that the matrix of a profile can be ranked; else all others are named with what they hold."""
    others = {matrix.name: _kind(matrix) for matrix in profile.matrices if matrix.name != profile.layer}
    verdict = MatrixVerdict(**profile.verdict.model_dump())
    return claims.matrix_can_be_ranked(verdict, layer=profile.layer, others=others)


def reads_every_column(profile: DatasetProfile) -> Finding:
    """Claim that every column, matrix and element of obsm of a profile can be read."""
    parts: dict[str, Sequence[ColumnProfile | MatrixProfile]] = {
        "obs": profile.obs_columns,
        "var": profile.var_columns,
        "raw/var": profile.raw_var_columns,
        "matrix": profile.matrices,
    }
    problems = {
        f"{part}/{element.name}": element.not_read
        for part, elements in parts.items()
        for element in elements
        if element.not_read is not None
    }
    problems |= {f"obsm/{name}": problem for name, problem in profile.obsm_not_read.items()}
    return claims.reads_every_column(problems)


def _kind(matrix: MatrixProfile) -> str | None:
    if matrix.not_read is not None:
        return "cannot be read"
    return None if matrix.verdict is None else matrix.verdict.kind


def _judge_matrices(
    h5ad: H5ad, *, named: str | None
) -> tuple[dict[str, MatrixVerdict], dict[str, SourceError]]:
    """Judge matrices by some of their values until one is found that can be ranked, and why others cannot be.

    That is the first that holds counts or, if it can be ranked, the one that is named. All are judged where
    there is none: whoever must choose another one wants to know.
    """
    verdicts: dict[str, MatrixVerdict] = {}
    problems: dict[str, SourceError] = {}
    others = [name for name in in_order(h5ad.matrices) if name != named]
    for name in others if named is None else [named, *others]:
        try:
            verdicts[name] = _judge(h5ad, name)
        except UnsafeFileError:
            raise
        except SourceError as error:
            if name == named:
                raise
            problems[name] = error
            continue
        if verdicts[name].can_be_ranked if name == named else can_be_taken(name, verdicts[name]):
            break
    return verdicts, problems


def _judge(h5ad: H5ad, name: str) -> MatrixVerdict:
    reader = h5ad.matrix(name)
    spans = windows(h5ad.n_obs, size=_CELLS_PER_WINDOW, n_vars=reader.info.shape[1])
    return judge_values(
        [reader.rows(start, stop).data for start, stop in spans],
        n_cells=sum(stop - start for start, stop in spans),
    )


def _profile_columns(frame: Frame) -> list[ColumnProfile]:
    return [
        ColumnProfile(
            name=column.name,
            encoding=column.encoding,
            dtype=column.dtype,
            not_read=column.problem,
            **({} if values is None else asdict(count_values(values))),
        )
        for column, values in frame.read_each()
    ]


def _profile_raw_var(h5ad: H5ad) -> list[ColumnProfile]:
    """Profile the features of `raw.X`, if there is one that can be read: nothing else has a use for them."""
    raw = h5ad.matrices.get("raw.X")
    if raw is None or raw.problem is not None or h5ad.raw_var is None:
        return []
    return _profile_columns(h5ad.raw_var)


def _readable(columns: Iterable[ColumnProfile]) -> list[str]:
    return list(dict.fromkeys(column.name for column in columns if column.not_read is None))


def _with_names(columns: Iterable[ColumnProfile], named: Mapping[str, str]) -> list[ColumnProfile]:
    return [
        column
        if column.not_read is not None
        else column.model_copy(update={"name_in_table": named.get(column.name)})
        for column in columns
    ]
