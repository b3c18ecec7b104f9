"""Builds that fail for a reason in the repository: its Dockerfile, its source or its build command."""

from __future__ import annotations

from failure_advice.rule import BUILDING, Rule
from robust_error_handler import Code

_STEP = r"process \"(?:/bin/\w+ (?:-\w+ ){1,4})?(?P<step>.{1,400}?)\" did not complete successfully: exit code: "

SOURCE = (
    Rule(
        name="import-of-own-file",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The source imports {module}, which is not in the repository.",
        remedy="Commit the file, or correct the path: on Linux capital and small letters differ.",
        patterns=(
            r"Can't resolve '(?P<module>\.{1,2}/[^']+|@/[^']+|~/[^']+)'",
            r"Rollup failed to resolve import \"(?P<module>\.{1,2}/[^\"]+|@/[^\"]+|/[^\"]+)\"",
            r"Could not (?:resolve|load) \"?(?P<module>\.{1,2}/[^\"\s]+|/[^\"\s]+)",
            r"Cannot find module '(?P<module>\.{1,2}/[^']+|@/[^']+|/[^']+)'",
        ),
    ),
    Rule(
        name="import-not-declared",
        stages=BUILDING,
        code=Code.DEPENDENCY_NOT_FOUND,
        message="The source imports {module}, which is not among the installed dependencies.",
        remedy="Add it to the repository's dependencies (for example `npm install {module}`), commit and push. Under "
        "devDependencies it is missing wherever these are left out.",
        patterns=(
            r"Can't resolve '(?P<module>[^']+)'",
            r"Rollup failed to resolve import \"(?P<module>[^\"]+)\"",
            r"Cannot find (?:module|package) '(?P<module>[^']+)'",
            r"ModuleNotFoundError: No module named '(?P<module>[^']+)'",
            r"Could not resolve \"(?P<module>[^\"]+)\"",
        ),
    ),
    Rule(
        name="warnings-as-errors",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The build treats warnings as errors, because CI is set.",
        remedy="Correct the warnings in the lines shown, or add CI=false to the frontend_env file.",
        patterns=(r"Treating warnings as errors because process\.env\.CI = true",),
        after=14,
    ),
    Rule(
        name="type-error",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="TypeScript found an error: {reason}",
        remedy="Correct it in the file shown; `npx tsc --noEmit` finds all of them on your machine.",
        patterns=(
            r"^(?P<reason>\S+\(\d+,\d+\): error TS\d+: .{1,200})",
            r"^\s*(?P<reason>\S+:\d+:\d+ - error TS\d+: .{1,200})",
            r"^\s*(?P<reason>Type error: .{1,200})",
        ),
        before=4,
        after=10,
    ),
    Rule(
        name="lint-error",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The linter stops the build.",
        remedy="Correct the errors in the lines shown, or let the build ignore them (`eslint.ignoreDuringBuilds` in "
        "next.config.js).",
        patterns=(r"^\s*\d+:\d+\s+[Ee]rror:? ", r"[✖x] \d+ problems? \(\d+ errors?"),
        before=10,
    ),
    Rule(
        name="syntax-error-in-build",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The source has an error: {reason}.",
        remedy="Correct it in the file and line shown, commit and push.",
        patterns=(
            r"^(?P<reason>(?:\w*Syntax|Indentation|Tab)Error: .{1,200})",
            r"^\S*(?P<reason>\.go:\d+:\d+: .{1,200})",
            r"^(?P<reason>error(?:\[E\d+\]): .{1,200})",
        ),
    ),
    Rule(
        name="script-missing",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="package.json has no script called {script}.",
        remedy='Add it under "scripts" in package.json, or name another build command.',
        patterns=(
            r"Missing script: \"?(?P<script>[\w:.-]+)\"?",
            r"Command \"(?P<script>[^\"]+)\" not found",
            r"ERR_PNPM_NO_SCRIPT\s+Missing script: (?P<script>\S+)",
            r"Couldn't find a script named \"(?P<script>[^\"]+)\"",
        ),
    ),
    Rule(
        name="command-missing-in-build",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The build calls {command}, which is not installed in the image.",
        remedy="Add {command} to the dependencies (a tool under devDependencies must be installed for the build too), "
        "or install it in the Dockerfile.",
        patterns=(
            r"\bsh: (?:\d+: |line \d+: )?(?P<command>[\w./@-]+): (?:command )?not found",
            r"(?:bash|zsh): (?:line \d+: )?(?P<command>[\w./@-]+): command not found",
            r"exec: \"(?P<command>[^\"]+)\": executable file not found",
            r"env: ['‘]?(?P<command>[\w./-]+)['’]?: No such file or directory",
        ),
    ),
    Rule(
        name="permission-denied-in-build",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="A program or file in the build may not be used: permission denied ({file}).",
        remedy="Make a script executable and commit that (`git update-index --chmod=+x FILE`); for a folder, change "
        "its owner in the Dockerfile (`COPY --chown`).",
        patterns=(
            r"sh: (?:\d+: |line \d+: )?(?P<file>[\w./@-]+): Permission denied",
            r"EACCES: permission denied, \w+ '(?P<file>[^']+)'",
            r"PermissionError: \[Errno 13\] Permission denied: '(?P<file>[^']+)'",
            r"exec: \"(?P<file>[^\"]+)\": permission denied",
        ),
    ),
)

