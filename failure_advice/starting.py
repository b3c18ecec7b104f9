"""Apps that end soon after their start, or run without serving: what their output says."""

from __future__ import annotations

from failure_advice.rule import RUNNING, Rule
from robust_error_handler import Code

_CRASHED = Code.CRASHED_AT_START

DATABASES = (
    Rule(
        name="service-refuses-connection",
        stages=RUNNING,
        code=_CRASHED,
        message="The app cannot reach {service} at {peer_host}:{peer_port}: nothing listens there.",
        remedy="Inside a container localhost is the container itself. Give the app the address of a running {service} "
        "in the backend_env file (often DATABASE_URL), or add it as a service in a compose file.",
        patterns=(
            r"ECONNREFUSED (?P<peer_host>[\w.:-]*?):(?P<peer_port>\d{2,5})\b",
            r"connection to server at \"(?P<peer_host>[^\"]+)\".{0,60}, port (?P<peer_port>\d+) failed: Connection refused",
            r"[Ii]s the server running on host \"(?P<peer_host>[^\"]+)\".{0,80}\n?.{0,60}port (?P<peer_port>\d+)",
            r"Can't reach database server at `(?P<peer_host>[^`:]+):?`?:?`?(?P<peer_port>\d+)",
            r"Error 111 connecting to (?P<peer_host>[\w.-]+):(?P<peer_port>\d+)",
            r"(?<![\w.-])(?P<peer_host>[\w.-]{1,80}):(?P<peer_port>\d{1,5}): \[Errno 111\]",
            r"Connect call failed \('(?P<peer_host>[^']+)', (?P<peer_port>\d+)",
            r"dial tcp (?P<peer_host>[\w.\[\]:-]+):(?P<peer_port>\d+): (?:connect: )?connection refused",
            r"Connection to (?P<peer_host>[\w.-]+):(?P<peer_port>\d+) refused",
            r"Can't connect to (?P<service>MySQL|MariaDB) server (?:on|through socket) '(?P<peer_host>[^']+)'",
            r"SQLSTATE\[HY000\] \[2002\] Connection refused",
        ),
        before=4,
        after=8,
    ),
    Rule(
        name="service-name-unknown",
        stages=RUNNING,
        code=_CRASHED,
        message="The app looks for a server called {peer_host}, and there is none of that name.",
        remedy="Put the right host into the backend_env file (for example in DATABASE_URL); a name such as `db` works "
        "only if a compose file defines that service.",
        patterns=(
            r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<peer_host>[\w.-]+)",
            r"could not translate host name \"(?P<peer_host>[^\"]+)\"",
            r"Unknown MySQL server host '(?P<peer_host>[^']+)'",
            r"lookup (?P<peer_host>[\w.-]+)(?: on \S+)?: (?:no such host|server misbehaving|Temporary failure)",
            r"UnknownHostException: (?P<peer_host>[\w.-]+)",
            r"Error -[235] connecting to (?P<peer_host>[\w.-]+):\d+",
            r"php_network_getaddresses: getaddrinfo (?:for (?P<peer_host>\S+) )?failed",
            r"host not found in upstream \"(?P<peer_host>[^\"]+)\"",
            r"socket\.gaierror: \[Errno -\d\]",
        ),
    ),
    Rule(
        name="database-refuses-login",
        stages=RUNNING,
        code=_CRASHED,
        message="The database refuses the app's log-in or has no such database ({name}).",
        remedy="Correct user, password and database in the backend_env file (often DATABASE_URL).",
        patterns=(
            r"password authentication failed for user \"(?P<name>[^\"]+)\"",
            r"Access denied for user '(?P<name>[^']+)'@",
            r"database \"(?P<name>[^\"]+)\" does not exist",
            r"Unknown database '(?P<name>[^']+)'",
            r"role \"(?P<name>[^\"]+)\" does not exist",
            r"(?P<name>WRONGPASS|NOAUTH)",
            r"MongoServerError: (?P<name>.{0,30}[Aa]uthentication.{0,40})",
        ),
    ),
    Rule(
        name="table-missing",
        stages=RUNNING,
        code=_CRASHED,
        message="The database has no table {name}: its migrations have not run.",
        remedy="Run the migrations in the start command (for example `python manage.py migrate && ...` or "
        "`npx prisma migrate deploy && ...`).",
        patterns=(
            r"relation \"(?P<name>[^\"]+)\" does not exist",
            r"no such table: (?P<name>\S+)",
            r"Table '(?P<name>[^']+)' doesn't exist",
            r"The table `(?P<name>[^`]+)` does not exist",
        ),
        before=10,
    ),
)

