"""The template files beside the strategies, and what every build from one leaves out of its context."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

DOCKERIGNORE = """\
.git
.github
**/.git
**/node_modules
**/.venv
**/venv
**/__pycache__
**/*.pyc
**/.pytest_cache
**/.mypy_cache
**/.ruff_cache
**/.next
**/.nuxt
**/.svelte-kit
**/.turbo
**/.cache
**/.DS_Store
**/.env
**/.env.*
!**/.env.example
!**/.env.sample
!**/.env.template
!**/.env.production
!**/.env.defaults
**/id_rsa
**/npm-debug.log*
"""


@lru_cache
def dockerfile(name: str) -> str:
    """The text of `<name>.Dockerfile`."""
    return (FOLDER / f"{name}.Dockerfile").read_text(encoding="utf-8")
