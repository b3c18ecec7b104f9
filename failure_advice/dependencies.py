"""Dependencies that cannot be installed: unknown packages, lock files out of sync, versions, compilers."""

from __future__ import annotations

from failure_advice.rule import BUILDING, BUILDING_OR_RUNNING, Rule
from robust_error_handler import Code

_NPM = r"^npm (?:error|ERR!) "
_NOT_FOUND = Code.DEPENDENCY_NOT_FOUND
_LOCK = Code.LOCKFILE_OUT_OF_SYNC


def _lock(name: str, tool: str, command: str, file: str, *patterns: str) -> Rule:
    return Rule(
        name=name,
        stages=BUILDING,
        code=_LOCK,
        message=f"{tool}: the lock file {file} does not fit the declared dependencies.",
        remedy=f"Run `{command}` in the repository, commit {file} and push.",
        patterns=patterns,
    )


UNKNOWN_PACKAGES = (
    Rule(
        name="npm-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="npm: the package {package} is not in the registry.",
        remedy="Correct its name in package.json; for a private package give the build an .npmrc with a token.",
        patterns=(
            _NPM + r"(?:404\s+)?'(?P<package>[^']+)' is not in (?:this|the npm) registry",
            _NPM + r"404 Not Found - GET https?://[^/\s]+/(?P<package>\S+?)(?:/-/\S*)?(?: - .*)?$",
            _NPM + r"404\s+'(?P<package>@?[^'\s]+?)' (?:is not|could not)",
            _NPM + r"code E404",
        ),
    ),
    Rule(
        name="npm-version-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="npm: no published version fits {package}.",
        remedy="Choose an existing version in package.json (`npm view NAME versions`), run `npm install` and commit "
        "package-lock.json.",
        patterns=(
            _NPM + r"notarget No matching version found for (?P<package>\S+?)\.?$",
            _NPM + r"code ETARGET",
        ),
    ),
    Rule(
        name="npm-peer-conflict",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="npm: the dependencies contradict each other (peer dependency conflict).",
        remedy="Bring the versions named in the lines shown together; as a way out commit an .npmrc with "
        "`legacy-peer-deps=true`.",
        patterns=(_NPM + r"(?:code )?ERESOLVE", _NPM + r"Could not resolve dependency"),
        after=14,
    ),
    Rule(
        name="pnpm-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="pnpm: the package {package} is not in the registry in the version asked for.",
        remedy="Correct its name or version in package.json, run `pnpm install` and commit pnpm-lock.yaml.",
        patterns=(
            r"ERR_PNPM_FETCH_404.{0,40}GET https?://[^/\s]+/(?P<package>[^\s:]+): Not Found",
            r"ERR_PNPM_NO_MATCHING_VERSION.{0,40}No matching version found for (?P<package>\S+)",
            r"ERR_PNPM_(?:FETCH_404|NO_MATCHING_VERSION)",
        ),
    ),
    Rule(
        name="yarn-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="yarn: the package {package} is not in the registry in the version asked for.",
        remedy="Correct its name or version in package.json, run `yarn install` and commit yarn.lock.",
        patterns=(
            r"Couldn't find package \"(?P<package>[^\"]+)\"",
            r"Couldn't find any versions for \"(?P<package>[^\"]+)\"",
            r"error .{0,20}https?://[^/\s]+/(?P<package>[^\s:\"]+): Not found",
            r"YN0035: [^@\w]{0,10}(?P<package>@?[\w./-]+)@.{0,80}(?:Package not found|not found)",
            r"YN0082: [^@\w]{0,10}(?P<package>@?[\w./-]+)@.{0,80}No candidates found",
        ),
    ),
    Rule(
        name="pip-conflict",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="pip: the requirements contradict each other.",
        remedy="Loosen or drop one of the version pins named in the lines shown.",
        patterns=(r"ResolutionImpossible", r"because these package versions have conflicting dependencies"),
        before=10,
    ),
    Rule(
        name="poetry-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="poetry: no version of {package} fits.",
        remedy="Correct the dependency in pyproject.toml, run `poetry lock` and commit poetry.lock.",
        patterns=(
            r"depends on (?P<package>[\w.\[\]-]+) \(.{0,80}\) which doesn't match any versions",
            r"Could not find a matching version of package (?P<package>\S+)",
            r"Unable to find installation candidates for (?P<package>\S+)",
        ),
    ),
    Rule(
        name="uv-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="uv: no version of {package} fits.",
        remedy="Correct the dependency in pyproject.toml or requirements.txt, run `uv lock` and commit uv.lock.",
        patterns=(
            r"Because (?P<package>[\w.\[\]-]+) was not found in the package registry",
            r"Because there (?:is|are) no versions? of (?P<package>[\w.\[\]-]+)",
            r"Because only (?:the following versions of )?(?P<package>[\w.\[\]-]+).{0,80} (?:is|are) available",
        ),
        also=r"No solution found when resolving|your (?:project's )?requirements are unsatisfiable",
    ),
    Rule(
        name="other-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="The dependency {package} cannot be found.",
        remedy="Correct its name or version in the repository's dependency file; a private one needs credentials.",
        patterns=(
            r"go: (?:module )?(?P<package>[\w./-]+)@[\w.+-]+: (?:reading|invalid version|.{0,200}(?:404|unknown revision))",
            r"no matching package named `(?P<package>[^`]+)` found",
            r"failed to select a version for the requirement `(?P<package>[^`]+)`",
            r"Could not find gem '(?P<package>[^']+)'",
            r"Root composer\.json requires (?P<package>[^\s,]+).{0,60} could not be found",
            r"Could not (?:find artifact|resolve) (?P<package>[\w.-]+:[\w.-]+:\S+?)[\s.]",
            r"E: Unable to locate package (?P<package>\S+)",
            r"E: Package '(?P<package>[^']+)' has no installation candidate",
            r"ERROR: unable to select packages:\n\s+(?P<package>\S+) \(no such package\)",
        ),
    ),
)