MODULES = (
    Rule(
        name="start-file-missing",
        stages=RUNNING,
        code=_CRASHED,
        message="The start command runs {file}, which is not in the image.",
        remedy="Check the start command in package.json (or the Procfile), and that the build writes this file.",
        patterns=(
            r"Cannot find module '(?P<file>/[^']+)'",
            r"can't open file '(?P<file>[^']+)': \[Errno 2\]",
            r"Unable to access jarfile (?P<file>\S+)",
            r"(?:stat|open) (?P<file>/\S+): no such file or directory",
            r"Could not find a production build in the '(?P<file>[^']+)' directory",
        ),
        after=8,
    ),
    Rule(
        name="windows-line-ends",
        stages=RUNNING,
        code=_CRASHED,
        message="The start script {file} has Windows line ends, or its first line names a program that is missing.",
        remedy="Save it with Unix line ends and commit a .gitattributes with `*.sh text eol=lf`; check its first line.",
        patterns=(
            r"env: ['‘]?(?P<file>\w+)(?:\\r|\r|\$'\\r')",
            r"exec (?P<file>/?\S+\.sh): no such file or directory",
            r"exec: \"(?P<file>[^\"]+\.sh)\": .{0,40}no such file or directory",
            r"(?<!\S)(?P<file>\S{1,200}\.sh): (?:line )?\d+: .{0,60}\$?'?\\r'?: (?:command )?not found",
        ),
    ),
    Rule(
        name="module-missing",
        stages=RUNNING,
        code=_CRASHED,
        message="The app needs the module {module}, which is not installed in its image.",
        remedy="Add {module} to the dependencies (requirements.txt, pyproject.toml, or dependencies in package.json, not "
        "devDependencies), commit and push.",
        patterns=(
            r"ModuleNotFoundError: No module named '(?P<module>[^']+)'",
            r"Cannot find (?:module|package) '(?P<module>[^']+)'",
            r"ImportError: (?P<module>lib[\w.+-]+): cannot open shared object file",
            r"error while loading shared libraries: (?P<module>[\w.+-]+):",
            r"cannot load such file -- (?P<module>\S+)",
            r"NoClassDefFoundError: (?P<module>\S+)",
            r"Class [\"'](?P<module>[^\"']+)[\"'] not found",
            r"Error loading shared library (?P<module>\S+):",
        ),
        before=8,
    ),
    Rule(
        name="app-object-missing",
        stages=RUNNING,
        code=_CRASHED,
        message="The server was started with {target}, and there is no such app in the code.",
        remedy="Name the module and the variable of your app in the start command (for example `main:app`).",
        patterns=(
            r"Failed to find attribute '(?P<target>[^']+)' in '[^']+'",
            r"Attribute \"(?P<target>[^\"]+)\" not found in module",
            r"Could not import module \"(?P<target>[^\"]+)\"",
            r"Error: Could not locate (?P<target>a Flask application)",
            r"Failed to find Flask application or factory in module '(?P<target>[^']+)'",
        ),
    ),
)

