"""The schedule that renews the catalogue: its datasets are partitions, of which some are always missing."""

import dagster as dg

from c2s_assets.defs.automation.jobs import job_in_one_process
from c2s_assets.defs.resources import Store
from c2s_assets.storage.sources.listing import withdrawn_datasets

renew_catalogue = job_in_one_process(
    "renew_catalogue",
    selection=["catalogue", "corpus_report"],
    description="Build the catalogue of the lake and the report on what it holds.",
)


@dg.schedule(
    job=renew_catalogue,
    cron_schedule="15 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Builds the catalogue and the report on the corpus every hour, if a table of any dataset has "
    "changed since.",
)
def hourly_catalogue(store: Store) -> dg.RunRequest | dg.SkipReason:
    """Ask the catalogue itself, so that an hour without changes costs no run."""
    from c2s_assets.storage.catalogue.versions import is_current

    if is_current(store.layout, withdrawn=withdrawn_datasets(store.layout)):
        return dg.SkipReason("The catalogue shows the lake as it is.")
    return dg.RunRequest()
