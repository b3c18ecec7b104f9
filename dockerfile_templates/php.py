"""PHP behind Apache: Laravel, Symfony and other front controllers, WordPress-like folders, single pages."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from dockerfile_templates.python_basis import procfile_start
from domain import Kind, Plan
from workspace import Workspace, node_facts, node_packages, procfile, toolchains
from workspace.facts import Fact, table, text_table

NAME = "php"
PORT = 80
PORT_BY_CONTRACT = 8080

_INSTALL = "composer install --no-dev --optimize-autoloader --no-interaction --no-scripts"

_FRAMEWORKS = {
    "laravel/framework": "laravel",
    "laravel/lumen-framework": "lumen",
    "symfony/framework-bundle": "symfony",
    "symfony/runtime": "symfony",
    "slim/slim": "slim",
    "cakephp/cakephp": "cakephp",
    "codeigniter4/framework": "codeigniter",
    "yiisoft/yii2": "yii",
    "drupal/core-recommended": "drupal",
    "craftcms/cms": "craft",
    "statamic/cms": "statamic",
    "roots/wordpress": "wordpress",
}
# How Heroku's buildpack has a Procfile start Apache or nginx on a folder.
_HEROKU = re.compile(r"^[ \t]*(?:vendor/[\w/-]*/)?heroku-php-(?:apache2|nginx)(?:\s+-\w\s+\S+)*(?:\s+([\w./-]+))?\s*$")
_ROOTS = ("public", "web", "webroot", "htdocs", "www", "public_html")
# Extensions that the official image has already, or that come with it.
_BUILT_IN = frozenset(
    "core ctype curl date dom fileinfo filter ftp hash iconv json libxml mbstring mysqlnd openssl pcre pdo pdo_sqlite phar"
    " posix random readline reflection session simplexml sodium spl sqlite3 standard tokenizer xml xmlreader xmlwriter zlib".split()
)
# extension → Debian packages that its compilation needs
_EXTENSIONS = {
    "bcmath": "", "calendar": "", "exif": "", "gd": "libpng-dev libjpeg-dev libfreetype-dev", "gettext": "",
    "gmp": "libgmp-dev", "intl": "libicu-dev", "mysqli": "", "opcache": "", "pcntl": "", "pdo_mysql": "",
    "pdo_pgsql": "libpq-dev", "pgsql": "libpq-dev", "soap": "libxml2-dev", "sockets": "", "xsl": "libxslt1-dev",
    "zip": "libzip-dev",
}  # fmt: skip


def matches(workspace: Workspace) -> bool:
    """Whether there is a page that a web server would run, or Composer's manifest with something to start."""
    if toolchains.php(workspace) is None:
        return False
    return _root(workspace) is not None or procfile_start(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Composer's packages, the assets if package.json builds any, then Apache on the folder of the front controller."""
    toolchain = toolchains.php(workspace)
    assert toolchain is not None, "plan() follows matches()"  # noqa: S101
    heroku = _HEROKU.match(procfile.processes(workspace).get("web", ""))
    root = _root(workspace) or Fact(".", "composer.json")
    if heroku:
        root = Fact((heroku[1] or ".").strip("/") or ".", "web in Procfile")
    framework = _framework(workspace)
    has_composer = _installs(workspace)
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.PHP,
            toolchain=toolchain,
            source=root.source,
            start=Fact("apache2-foreground", root.source),
            is_start_fixed=heroku is not None,
            framework=framework,
            install=Fact(_INSTALL, "composer.json") if has_composer else None,
            build=_assets(workspace),
            port=_port(workspace),
            args={
                **_images(workspace, toolchain.version.value),
                **_extensions_args(workspace),
                "INSTALL": _INSTALL if has_composer else "",
                "DOCUMENT_ROOT": "/app" if root.value == "." else f"/app/{root.value}",
                "FRAMEWORK": framework.value if framework else "",
            },
        ),
    )


def _port(workspace: Workspace) -> Fact:
    """Apache's, unless a Procfile starts something else on PORT."""
    written = procfile_start(workspace)
    if written and "$PORT" in written.value and "apache" not in written.value:
        return Fact(str(PORT_BY_CONTRACT), "default: PORT is set to it")
    return Fact(str(PORT), "usual for PHP behind a web server")


def _images(workspace: Workspace, version: str) -> dict[str, str]:
    """The images of the stages; a stage that has nothing to do builds on PHP's own, so that nothing is fetched for it."""
    image = f"php:{version}-apache"
    assets = _assets(workspace)
    return {
        "PHP_IMAGE": image,
        "COMPOSER_IMAGE": "composer:2" if _installs(workspace) else image,
        "NODE_IMAGE": f"node:{node_facts.version(workspace.telling())[0].value}-slim" if assets else image,
        "ASSETS": assets.value if assets else "",
    }


def _installs(workspace: Workspace) -> bool:
    """Whether Composer has anything to do: packages, an autoloader or scripts, and not just a version of PHP."""
    manifest = table(workspace.json("composer.json"))
    if workspace.json("composer.json") is None:
        return workspace.exists("composer.json")
    required = text_table(manifest.get("require"))
    is_platform = all(name == "php" or name.startswith(("ext-", "lib-")) for name in required)
    return not is_platform or bool(manifest.get("autoload") or manifest.get("scripts"))


def _extensions_args(workspace: Workspace) -> dict[str, str]:
    names = _extensions(workspace)
    packages = " ".join(_EXTENSIONS[name] for name in names).split()
    return {"EXTENSIONS": " ".join(names), "BUILD_PACKAGES": " ".join(dict.fromkeys(packages))}


def _root(workspace: Workspace) -> Fact | None:
    """The folder that holds the front controller: a public one before the root."""
    for folder in _ROOTS:
        if workspace.exists(f"{folder}/index.php"):
            return Fact(folder, f"{folder}/index.php")
    return Fact(".", "index.php") if workspace.exists("index.php") else None


def _framework(workspace: Workspace) -> Fact | None:
    required = text_table(table(workspace.json("composer.json")).get("require"))
    found = next((Fact(name, f"{key} in composer.json") for key, name in _FRAMEWORKS.items() if key in required), None)
    if found is None and workspace.exists("wp-config-sample.php"):
        return Fact("wordpress", "wp-config-sample.php")
    return found


def _extensions(workspace: Workspace) -> list[str]:
    """What composer.json requires as `ext-...`, what the lockfile's packages require, and what its framework uses."""
    required = text_table(table(workspace.json("composer.json")).get("require"))
    locked = re.findall(r'"ext-([\w-]+)"\s*:', workspace.read_text("composer.lock", 4_000_000) or "")
    named = [name.removeprefix("ext-") for name in required if name.startswith("ext-")]
    usual = ["pdo_mysql", "pdo_pgsql", "bcmath", "zip"] if _framework(workspace) else ["mysqli", "pdo_mysql"]
    found = [name.lower().replace("-", "_") for name in (*named, *locked, *usual)]
    return [name for name in dict.fromkeys(found) if name in _EXTENSIONS and name not in _BUILT_IN]


def _assets(workspace: Workspace) -> Fact | None:
    """How package.json makes the assets, where it makes any."""
    script = node_facts.scripts(workspace)
    name = next((name for name in ("build", "production", "prod") if name in script), None)
    if name is None:
        return None
    manager = node_packages.package_manager(workspace)
    tool = f"npm install --global {manager.package} && " if manager.package else ""
    return Fact(f"{tool}{manager.install} && {manager.run} {name}", f"scripts.{name} in package.json")