COMMANDS = (
    Rule(
        name="script-missing-at-start",
        stages=RUNNING,
        code=_CRASHED,
        message="package.json has no script called {script}, which should start the app.",
        remedy='Add it under "scripts" in package.json (for example "start": "node server.js"), commit and push.',
        patterns=(
            r"Missing script: \"?(?P<script>[\w:.-]+)\"?",
            r"error Command \"(?P<script>[^\"]+)\" not found",
            r"Couldn't find a script named \"(?P<script>[^\"]+)\"",
        ),
    ),
    Rule(
        name="command-missing",
        stages=RUNNING,
        code=_CRASHED,
        message="The start command calls {command}, which is not installed in the image (exit code 127).",
        remedy="Add it to the app's dependencies (not devDependencies), or correct the start command.",
        patterns=(
            r"exec: \"(?P<command>[^\"]+)\": (?:executable file not found|stat .{1,200}no such file)",
            r"\bsh: (?:\d+: |line \d+: )?(?P<command>[\w./@-]+): (?:command )?not found",
            r"(?:bash|zsh|start\.sh|entrypoint\.sh): (?:line )?(?:\d+: )?(?P<command>[\w./@-]+): (?:command )?not found",
            r"env: ['‘]?(?P<command>[\w./-]+)['’]?: No such file or directory",
            r"exec (?P<command>\S+): no such file or directory",
        ),
        exit_codes=frozenset({127}),
    ),
    Rule(
        name="exec-format",
        stages=RUNNING,
        code=_CRASHED,
        message="The start program cannot be run here: exec format error.",
        remedy="It is built for another processor (build it without `--platform`), or it is a script without a first "
        "line such as `#!/bin/sh`.",
        patterns=(r"exec format error", r"[Ee]xec format error"),
    ),
    Rule(
        name="privileged-port",
        stages=RUNNING,
        code=_CRASHED,
        message="The app may not open port {port}: ports below 1024 need root, and it runs as an ordinary user.",
        remedy="Let the app listen on the port in the PORT variable, or on 8080.",
        patterns=(
            r"EACCES:? permission denied \S*?:(?P<port>\d+)",
            r"bind\(\) to \S*?:(?P<port>\d+) failed \(13",
            r"listen tcp \S*:(?P<port>\d+): bind: permission denied",
            r"Permission denied: '?\(?'?[\d.]+'?, (?P<port>\d+)",
        ),
    ),
    Rule(
        name="read-only-files",
        stages=RUNNING,
        code=_CRASHED,
        message="The app writes to {file}, which is read-only in its container.",
        remedy="Let it write to /tmp or to a data folder of its own instead.",
        patterns=(
            r"EROFS: read-only file system,? ?\w* ?'?(?P<file>[^'\n]{0,200})",
            r"\[Errno 30\] Read-only file system: '(?P<file>[^']+)'",
            r"(?<!\S)(?P<file>/\S{1,200}): Read-only file system",
        ),
    ),
    Rule(
        name="write-denied",
        stages=RUNNING,
        code=_CRASHED,
        message="The app may not use {file}: permission denied. It runs as an ordinary user, not as root.",
        remedy="Let it write to /tmp or to a folder of its own; often a variable sets the path, so give that in the "
        "backend_env file. In a Dockerfile of your own hand the folder to its user (`RUN chown`, `COPY --chown`).",
        patterns=(
            r"EACCES: permission denied, \w+ '(?P<file>[^']+)'",
            r"PermissionError: \[Errno 13\] Permission denied: '(?P<file>[^']+)'",
            r"open\(\) \"(?P<file>[^\"]+)\" failed \(13",
            r"mkdir\(\) \"(?P<file>[^\"]+)\" failed \(13",
            r"unable to open database file",
        ),
    ),
    Rule(
        name="permission-denied",
        stages=RUNNING,
        code=_CRASHED,
        message="The app may not run {file}: permission denied.",
        remedy="Make the start script executable and commit that (`git update-index --chmod=+x FILE`).",
        patterns=(
            r"exec: \"(?P<file>[^\"]+)\": permission denied",
            r"exec (?P<file>\S+): permission denied",
            r"sh: (?:\d+: |line \d+: )?(?P<file>[\w./@-]+): Permission denied",
        ),
        exit_codes=frozenset({126}),
    ),
    Rule(
        name="syntax-error",
        stages=RUNNING,
        code=_CRASHED,
        message="The app's source has an error: {reason}.",
        remedy="Correct it in the file and line shown, commit and push.",
        patterns=(
            r"^(?P<reason>(?:Syntax|Indentation|Tab)Error: .{1,200})",
            r"(?P<reason>PHP Parse error: .{1,200})",
        ),
        before=8,
    ),
    Rule(
        name="server-configuration",
        stages=RUNNING,
        code=_CRASHED,
        message="The web server's configuration is not valid: {reason}.",
        remedy="Correct it in the repository's nginx, Apache or Caddy configuration.",
        patterns=(
            r"nginx: \[emerg\] (?P<reason>.{1,200})",
            r"\[emerg\] \d+#\d+: (?P<reason>.{1,200})",
            r"AH00526: (?P<reason>.{1,200})",
        ),
    ),
)

PACKAGE_BREAKS = Rule(
    name="package-breaks",
    stages=RUNNING,
    code=_CRASHED,
    message="The installed package {package} breaks while the app starts: {reason}.",
    remedy="Some version of a dependency no longer fits the others. Pin the versions that work for you (for example "
    "with `pip freeze > requirements.txt`), commit and deploy again.",
    patterns=(
        r"^  File \"[^\"]{1,300}(?:site|dist)-packages/(?P<package>\w[\w-]*)[^\"]{0,300}\", line \d+, in .{1,100}\n"
        r"(?:    .{0,300}\n){0,3}(?P<reason>(?:Attribute|Import|Type|Name)Error: .{1,200})$",
    ),
    before=10,
)
UNCAUGHT = Rule(
    name="uncaught-error",
    stages=RUNNING,
    code=_CRASHED,
    message="The app ended right after its start with an error: {reason}.",
    remedy="Correct it where the lines shown point to, commit and push. To see it yourself, run the start command in a "
    "clean clone with the same variables.",
    patterns=(
        r"^ {4,}\S.{0,300}\n(?P<reason>[A-Za-z_][\w.]{2,80}: .{1,200})$(?!\n\s+at )",
        r"^(?:Uncaught )?(?P<reason>\w{0,40}(?:Error|Exception)(?: \[\w+\])?: .{1,200})\n\s+at ",
    ),
    also=r"^Traceback \(most recent call last\):|^\s+at \S",
    before=10,
)
CRASHED = Rule(
    name="crashed",
    stages=RUNNING,
    code=_CRASHED,
    message="The app ended right after its start with exit code {exit}{meaning}.",
    remedy="Its last lines are shown. Run the start command in a clean clone with the same variables; a program that "
    "ends when its work is done cannot serve a web site.",
)
