"""The schedule that looks whether everything in the lake is as it should be."""

import dagster as dg

from c2s_assets.defs.automation.jobs import job_in_one_process

report_health = job_in_one_process(
    "report_health",
    selection=["health_report"],
    description="Say of every dataset how it stands, since when it is stale, and why.",
)
hourly_health = dg.ScheduleDefinition(
    name="hourly_health",
    job=report_health,
    cron_schedule="45 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks every hour how every dataset stands; its check fails where one is stale for too long.",
)
