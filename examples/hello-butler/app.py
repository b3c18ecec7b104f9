"""A first app for DevOps Butler: one page that greets, and an address that says it is well."""

import html
import os
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

STARTED = datetime.now(UTC)
PAGE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")

app = FastAPI(title="Hello, Butler")


@app.get("/", response_class=HTMLResponse)
def greet() -> str:
    """The page. Its name comes from the run-time variable GREETING_NAME."""
    name = os.environ.get("GREETING_NAME", "there")
    return PAGE.replace("{{name}}", html.escape(name)).replace("{{started}}", f"{STARTED:%H:%M:%S} UTC")


@app.get("/health")
def health() -> dict[str, str]:
    """For whoever asks whether this app is up."""
    return {"status": "ok"}
