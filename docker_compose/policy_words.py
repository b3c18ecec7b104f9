"""The reasons that a refusal of the Compose policy gives, one for each key."""

from __future__ import annotations

UNKNOWN = "is not a key that this server knows, so it is not allowed"

_HOST_NAMESPACE = "it would let the container see and touch what belongs to the server or to other containers"
_DEVICE = "it would hand a device of the server to the container"
_KERNEL = "it would change how the server's kernel treats the container"
_NAMES = "names and addresses are given out by the server, so that apps cannot pose as others"

REASONS = {
    "privileged": "it would give the container control of the whole machine",
    "cap_add": "added capabilities reach beyond the container, up to the whole machine",
    "devices": _DEVICE,
    "device_cgroup_rules": _DEVICE,
    "gpus": _DEVICE,
    "runtime": "only the server's own container runtime keeps apps apart",
    "security_opt": "it would switch off protections that keep apps apart",
    "network_mode": _HOST_NAMESPACE,
    "pid": _HOST_NAMESPACE,
    "ipc": _HOST_NAMESPACE,
    "uts": _HOST_NAMESPACE,
    "userns_mode": _HOST_NAMESPACE,
    "cgroup": _HOST_NAMESPACE,
    "cgroup_parent": "it would take the container out of its limits",
    "sysctls": _KERNEL,
    "oom_kill_disable": _KERNEL,
    "oom_score_adj": _KERNEL,
    "mem_swappiness": _KERNEL,
    "blkio_config": _KERNEL,
    "cpu_rt_period": _KERNEL,
    "cpu_rt_runtime": _KERNEL,
    "cpuset": "which processors an app uses is the server's choice",
    "storage_opt": _KERNEL,
    "credential_spec": "it would use credentials of the server",
    "isolation": "only the server's own container runtime keeps apps apart",
    "group_add": "it would add the container's user to groups that may mean something on the server",
    "volumes_from": "it would reach the files of other containers",
    "external_links": "it would reach containers outside this stack",
    "use_api_socket": "it would hand over the Docker socket",
    "dns": _NAMES,
    "dns_opt": _NAMES,
    "dns_search": _NAMES,
    "mac_address": _NAMES,
    "provider": "it would run a program on the server itself",
    "models": "the server offers no models",
    "label_file": "labels are given out by the server",
}

BUILD_REASONS = {
    "ssh": "it would use SSH keys of the server",
    "privileged": "it would give the build control of the whole machine",
    "entitlements": "it would give the build control of the whole machine",
    "network": "the build would reach services of the server itself",
    "extra_hosts": _NAMES,
    "additional_contexts": "it could read files outside the repository",
    "isolation": "only the server's own builder keeps apps apart",
    "ulimits": "limits are given out by the server",
}
