"""Ruby: Rails, Sinatra and other Rack applications, and scripts."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from dockerfile_templates.python_basis import procfile_start
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, listening, node_facts, toolchains
from workspace.facts import Fact

NAME = "ruby"

_FRAMEWORKS = ("rails", "sinatra", "hanami", "grape", "roda", "cuba")
_ASSETS = frozenset(
    "sprockets-rails propshaft sassc-rails webpacker cssbundling-rails jsbundling-rails vite_rails".split()
)
_GEM = re.compile(r"^[ \t]*gem\s*\(?\s*['\"]([\w-]+)['\"]", re.MULTILINE)
_PROGRAMS = ("app.rb", "main.rb", "server.rb", "web.rb", "application.rb")
_PORTS = (
    r"PORT['\"]?\s*(?:,|\)\s*\{|\]\s*\|\|)\s*['\"]?(\d{4,5})",
    r"set\s*:port\s*,\s*(\d{2,5})",
    r"[pP]ort:?\s*(?:=>|=)?\s*(\d{4,5})\b",
)
# gem → Debian packages that its compilation needs, and that it needs when it runs
_NATIVE = {
    "pg": ("libpq-dev", "libpq5"),
    "mysql2": ("default-libmysqlclient-dev", "libmariadb3"),
    "sqlite3": ("libsqlite3-dev", "libsqlite3-0"),
    "rmagick": ("libmagickwand-dev", "libmagickwand-6.q16-6"),
    "ruby-vips": ("", "libvips42"),
    "image_processing": ("", "libvips42"),
    "charlock_holmes": ("libicu-dev zlib1g-dev", "libicu72"),
}


def matches(workspace: Workspace) -> bool:
    """Whether there is a Gemfile or config.ru, and something to start."""
    return toolchains.ruby(workspace) is not None and _usual_start(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Bundler's gems, Rails' assets, and the server of the application."""
    toolchain = toolchains.ruby(workspace)
    start = _usual_start(workspace)
    assert toolchain is not None and start is not None, "plan() follows matches()"  # noqa: S101
    gems = _gems(workspace)
    framework = next((name for name in _FRAMEWORKS if name in gems), None)
    precompiles = _is_rails(workspace) and _ASSETS & gems
    build = Fact("bundle exec rails assets:precompile", "the asset pipeline in Gemfile") if precompiles else None
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.RUBY,
            toolchain=toolchain,
            source=toolchain.manager.source,
            start=start,
            framework=Fact(framework, f"{framework} in Gemfile") if framework else None,
            install=Fact("bundle install", "Gemfile") if workspace.exists("Gemfile") else None,
            build=build,
            port=_port(workspace, gems, start),
            default_port=3000,
            args={
                "RUBY_IMAGE": f"ruby:{toolchain.version.value}-slim",
                "BUILD": build.value if build else "",
                **_packages(workspace, gems),
            },
            warnings=_warnings(workspace),
        ),
    )


def _packages(workspace: Workspace, gems: set[str]) -> dict[str, str]:
    """The Debian packages that native gems are compiled with, and the ones that they need when they run."""
    native = [_NATIVE[gem] for gem in _NATIVE if gem in gems]
    wants_node = bool(node_facts.has_package_json(workspace) or {"execjs", "uglifier", "webpacker"} & gems)
    building = ["build-essential git libyaml-dev pkg-config", *(build for build, _ in native if build)]
    running = [run for _, run in native if run] + ["nodejs"] * ("execjs" in gems)
    return {
        "BUILD_PACKAGES": " ".join(building + ["nodejs npm"] * wants_node),
        "RUN_PACKAGES": " ".join(dict.fromkeys(running)),
    }


def _gems(workspace: Workspace) -> set[str]:
    locked = re.findall(r"^    ([\w-]+) \(", workspace.read_text("Gemfile.lock") or "", re.MULTILINE)
    return {*_GEM.findall(workspace.read_text("Gemfile") or ""), *locked}


def _is_rails(workspace: Workspace) -> bool:
    return workspace.exists("config/application.rb") and "rails" in (workspace.read_text("Gemfile") or "").lower()


def _usual_start(workspace: Workspace) -> Fact | None:
    """What a Procfile would say if there were none; None where nothing could be started."""
    written = procfile_start(workspace)
    if written:
        return written
    if _is_rails(workspace):
        start = "bundle exec rails db:prepare && bundle exec rails server -b 0.0.0.0 -p $PORT"
        return Fact(start, "config/application.rb")
    if workspace.exists("config.ru"):
        server = "puma -b tcp://0.0.0.0:$PORT" if "puma" in _gems(workspace) else "rackup -o 0.0.0.0 -p $PORT"
        return Fact(f"bundle exec {server}", "config.ru")
    program = next((name for name in _PROGRAMS if workspace.exists(name)), None)
    return Fact(f"bundle exec ruby {program}", "a file of a usual name") if program else None


def _port(workspace: Workspace, gems: set[str], start: Fact) -> Fact | None:
    if _is_rails(workspace):
        return listening.port_in(workspace, ["config/puma.rb"], *_PORTS) or Fact("3000", "usual for Rails")
    paths = listening.sources(workspace, ".rb", ".ru")
    literal = listening.port_in(workspace, paths, *_PORTS)
    if literal:
        return literal
    if "sinatra" in gems:
        return Fact("4567", "usual for Sinatra")
    if workspace.exists("config.ru") and "ruby " not in start.value:
        return Fact("9292", "usual for Rack")
    listens = listening.first_mention(workspace, paths, r"TCPServer|WEBrick|Rack::Handler|require ['\"]sinatra")
    return Fact("4567", f"{listens.value} in {listens.source}") if listens else None


def _warnings(workspace: Workspace) -> tuple[PlanWarning, ...]:
    needs_key = workspace.exists("config/credentials.yml.enc") and not workspace.exists("config/master.key")
    if not _is_rails(workspace) or not needs_key:
        return ()
    message = "config/credentials.yml.enc is encrypted, and its key is not in the repository (as it should be)."
    return (PlanWarning("needs-a-secret", message, "Set RAILS_MASTER_KEY among the run-time variables."),)
