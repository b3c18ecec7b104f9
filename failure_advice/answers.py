"""Answers that prove that an app runs and still disappoint whoever opens its address."""

from __future__ import annotations

_HOSTS = {
    "django": "Django refuses host names that are not in ALLOWED_HOSTS. Add '{host}' to ALLOWED_HOSTS in the settings, "
    "commit and deploy again.",
}
_REMARKS = {
    400: "It may refuse the host name {host}: look for a list of allowed hosts in its settings.",
    401: "It asks for a log-in.",
    403: "It may refuse the host name {host} (look for a list of allowed hosts in its settings), or has no index page.",
    404: "It has nothing at /: an API is reached at paths of its own; a web site lacks its index page.",
}


def remark_on(status: int, framework: str, host: str) -> str | None:
    """What to tell about an answer with this status, and what to do; None where there is nothing to tell."""
    if status == 400 and framework in _HOSTS:
        remark = _HOSTS[framework]
    elif status in _REMARKS:
        remark = _REMARKS[status]
    else:
        return None
    return f"The app runs and answers with HTTP {status}. {remark.format(host=host)}"
