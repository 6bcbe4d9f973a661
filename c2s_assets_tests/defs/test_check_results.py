"""How an asset stands in the validation report, and of what its results are."""

import pytest

from c2s_assets.core.findings import Finding
from c2s_assets.defs.check_results import _judge
from c2s_assets.defs.checks import check_result
from c2s_assets.schemas.documents import CheckReport
from c2s_assets.schemas.record import Built, MadeFrom, Refused
from c2s_assets.storage.dataset import AssetState

NOW, BEFORE = "b" * 64, "a" * 64


def check(message):
    return CheckReport(
        claim="keeps_schema", description="", severity="ERROR", holds=True, message=message, figures={}
    )


def built(*checks):
    made_from = MadeFrom(source_sha256=NOW, inputs={}, settings={}, code_version="1")
    return Built(files={}, n_rows=None, digest="d", made_from=made_from, checks=list(checks))


def refused(source):
    return Refused(source_sha256=source, message="no", checks=[check("refused")])


@pytest.mark.parametrize(
    ("state", "judged", "shown"),
    [
        (AssetState("a", "built", (), built(check("built"))), "built", ["built"]),
        (AssetState("a", "built", (), built()), "not checked", []),
        (AssetState("a", "outdated", ("x",), built(check("built"))), "outdated", []),
        (AssetState("a", "missing", ("x",)), "not built", []),
        (AssetState("a", "missing", ("x",), None, refused(NOW)), "refused", ["refused"]),
        (AssetState("a", "built", (), built(check("built")), refused(NOW)), "refused", ["refused"]),
        (AssetState("a", "outdated", ("x",), built(check("built")), refused(NOW)), "refused", ["refused"]),
        (AssetState("a", "built", (), built(check("built")), refused(BEFORE)), "built", ["built"]),
        (AssetState("a", "missing", ("x",), None, refused(BEFORE)), "not built", []),
    ],
    ids=[
        "built",
        "built before there were records",
        "outdated",
        "missing",
        "refused",
        "built, then refused",
        "outdated, then refused",
        "refused with another source",
        "missing, and refused with another source",
    ],
)
def test_results_are_those_of_what_stands_there_or_of_what_was_refused(state, judged, shown):
    found, checks = _judge(state, source_sha256=NOW)
    assert (found, [one.message for one in checks]) == (judged, shown)


def test_a_finding_whose_claim_is_not_declared_is_named_with_its_asset():
    with pytest.raises(LookupError, match="cell_metadata has no check cells_are_green: declare it in CHECKS"):
        check_result(Finding("cells_are_green", True, "All are."), asset_name="cell_metadata")
