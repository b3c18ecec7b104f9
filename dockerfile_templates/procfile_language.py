"""Which language a Procfile's web process speaks: in a repository of several, its word decides the strategy."""

from __future__ import annotations

import re

from workspace import Workspace, commands, procfile

_PROGRAMS = {
    "python": ("python", "python3", "gunicorn", "uvicorn", "hypercorn", "daphne", "waitress-serve", "flask", "fastapi",
               "streamlit", "celery", "uwsgi", "granian", "functions-framework", "django-admin", "sanic"),
    "node": ("node", "npm", "npx", "yarn", "pnpm", "tsx", "ts-node", "next", "nuxt", "nodemon", "pm2-runtime"),
    "bun": ("bun", "bunx"),
    "deno": ("deno",),
    "ruby": ("ruby", "bundle", "rails", "puma", "rackup", "unicorn", "rake", "thin", "falcon"),
    "java": ("java", "gradle", "mvn"),
    "php": ("php", "apache2-foreground", "php-fpm"),
    "elixir": ("mix", "elixir", "iex"),
    "dotnet": ("dotnet",),
}  # fmt: skip
_STRATEGIES = {
    "python": ("django", "flask", "fastapi", "python"),
    "node": ("monorepo", "nextjs", "spa", "node"),
}


def of_procfile(workspace: Workspace) -> str | None:
    """The language of the web process; None where there is none or its program is anybody's."""
    command = procfile.processes(workspace).get("web", "")
    for program in commands.programs(command):
        if "heroku-php-" in program:
            return "php"
        name = re.sub(r"[\d.]+$", "", program.rpartition("/")[2])
        found = next((language for language, names in _PROGRAMS.items() if name in names), None)
        if found:
            return found
    return None


def speaks(workspace: Workspace, language: str) -> bool:
    """Whether the Procfile's web process is a program of this language."""
    return of_procfile(workspace) == language


def preferred(workspace: Workspace) -> tuple[str, ...]:
    """The names of the strategies that the Procfile's web process belongs to; none where it does not say."""
    language = of_procfile(workspace)
    return _STRATEGIES.get(language, (language,)) if language else ()