LOCKFILES = (
    _lock(
        "npm-lock",
        "npm ci",
        "npm install",
        "package-lock.json",
        r"`npm ci` can only install packages when your package\.json and package-lock\.json.{0,60}are in sync",
        r"can only install with an existing package-lock\.json",
        _NPM + r"code EUSAGE",
    ),
    _lock(
        "pnpm-lock",
        "pnpm",
        "pnpm install",
        "pnpm-lock.yaml",
        r"ERR_PNPM_OUTDATED_LOCKFILE",
        r"ERR_PNPM_LOCKFILE_(?:CONFIG_MISMATCH|BREAKING_CHANGE|MISSING_DEPENDENCY)",
        r"ERR_PNPM_NO_LOCKFILE",
        r"ERR_PNPM_FROZEN_LOCKFILE_WITH_OUTDATED_LOCKFILE",
    ),
    _lock(
        "yarn-lock",
        "yarn",
        "yarn install",
        "yarn.lock",
        r"Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`",
        r"YN0028: .{0,20}The lockfile would have been (?:modified|created)",
        r"The lockfile would have been (?:modified|created) by this install",
    ),
    _lock("bun-lock", "bun", "bun install", "bun.lock", r"lockfile had changes, but lockfile is frozen"),
    _lock(
        "poetry-lock",
        "poetry",
        "poetry lock",
        "poetry.lock",
        r"pyproject\.toml changed significantly since poetry\.lock was last generated",
        r"poetry\.lock is not up to date with pyproject\.toml",
    ),
    _lock(
        "uv-lock",
        "uv",
        "uv lock",
        "uv.lock",
        r"The lockfile at `uv\.lock` needs to be updated",
        r"Unable to find lockfile at `uv\.lock`",
    ),
    _lock("pipenv-lock", "pipenv", "pipenv lock", "Pipfile.lock", r"Your Pipfile\.lock \(\w*\) is out of date"),
    _lock("pdm-lock", "pdm", "pdm lock", "pdm.lock", r"Lock file hash doesn't match pyproject\.toml"),
    _lock(
        "cargo-lock",
        "cargo",
        "cargo update --workspace",
        "Cargo.lock",
        r"lock file \S+ needs to be updated but --(?:locked|frozen) was passed",
        r"cannot (?:create|update) the lock file \S+ because --(?:locked|frozen) was passed",
    ),
    _lock("go-sum", "go", "go mod tidy", "go.sum", r"missing go\.sum entry", r"go: updates to go\.(?:mod|sum) needed"),
    _lock(
        "bundler-lock",
        "bundler",
        "bundle install",
        "Gemfile.lock",
        r"The gemspecs for path gems changed",
        r"Your lockfile does not satisfy dependencies",
        r"The dependencies in your gemfile changed, but the lockfile can't be updated",
    ),
    _lock(
        "composer-lock",
        "composer",
        "composer update --lock",
        "composer.lock",
        r"The lock file is not up to date with the latest changes in composer\.json",
        r"is not present in the lock file",
    ),
)