DOCKERFILES = (
    Rule(
        name="copied-file-missing",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The Dockerfile copies {file}, which does not exist there.",
        remedy="Commit the file, take it out of .dockerignore, or correct the path; for a folder made by the build "
        "(dist, build, out) check what the build command writes.",
        patterns=(
            r"failed to (?:compute cache key|calculate checksum of ref).{0,200}[ \"](?P<file>/[^\"\n]{1,200}?)\"?: not found",
            r"COPY failed: .{0,120}stat (?P<file>\S+): (?:file does not exist|no such file)",
            r"lstat \S*?(?P<file>/[^/\s:]+): no such file or directory",
        ),
    ),
    Rule(
        name="dockerfile-invalid",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="The Dockerfile is not valid: {reason}.",
        remedy="Correct that line of the Dockerfile.",
        patterns=(
            r"dockerfile parse error (?P<reason>on line \d+: .{1,200})",
            r"failed to read dockerfile: (?P<reason>.{1,200})",
            r"failed to parse stage name (?P<reason>.{1,200})",
            r"(?P<reason>target stage \"?[^\"\s]+\"? could not be found)",
            r"(?P<reason>base name \(\S*\) should not be blank)",
            r"(?P<reason>circular dependency detected.{0,120})",
        ),
    ),
    Rule(
        name="exec-format-in-build",
        stages=BUILDING,
        code=Code.BUILD_FAILED,
        message="A program in the build is made for another processor (exec format error).",
        remedy="Use a base image for this server's processor (drop `--platform` from FROM), or add QEMU to Docker.",
        patterns=(r"exec format error",),
    ),
)

BUILD_FAILED = Rule(
    name="build-step-failed",
    stages=BUILDING,
    code=Code.BUILD_FAILED,
    message="The build failed in the step `{step}` with exit code {exit}{meaning}.",
    remedy="The lines above its end say why. Run the same command in a clean clone to see it on your machine.",
    patterns=(
        _STEP + r"(?P<exit>\d+)",
        r"The command '(?:/bin/\w+ -\w+ )?(?P<step>.{1,400}?)' returned a non-zero code: (?P<exit>\d+)",
    ),
    before=18,
    after=0,
)
BUILD_FAILED_OTHERWISE = Rule(
    name="build-failed",
    stages=BUILDING,
    code=Code.BUILD_FAILED,
    message="The build failed: {last_line}.",
    remedy="The lines shown say why; `docker build .` in a clean clone shows it on your machine.",
)
