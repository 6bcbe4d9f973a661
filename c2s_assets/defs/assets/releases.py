"""Releases: what is staged for a repository of the Hugging Face Hub, and what is published there."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from c2s_assets.core.hashes import short_id
from c2s_assets.core.releases.changes import Change, bytes_to_send, summarise
from c2s_assets.core.releases.claims import (
    citations_name_their_doi,
    licence_is_stated,
    licences_allow_it,
    readers_find_release,
)
from c2s_assets.defs.metadata import Metadata, as_metadata, rows_as_markdown
from c2s_assets.defs.partitions import releases
from c2s_assets.defs.publishing import Events, lake_asset, materialized, report, skip_checks
from c2s_assets.defs.resources import HuggingFace, Store
from c2s_assets.schemas.registry import CELLS, FEATURES, MANIFEST, REPORT, SIDES_OF_DATASET
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.lake.alone import alone
from c2s_assets.storage.lake.documents import keeps_document
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.lake.staging import stage

CORPUS, ATLAS, HUB = "corpus_release", "atlas_release", "hub_dataset"
_N_SHOWN = 50


class PublishConfig(dg.Config):
    """Whether anything is sent."""

    dry_run: bool = Field(
        default=True, description="Only tell what would be added, changed and removed; nothing is sent."
    )


@lake_asset(
    partitions_def=releases,
    group="publish",
    kinds={"parquet", "markdown"},
    deps=[
        dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping()) for name in (SIDES_OF_DATASET, MANIFEST)
    ],
    code_version="1",
)
def corpus_release(context: dg.AssetExecutionContext, store: Store) -> Events:
    """The training table of many datasets as a repository will hold it, with its card and what proves it."""
    from c2s_assets.storage.releases.code import release_of_this_code
    from c2s_assets.storage.releases.corpus import stage_corpus
    from c2s_assets.storage.releases.linting import certified_rows, lint_release
    from c2s_assets.storage.releases.proving import prove_corpus
    from c2s_assets.storage.releases.sources import published_sources
    from c2s_assets.storage.releases.staged import release_entry

    layout, name, settings = store.layout, context.partition_key, store.settings()
    target, key = layout.release(name), f"release-{name}"
    entry = release_entry(settings, name, kind="corpus")
    with alone(layout, key), stage(layout, key) as staged:
        document = stage_corpus(staged, layout, settings, name)
        folder = staged.path(target)
        is_new = folder.exists()
        if is_new:
            findings = [
                keeps_document(folder / RELEASE_DOCUMENT, ReleaseDocument),
                *lint_release(
                    folder,
                    document,
                    counted=certified_rows(folder),
                    last=release_of_this_code(layout, name),
                ),
                *prove_corpus(folder, document, name, entry),
                licence_is_stated(name, entry),
                licences_allow_it(document.licence_problems),
                citations_name_their_doi(published_sources(folder)),
            ]
            yield from report(findings, asset_name=CORPUS)
            staged.commit(target, layout.release_code(name))
        else:
            yield from skip_checks(context)
    yield _staged(document, target, n_datasets=len(document.made_from), is_new=is_new)


@lake_asset(
    partitions_def=releases,
    group="publish",
    kinds={"parquet", "markdown"},
    deps=[
        dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
        for name in (CELLS, FEATURES, "expression", "projections", REPORT)
    ],
    code_version="1",
)
def atlas_release(context: dg.AssetExecutionContext, store: Store) -> Events:
    """All tables of one dataset as a repository will hold them, under the names of published atlases."""
    from c2s_assets.storage.releases.atlas import counted_rows, stage_atlas, verify_atlas
    from c2s_assets.storage.releases.code import release_of_this_code
    from c2s_assets.storage.releases.linting import lint_release
    from c2s_assets.storage.releases.proving import prove_atlas
    from c2s_assets.storage.releases.staged import release_entry

    layout, name, settings = store.layout, context.partition_key, store.settings()
    target, key, entry = layout.release(name), f"release-{name}", release_entry(settings, name, kind="atlas")
    with alone(layout, key), stage(layout, key) as staged:
        document = stage_atlas(staged, layout, settings, name)
        folder = staged.path(target)
        is_new = folder.exists()
        if is_new:
            counted = counted_rows(layout, folder, entry)
            findings = [
                keeps_document(folder / RELEASE_DOCUMENT, ReleaseDocument),
                *lint_release(folder, document, counted=counted, last=release_of_this_code(layout, name)),
                *verify_atlas(folder, layout, entry),
                *prove_atlas(folder, document, name, entry),
                licence_is_stated(name, entry),
                licences_allow_it(document.licence_problems),
            ]
            yield from report(findings, asset_name=ATLAS)
            staged.commit(target, layout.release_code(name))
        else:
            yield from skip_checks(context)
    yield _staged(document, target, n_datasets=1, is_new=is_new)


@lake_asset(
    partitions_def=releases,
    group="publish",
    kinds={"huggingface"},
    deps=(CORPUS, ATLAS),
    code_version="1",
)
def hub_dataset(
    context: dg.AssetExecutionContext, config: PublishConfig, store: Store, hub: HuggingFace
) -> Events:
    """A repository of the Hugging Face Hub with a staged release: readers see the last one or all of this."""
    from c2s_assets.clients.publishing import preview, publish
    from c2s_assets.storage.releases.staged import release_entry, staged_release

    layout, name = store.layout, context.partition_key
    entry = release_entry(store.settings(), name)
    with alone(layout, f"release-{name}"), hub.repo(entry.repo_id) as repo:
        staged = staged_release(layout, name)
        n_files = len(staged.document.files)
        if config.dry_run:
            yield from skip_checks(context)
            said = as_metadata({"url": repo.url, "dry_run": "nothing was sent"})
            yield materialized(_digest(staged.document), said | _shown(preview(repo, staged)))
            return
        allowed = [licence_is_stated(name, entry), licences_allow_it(staged.document.licence_problems)]
        yield from report(allowed, asset_name=HUB)
        present(staged.folder)
        published = publish(repo, staged, private=entry.private, report=context.log.info)
        yield from report([readers_find_release(preview(repo, staged), n_files=n_files)], asset_name=HUB)
    yield materialized(
        _digest(staged.document),
        {"url": dg.MetadataValue.url(published.url)}
        | as_metadata({"version": published.version, "revision": published.revision, "n_files": n_files})
        | _shown(published.changes),
        version=published.revision,
    )


def _staged(
    document: ReleaseDocument, target: Path, *, n_datasets: int, is_new: bool
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Record what was staged."""
    figures: dict[str, int | str] = {
        "n_datasets": n_datasets,
        "n_files": len(document.files),
        "size_bytes": sum(file.size_bytes for file in document.files.values()),
        "is_as_before": str(not is_new),
    }
    if document.plan_version is not None:
        figures["plan_version"] = document.plan_version
    return materialized(_digest(document), {"path": dg.MetadataValue.path(target), **as_metadata(figures)})


def _shown(changes: list[Change]) -> Metadata:
    return as_metadata({"n_changes": len(changes), "sent_bytes": bytes_to_send(changes)}) | {
        "changes": rows_as_markdown(summarise(changes), n_rows=_N_SHOWN)
    }


def _digest(document: ReleaseDocument) -> str:
    return short_id({path: file.sha256 for path, file in document.files.items()})
