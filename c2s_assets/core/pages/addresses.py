"""Where `c2s ui` serves our pages."""

OVERVIEW = "/c2s/"
# No dataset can be called so.
HEALTH = f"{OVERVIEW}~health"


def page_address(dataset_id: str) -> str:
    """Where the page on a dataset is, of the server that shows the link."""
    return f"{OVERVIEW}{dataset_id}"
