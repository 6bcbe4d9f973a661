"""The page on a dataset whose build came to nothing before there was a report on it: what stopped it."""

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.pages.markup import code, heading, page, paragraph, table, title
from c2s_assets.storage.dataset import Dataset


def refusal_page(dataset: Dataset) -> str:
    """Tell which assets were refused and why, and how the others stand.

    Raises
    ------
    MissingInputError
        If nothing was ever refused.
    """
    name, states = dataset.dataset_id, dataset.state()
    refused = {asset: state.refused for asset, state in states.items() if state.refused is not None}
    if not refused:
        raise MissingInputError(
            f"there is no page on {name} yet. Make it with: c2s build {name} --only validation_report"
        )
    parts = [
        title(name),
        paragraph("Its last build was stopped before there was a report on it.", style="warn"),
        table(["asset", "why it was refused"], [(asset, found.message) for asset, found in refused.items()]),
        paragraph("When that is mended, go on with:"),
        code(f"c2s build {name}"),
        heading("How its tables stand"),
        table(["table", "state"], [(asset, one.standing) for asset, one in states.items() if one.is_wanted]),
    ]
    return page(name, parts)
