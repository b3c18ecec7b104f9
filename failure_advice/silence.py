"""Apps that stay up and do not answer: only on loopback, on another port, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failure_advice.rule import RUNNING, Rule
from robust_error_handler import Code

_LOOPBACK = r"(?:localhost|127\.0\.0\.1|\[?::1\]?)"

LISTEN_EVERYWHERE = {
    "vite": "Start it with `vite preview --host 0.0.0.0 --port $PORT`, or set `preview: {{ host: true }}` in "
    "vite.config.",
    "nextjs": "Start it with `next start -H 0.0.0.0 -p $PORT`.",
    "nuxt": "Set HOST=0.0.0.0 in the backend_env file.",
    "express": "Call `app.listen(process.env.PORT || 3000, '0.0.0.0')`, without 'localhost' as the host.",
    "fastify": "Call `fastify.listen({{ port: process.env.PORT || 3000, host: '0.0.0.0' }})`.",
    "node": "Call `server.listen(process.env.PORT || 3000, '0.0.0.0')`, without 'localhost' as the host.",
    "angular": "Start it with `ng serve --host 0.0.0.0`; better, build it and serve the files.",
    "astro": "Start it with `astro preview --host 0.0.0.0 --port $PORT`, or set HOST=0.0.0.0.",
    "django": "Start it with `python manage.py runserver 0.0.0.0:$PORT`, better `gunicorn PROJECT.wsgi "
    "--bind 0.0.0.0:$PORT`.",
    "flask": "Start it with `flask run --host 0.0.0.0 --port $PORT` or `app.run(host='0.0.0.0')`, better "
    "`gunicorn app:app --bind 0.0.0.0:$PORT`.",
    "fastapi": "Start it with `uvicorn main:app --host 0.0.0.0 --port $PORT`.",
    "streamlit": "Start it with `streamlit run app.py --server.address 0.0.0.0 --server.port $PORT`.",
    "gradio": "Call `demo.launch(server_name='0.0.0.0')`.",
    "rails": "Start it with `rails server -b 0.0.0.0 -p $PORT`.",
    "laravel": "Start it with `php artisan serve --host 0.0.0.0 --port $PORT`.",
    "go": 'Listen on `":" + os.Getenv("PORT")`, without localhost before the colon.',
    "rust": "Bind to 0.0.0.0 and the port in the PORT variable.",
    "phoenix": "Set `ip: {{0, 0, 0, 0}}` for the endpoint's http in config/runtime.exs.",
    "deno": "Call `Deno.serve({{ hostname: '0.0.0.0', port }}, ...)`.",
}
_ANY_FRAMEWORK = "Let it listen on 0.0.0.0 instead (often a HOST variable or a --host option), commit and push."

LOOPBACK_ONLY = Rule(
    name="loopback-only",
    stages=RUNNING,
    code=Code.LOOPBACK_ONLY,
    message="The app listens on {address} only, so nothing outside its container can reach it.",
    remedy="{how_to_listen}",
    patterns=(
        rf"[Ll]ocal:?\s+(?P<address>https?://{_LOOPBACK}:\d+)\S*\n.{{0,6}}Network:? +use --host",
        rf"development server at (?P<address>https?://{_LOOPBACK}:\d+)",
        rf"Running on (?P<address>https?://{_LOOPBACK}:\d+)",
        rf"[Rr]unning on (?:local URL: +)?(?P<address>https?://{_LOOPBACK}:\d+)",
        rf"Listening at: (?P<address>https?://{_LOOPBACK}:\d+)",
        r"[Ll]istening on:? (?P<address>(?:tcp://|https?://)?(?:127\.0\.0\.1|\[?::1\]?):\d+)",
        r"Server running on \[?(?P<address>https?://127\.0\.0\.1:\d+)",
    ),
    before=3,
    after=3,
)
WRONG_PORT = Rule(
    name="wrong-port",
    stages=RUNNING,
    code=Code.WRONG_PORT,
    message="The app was expected on port {port}, but it listens on {found}.",
    remedy="Let it listen on the port in the PORT variable ({port}), or correct EXPOSE in the Dockerfile to {found}.",
    patterns=(
        r"(?:[Ll]istening|[Rr]unning|[Ss]tarted|[Rr]eady|[Ss]erving|[Aa]vailable).{0,60}?"
        r"(?:port:? ?|(?:0\.0\.0\.0|localhost|\[::\]|\*|127\.0\.0\.1):)(?P<found>\d{2,5})\b",
    ),
    before=3,
    after=3,
)
NOT_ANSWERING = Rule(
    name="not-answering",
    stages=RUNNING,
    code=Code.NOT_ANSWERING,
    message="The app runs, but did not answer on port {port} within {timeout_seconds} seconds.",
    remedy="Check in the lines shown that it serves HTTP on 0.0.0.0 and the port in the PORT variable; if it is only "
    "slow to start, raise BUTLER_START_TIMEOUT_SECONDS.",
)
NEVER_LISTENED = Rule(
    name="never-listened",
    stages=RUNNING,
    code=Code.NOT_ANSWERING,
    message="The app runs, but opened no port within {timeout_seconds} seconds.",
    remedy="Check in the lines shown what it waits for; a web app must listen on 0.0.0.0 and the port in the PORT "
    "variable. If it is only slow to start, raise BUTLER_START_TIMEOUT_SECONDS.",
)


def how_to_listen(framework: str) -> str:
    """What to change so that an app of this framework listens to the outside."""
    return LISTEN_EVERYWHERE.get(framework.lower(), _ANY_FRAMEWORK).replace("{{", "{").replace("}}", "}")


def from_sockets(context: Mapping[str, Any]) -> tuple[Rule, dict[str, str]] | None:
    """Judge by what really listens: `context["listening"]` holds `address:port` of each socket."""
    if "listening" not in context:
        return None
    sockets = [str(socket) for socket in context["listening"]]
    outside = [socket for socket in sockets if not _is_loopback(socket)]
    if not sockets:
        return NEVER_LISTENED, {}
    if not outside:
        return LOOPBACK_ONLY, {"address": ", ".join(sockets)}
    ports = sorted({socket.rpartition(":")[2] for socket in outside}, key=int)
    if context.get("port") is not None and str(context["port"]) not in ports:
        return WRONG_PORT, {"found": " and ".join(ports)}
    return NOT_ANSWERING, {}


def _is_loopback(socket: str) -> bool:
    host = socket.rpartition(":")[0].strip("[]")
    return host.startswith("127.") or host in ("localhost", "::1", "::ffff:127.0.0.1")
