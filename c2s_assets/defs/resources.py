"""What assets need from outside: the lake, and addresses."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from c2s_assets.clients.cellxgene import DISCOVER_URL, Discover
from c2s_assets.clients.hub_access import HUB_URL, TOKEN, hub_repo
from c2s_assets.core.discover.selection import Offer, offer_of
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import known_lake, renew
from c2s_assets.storage.sources.listing import read_listing

if TYPE_CHECKING:  # its client is loaded by who publishes
    from c2s_assets.clients.hub import HubRepo


class Store(dg.ConfigurableResource[None]):
    """The lake."""

    root: str = Field(description="Folder of the lake, or s3://BUCKET/PREFIX; $C2S_LAKE, by default ./lake.")
    rows_per_block: int = Field(
        default=1024, ge=1, description="Cells read at once. Bounds memory; never changes what is written."
    )

    @property
    def layout(self) -> Layout:
        """Every path of the lake."""
        return known_lake(self.root)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Begin a run, or a look of a sensor, with what is published by then."""
        del context
        renew(self.layout)

    def settings(self) -> DatasetsFile:
        """Return what `datasets.yaml` says."""
        return read_settings(self.layout)

    def dataset(self, dataset_id: str) -> Dataset:
        """Return a dataset, as `datasets.yaml` wants it now."""
        return Dataset(self.layout, dataset_id, self.settings())

    def offer(self, dataset_id: str) -> Offer | None:
        """Return the version of the dataset that CELLxGENE Discover offers, if `datasets.yaml` selects it."""
        listing = read_listing(self.layout)
        selection = self.settings().cellxgene
        return None if listing is None else offer_of(listing, selection, dataset_id=dataset_id)


class Hgnc(dg.ConfigurableResource[None]):
    """The HUGO Gene Nomenclature Committee's list of approved human gene symbols."""

    url: str = Field(
        default="https://storage.googleapis.com/public-download-files/hgnc/tsv/tsv/hgnc_complete_set.txt",
        description="Address of the complete set, tab-separated.",
    )


class Cellxgene(dg.ConfigurableResource[None]):
    """CELLxGENE Discover, or a mirror that speaks like it."""

    base_url: str = Field(
        default=DISCOVER_URL,
        description="Address of the API, without /curation; $C2S_CELLXGENE_URL, by default CELLxGENE's own.",
    )

    def discover(self) -> Discover:
        """Return a client."""
        return Discover(self.base_url)


class HuggingFace(dg.ConfigurableResource[None]):
    """The Hugging Face Hub, or what speaks like it."""

    endpoint: str = Field(
        default=HUB_URL, description="Address of the Hub; $HF_ENDPOINT, by default Hugging Face's own."
    )

    def repo(self, repo_id: str) -> "AbstractContextManager[HubRepo]":
        """Open a repository, with the token of the environment: it is part of no configuration."""
        return hub_repo(
            repo_id, endpoint=self.endpoint.rstrip("/"), token=dg.EnvVar(TOKEN).get_value() or None
        )
