"""The nightly audit: first who is one person, then the plan, then what was written."""

import dagster as dg

from c2s_assets.defs.automation.jobs import job_in_one_process

renew_plan = job_in_one_process(
    "renew_plan",
    selection=["donor_aliases", "split_plan"],
    description="Search the lake for donors and cells that are the same, and act on it in the split plan.",
)
audit_leaks = job_in_one_process(
    "audit_leaks",
    selection=["leak_audit"],
    description="Search the written sides of all datasets for donors and cells that are on two.",
)
measure_leaks = job_in_one_process(
    "measure_leaks",
    selection=["leak_inflation"],
    description="Compare how well models do with random cells, donors, and datasets held out.",
)

LAKE_JOBS = (renew_plan, audit_leaks, measure_leaks)

# Nobody looks first whether there is anything to do: what has not changed is not compared again, but a file
# may have been changed by hand.
nightly_plan = dg.ScheduleDefinition(
    name="nightly_plan",
    job=renew_plan,
    cron_schedule="0 1 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Renews the split plan every night; what it makes outdated is built by the sensor refresh.",
)
nightly_audit = dg.ScheduleDefinition(
    name="nightly_audit",
    job=audit_leaks,
    cron_schedule="0 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Audits the sides of all datasets every night, three hours after the plan was renewed.",
)
weekly_measurement = dg.ScheduleDefinition(
    name="weekly_measurement",
    job=measure_leaks,
    cron_schedule="0 5 * * 0",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Measures what a leak would cost every Sunday, after the audit.",
)
