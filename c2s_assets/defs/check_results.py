"""What the validation report says of each asset: how it stands, and the present result of each check."""

from collections.abc import Sequence

from c2s_assets.core.reports.validation import WITHOUT_RESULT, State
from c2s_assets.defs.checks import CHECKS
from c2s_assets.schemas.documents import AssetReport, CheckReport
from c2s_assets.schemas.registry import REPORT
from c2s_assets.storage.dataset import AssetState, Dataset


def report_assets(dataset: Dataset) -> list[AssetReport]:
    """Report on what is made from the source; a table that has to be asked for, if it is there."""
    states = dataset.state()
    source = dataset.source.sha256
    return [
        _report(state, source_sha256=source)
        for asset, state in states.items()
        if asset != REPORT and state.is_wanted
    ]


def _report(state: AssetState, *, source_sha256: str) -> AssetReport:
    judged, checks = _judge(state, source_sha256=source_sha256)
    known = {check.claim: check for check in checks}
    return AssetReport(
        asset=state.asset,
        state=judged,
        checks=[
            known.get(check.claim)
            or CheckReport(
                claim=check.claim,
                description=check.description,
                severity="ERROR" if check.blocking else "WARN",
                holds=None,
                message=WITHOUT_RESULT[judged],
                figures={},
            )
            for check in CHECKS[state.asset]
        ],
    )


def _judge(state: AssetState, *, source_sha256: str) -> tuple[State, Sequence[CheckReport]]:
    """Tell how an asset stands, and the results that are of what stands there, or of what was refused."""
    if state.refused is not None and state.refused.source_sha256 == source_sha256:
        return "refused", state.refused.checks
    if state.built is None:
        return "not built", []
    if state.standing == "outdated":
        return "outdated", []
    return ("built", state.built.checks) if state.built.checks else ("not checked", [])