VERSIONS = (
    Rule(
        name="node-version",
        stages=BUILDING_OR_RUNNING,
        code=Code.BUILD_FAILED,
        message="The version of Node.js does not fit: {wanted} is asked for.",
        remedy='Set the version in package.json ("engines": {{"node": "22"}}) or .nvmrc to one that all dependencies '
        "accept; a Dockerfile of the repository names it in its FROM line. Then commit and push.",
        patterns=(
            _NPM + r"(?:engine|notsup) (?:Required|Not compatible).{0,80}?(?P<wanted>\{.{1,60}\})",
            r"The engine \"node\" is incompatible with this module\. Expected version \"(?P<wanted>[^\"]+)\"",
            r"Expected version: (?P<wanted>.{1,60})\nGot: ",
            r"ERR_PNPM_UNSUPPORTED_ENGINE",
            r"For Next\.js, Node\.js version \"?(?P<wanted>[^\"]{1,30})\"? is required",
            r"requires Node\.js (?:version )?(?P<wanted>[\d.+ or,|>=^]{2,40})",
            r"requires at least Node\.js (?P<wanted>v?[\d.]+)",
            r"(?:ERR_OSSL_EVP_UNSUPPORTED|error:0308010C).{0,60}",
            _NPM + r"code EBADENGINE",
        ),
    ),
    Rule(
        name="python-version",
        stages=BUILDING_OR_RUNNING,
        code=Code.BUILD_FAILED,
        message="The version of Python does not fit: {wanted} is asked for.",
        remedy="Set the version in .python-version (for example 3.12) or `requires-python` in pyproject.toml to one "
        "that all dependencies accept; a Dockerfile of the repository names it in its FROM line. Then commit and push.",
        patterns=(
            r"requires a different Python: [\d.]+ not in '(?P<wanted>[^']+)'",
            r"is not supported by the project \((?P<wanted>[^)]+)\)",
            r"Current Python version \(.{1,40}\) is not allowed by the project \((?P<wanted>[^)]+)\)",
            r"the requested Python version \((?P<wanted>[^)]+)\) does not satisfy",
            r"current Python version \(.{1,20}\) does not satisfy (?P<wanted>Python\S+)",
            r"No interpreter found for Python (?P<wanted>\S+)",
            r"requires Python '?(?P<wanted>[<>=\d., ]+)'? but the running Python is",
        ),
    ),
)

