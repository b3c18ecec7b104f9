"""From a Git address to a running, verified container: the document's nine steps, and the way back."""

from simple_pipeline.compose import handle_docker_compose_deployment
from simple_pipeline.destroy import destroy_deployment
from simple_pipeline.ledger import Ledger
from simple_pipeline.lifecycle import (
    AppState,
    Condition,
    LiveApp,
    ServiceState,
    all_containers,
    app_state,
    app_state_among,
    as_stopped,
    restart_app,
    start_app,
    stop_app,
)
from simple_pipeline.neighbours import put_back
from simple_pipeline.parts import handle_parts_deployment
from simple_pipeline.pipeline import plan_repository, run_deployment_pipeline
from simple_pipeline.single import handle_dockerfile_deployment
from simple_pipeline.verification import detect_running_port, verify

__all__ = [
    "AppState",
    "Condition",
    "Ledger",
    "LiveApp",
    "ServiceState",
    "all_containers",
    "app_state",
    "app_state_among",
    "as_stopped",
    "destroy_deployment",
    "detect_running_port",
    "handle_docker_compose_deployment",
    "handle_dockerfile_deployment",
    "handle_parts_deployment",
    "plan_repository",
    "put_back",
    "restart_app",
    "run_deployment_pipeline",
    "start_app",
    "stop_app",
    "verify",
]
