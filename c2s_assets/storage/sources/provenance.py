"""What the lake knows of the source files, without a look into them."""

from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.schemas.documents import Provenance
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout


def held_version(layout: Layout, *, dataset_id: str) -> str | None:
    """Return the `dataset_version_id` of the source; None if there is none, or it is not the verified one."""
    try:
        return read_provenance(layout, dataset_id=dataset_id).dataset_version_id
    except (MissingInputError, LakeError):
        return None


def holds_own_file(layout: Layout, *, dataset_id: str) -> bool:
    """Whether the source is a file that a user gave, whatever state it is in: nothing else has a copy."""
    try:
        provenance = read_document(layout.raw_provenance(dataset_id), Provenance)
    except (MissingInputError, LakeError):
        return False
    return provenance.dataset_version_id is None and layout.raw_h5ad(dataset_id).exists()


def read_provenance(layout: Layout, *, dataset_id: str) -> Provenance:
    """Read what is known of the dataset's source file, and check that it has the size of the verified one.

    Raises
    ------
    MissingInputError
        If there is no source.
    LakeError
        If its size is no longer what it was.
    """
    provenance = read_document(layout.raw_provenance(dataset_id), Provenance)
    raw = layout.raw_h5ad(dataset_id)
    if not raw.exists() or raw.stat().st_size != provenance.size_bytes:
        raise LakeError(
            f"{raw} is missing or no longer has the {provenance.size_bytes:,} bytes that were verified. "
            f"Add the file again: c2s add PATH_OR_URL --id {dataset_id}."
        )
    return provenance