COMPILERS = (
    Rule(
        name="pg-config-missing",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="psycopg2 is built from source and needs PostgreSQL's headers, which the image lacks.",
        remedy="Write psycopg2-binary (or `psycopg[binary]`) instead of psycopg2 in the requirements, or add a "
        "Dockerfile that installs libpq-dev and gcc.",
        patterns=(r"pg_config executable not found", r"fatal error: libpq-fe\.h"),
    ),
    Rule(
        name="mysql-config-missing",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="mysqlclient is built from source and needs MySQL's headers, which the image lacks.",
        remedy="Use PyMySQL instead, or add a Dockerfile that installs default-libmysqlclient-dev, pkg-config and gcc.",
        patterns=(r"mysql_config(?:: | )not found", r"Can not find valid pkg-config name", r"fatal error: mysql\.h"),
    ),
    Rule(
        name="compiler-missing",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="A dependency is built from source and needs {tool}, which the image lacks.",
        remedy="Use a version of the dependency with ready-made wheels or binaries, or add a Dockerfile that installs "
        "{tool} (on Debian: `apt-get install build-essential python3-dev pkg-config`).",
        patterns=(
            r"(?:command|unable to execute) '(?P<tool>(?:[\w-]*-)?(?:gcc|g\+\+|cc|c\+\+|clang|cmake|cl\.exe))'"
            r" ?(?:failed)?: (?:No such file|.{0,20}[Nn]o such file)",
            r"(?P<tool>gcc|g\+\+|cc|make|cmake|cargo|rustc): (?:command )?not found",
            r"(?P<tool>linker `cc`) not found",
            r"exec: \"(?P<tool>gcc|cc|g\+\+)\": executable file not found",
            r"not found: (?P<tool>make|g\+\+|gcc)\s*$",
            r"gyp ERR! (?:find Python|stack Error: Could not find any) ?(?P<tool>Python)?",
            r"(?P<tool>CMake) must be installed",
            r"can't find (?P<tool>Rust compiler)",
            r"(?P<tool>Rust(?: and Cargo|, and)?).{0,40}(?:is not installed|not installed or is not on PATH)",
            r"fatal error: (?P<tool>[\w./-]+\.h(?:pp)?): No such file",
            r"Package '?(?P<tool>[\w.+-]+)'?,? (?:required by '[^']*', )?(?:was )?not found in the pkg-config search path",
            r"Did not find (?P<tool>pkg-config)",
        ),
        before=10,
    ),
    Rule(
        name="wheel-not-built",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="pip could not build {package} from source, and that version has no ready-made wheel for this Python.",
        remedy="Ask for a newer version of it, or use the Python that it was made for (.python-version, or the FROM "
        "line of the repository's Dockerfile, for example python:3.12-slim). Then commit and push.",
        patterns=(
            r"^(?:error|ERROR): Failed to build installable wheels for .{0,60}\((?P<package>[^)\n]{1,120})\)",
            r"^╰─> (?P<package>[\w., -]{1,120})$",
            r"Could not build wheels for (?P<package>[\w., -]{1,120}?), which (?:is|are) required",
            r"Failed building wheel for (?P<package>[\w.-]+)",
            r"(?:×|error:) Failed to build `(?P<package>[^`\n]{1,80})`",
        ),
        before=14,
        after=2,
    ),
)

PIP_UNKNOWN = (
    Rule(
        name="pip-version-for-other-python",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="pip: {package} has no version for this version of Python.",
        remedy="Set an older or newer Python in .python-version (for example 3.12), or another version of {package}.",
        patterns=(r"No matching distribution found for (?P<package>\S+)",),
        also=r"Ignored the following versions that require a different python version",
    ),
    Rule(
        name="pip-requirements-missing",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="pip is told to install from {file}, and there is no such file where the build runs.",
        remedy="Commit {file}, or correct its path; in a Dockerfile it must be copied before pip runs, and .dockerignore "
        "must not leave it out.",
        patterns=(r"Could not open requirements file: .{0,60}'(?P<file>[^']+)'",),
    ),
    Rule(
        name="pip-package-unknown",
        stages=BUILDING,
        code=_NOT_FOUND,
        message="pip: there is no package {package}.",
        remedy="Correct its name or version in requirements.txt (or pyproject.toml); `pip index versions NAME` lists "
        "what exists.",
        patterns=(
            r"No matching distribution found for (?P<package>\S+)",
            r"Could not find a version that satisfies the requirement (?P<package>\S+)",
            r"Invalid requirement: '?(?P<package>[^'\n]{1,80})",
        ),
    ),
)
