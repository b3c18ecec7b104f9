"""The queue of deployments: one at a time for each app, a limit for all, cancelled on request, recovered after a restart."""

from deploy_jobs.generated import kept_values
from deploy_jobs.job import Job
from deploy_jobs.lifecycle import Deed, Done
from deploy_jobs.queue import DeployJobs
from deploy_jobs.wishes import Wish

__all__ = ["Deed", "DeployJobs", "Done", "Job", "Wish", "kept_values"]
