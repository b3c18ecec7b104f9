"""Failures of the host rather than of the repository: Docker, disk, memory, ports, images and the network."""

from __future__ import annotations

from domain import Stage
from failure_advice.rule import BUILDING, BUILDING_OR_RUNNING, EVERYWHERE, RUNNING, Rule
from robust_error_handler import Code

_DOCKER_STAGES = frozenset(Stage) - {Stage.CLONE}

DOCKER = (
    Rule(
        name="docker-socket-denied",
        stages=_DOCKER_STAGES,
        code=Code.DOCKER_DOWN,
        message="The Butler may not talk to Docker: permission denied on the Docker socket.",
        remedy="Add the account that runs the Butler to the docker group (`sudo usermod -aG docker $USER`), "
        "log in again and restart the Butler.",
        patterns=(r"permission denied while trying to connect to the [Dd]ocker", r"dial unix \S+: permission denied"),
    ),
    Rule(
        name="docker-down",
        stages=_DOCKER_STAGES,
        code=Code.DOCKER_DOWN,
        message="Docker does not answer: the Docker engine is not running on the server.",
        remedy="Start it on the server (`sudo systemctl start docker`, or `./butler`, which starts it), then deploy "
        "again.",
        patterns=(
            r"Cannot connect to the Docker daemon",
            r"[Ii]s the docker daemon running",
            r"error during connect: ",
            r"dial unix \S*docker\.sock: connect: (?:connection refused|no such file)",
        ),
    ),
)

DISK = (
    Rule(
        name="too-many-watchers",
        stages=BUILDING_OR_RUNNING,
        code=Code.CRASHED_AT_START,
        message="The app watches more files than the server allows: it was started in development mode.",
        remedy="Start the app for production (not `nodemon`, `vite` or `next dev`), or raise "
        "fs.inotify.max_user_watches on the server.",
        patterns=(r"ENOSPC: System limit for number of file watchers", r"inotify watch limit reached"),
    ),
    Rule(
        name="disk-full",
        stages=EVERYWHERE,
        code=Code.DISK_FULL,
        message="The server's disk is full.",
        remedy="Free space on the server: delete deployments you no longer need, run `docker builder prune` and "
        "`docker image prune`, then deploy again.",
        patterns=(
            r"[Nn]o space left on device",
            r"ENOSPC: no space left",
            r"Disk quota exceeded",
            r"You don't have enough free space in /var/cache/apt",
        ),
    ),
)

MEMORY = (
    Rule(
        name="node-heap-out-of-memory",
        stages=BUILDING_OR_RUNNING,
        code=Code.OUT_OF_MEMORY,
        message="Node.js ran out of memory: its heap reached the limit.",
        remedy="Set NODE_OPTIONS=--max-old-space-size=2048 in the {env_file} file (or more), and give the app more "
        "memory (BUTLER_MEMORY_LIMIT) if it needs it while running.",
        patterns=(r"(?:JavaScript|Reached) heap (?:out of memory|limit)", r"FATAL ERROR: .{0,80}Allocation failed"),
        before=3,
        after=3,
    ),
    Rule(
        name="out-of-memory-in-build",
        stages=BUILDING,
        code=Code.OUT_OF_MEMORY,
        message="The build ran out of memory: the kernel ended one of its programs.",
        remedy="Give the server more memory or swap, run fewer builds at once (BUTLER_MAX_CONCURRENT_BUILDS=1), or "
        "make the build smaller (fewer parallel jobs, no source maps).",
        patterns=(
            r"did not complete successfully: exit code: 137",
            r"returned a non-zero code: 137",
            r"^(?:.{0,80}[ \t])?Killed(?: .{0,120})?$",
            r"Killed signal terminated program",
            r"signal:? ['\"]?SIGKILL",
            r"[Cc]annot allocate memory",
            r"ENOMEM",
            r"java\.lang\.OutOfMemoryError",
            r"^MemoryError",
            r"ResourceExhausted",
        ),
        exit_codes=frozenset({137}),
        out_of_memory=True,
    ),
    Rule(
        name="out-of-memory-while-running",
        stages=RUNNING,
        code=Code.OUT_OF_MEMORY,
        message="The app ran out of memory and was ended (exit code 137). Its limit is {memory_limit}.",
        remedy="Raise BUTLER_MEMORY_LIMIT (for example 2g), or let the app use less: fewer workers, a smaller cache.",
        patterns=(
            r"java\.lang\.OutOfMemoryError",
            r"^MemoryError",
            r"[Cc]annot allocate memory",
            r"ENOMEM",
            r"Worker \(pid:\d+\) was sent SIGKILL! Perhaps out of memory",
        ),
        exit_codes=frozenset({137}),
        out_of_memory=True,
    ),
)

IMAGES = (
    Rule(
        name="image-for-other-processor",
        stages=BUILDING_OR_RUNNING,
        code=Code.IMAGE_NOT_FOUND,
        message="The image does not exist for this server's processor ({platform}).",
        remedy="Use an image that is built for it as well, or build this one for {platform}.",
        patterns=(
            r"no matching manifest for (?P<platform>\S+)",
            r"no match for platform in manifest",
            r"does not provide the specified platform \((?P<platform>[^)]+)\)",
        ),
    ),
    Rule(
        name="registry-rate-limit",
        stages=BUILDING_OR_RUNNING,
        code=Code.IMAGE_NOT_FOUND,
        message="The image registry refuses more downloads for now: its rate limit is reached.",
        remedy="Wait an hour, log in on the server with `docker login`, or set BUTLER_IMAGE_REGISTRY to a mirror.",
        patterns=(r"toomanyrequests", r"reached your (?:unauthenticated )?pull rate limit"),
    ),
    Rule(
        name="image-private",
        stages=BUILDING_OR_RUNNING,
        code=Code.IMAGE_NOT_FOUND,
        message="The image {image} does not exist, or it is private.",
        remedy="Check the name and tag after FROM (or `image:` in the compose file); for a private image run "
        "`docker login` on the server.",
        patterns=(
            r"pull access denied for (?P<image>[^\s,]+)",
            r"(?:^|\s)(?P<image>[^\s:]+:[\w.-]+): (?:unexpected status.{0,60}: )?(?:401 Unauthorized|403 Forbidden)",
            r"unauthorized: (?:authentication required|access to the requested resource)",
            r"insufficient_scope: authorization failed",
        ),
    ),
    Rule(
        name="image-unknown",
        stages=BUILDING_OR_RUNNING,
        code=Code.IMAGE_NOT_FOUND,
        message="The image {image} does not exist in its registry.",
        remedy="Check the name and tag after FROM (or `image:` in the compose file): the tag may be misspelt or gone.",
        patterns=(
            r"manifest for (?P<image>\S+) not found",
            r"failed to resolve source metadata for (?P<image>[^\s:]+(?::\d+/[^\s:]+)?(?::[\w.-]+)?): .{0,300}not found",
            r"No such image: (?P<image>\S+)",
            r"Unable to find image '(?P<image>[^']+)' locally\n.{0,300}not found",
            r"manifest unknown",
        ),
    ),
    Rule(
        name="registry-unknown",
        stages=BUILDING_OR_RUNNING,
        code=Code.IMAGE_NOT_FOUND,
        message="The image cannot be pulled: there is no registry called {host}, or this server cannot look it up.",
        remedy="Check the image's name. On a server without internet set BUTLER_IMAGE_REGISTRY to a registry that it "
        "reaches, or load the image there with `docker load`.",
        patterns=(
            r"https?://(?P<host>[^/\s\"]+)/v2/.{0,300}no such host",
            r"failed to resolve source metadata.{0,400}lookup (?P<host>[\w.-]+).{0,80}no such host",
        ),
    ),
)

PORTS = (
    Rule(
        name="host-port-taken",
        stages=BUILDING_OR_RUNNING,
        code=Code.PORT_TAKEN,
        message="Port {port} of the server is taken by another program.",
        remedy="Deploy again: the Butler then takes another port. If a compose file insists on this one, drop the "
        "left number from `ports:`.",
        patterns=(
            r"Bind for \S*:(?P<port>\d+) failed: port is already allocated",
            r"failed to bind (?:host )?port (?:for )?\S*?:(?P<port>\d+)[:/ ].{0,120}already in use",
            r"listen tcp[46]? \S*:(?P<port>\d+): bind: address already in use",
            r"ports are not available: exposing port TCP \S*:(?P<port>\d+)",
            r"[Pp]ort is already allocated",
        ),
    ),
    Rule(
        name="app-port-taken",
        stages=RUNNING,
        code=Code.PORT_TAKEN,
        message="The app wanted port {port} inside its container twice: something it started holds it already.",
        remedy="Start only one server in the container, or give each its own port; let the one that answers use the "
        "PORT variable.",
        patterns=(
            r"EADDRINUSE:? .{0,60}?:(?P<port>\d+)\s*$",
            r"bind\(\) to \S*?:(?P<port>\d+) failed \(98",
            r"\('[\w.:]*', (?P<port>\d+)\): address already in use",
            r"Connection in use: \('[\w.:]*', (?P<port>\d+)\)",
            r"Port (?P<port>\d+) is (?:already )?in use",
            r"EADDRINUSE",
            r"\[Errno 98\]",
        ),
    ),
)

COMPOSE = (
    Rule(
        name="compose-variable-missing",
        stages=_DOCKER_STAGES,
        code=Code.MISSING_VARIABLE,
        message="The compose file needs the variable {name}, which is not set.",
        remedy="Add {name}=... to the backend_env file and deploy again.",
        patterns=(r"required variable (?P<name>\w+) is missing a value",),
    ),
    Rule(
        name="compose-env-file-missing",
        stages=_DOCKER_STAGES,
        code=Code.COMPOSE_INVALID,
        message="The compose file names the env file {file}, which is not in the repository.",
        remedy="Upload its contents as backend_env and mark it `required: false` under env_file, or commit an example.",
        patterns=(r"(?:env file|Couldn't find env file:?) (?P<file>\S+)(?: not found|$)",),
    ),
    Rule(
        name="compose-undefined",
        stages=_DOCKER_STAGES,
        code=Code.COMPOSE_INVALID,
        message='The compose file is not valid: service "{service}" names the {thing} "{target}", which it never '
        "defines.",
        remedy="Define it in the compose file, or correct the name, and try `docker compose config`.",
        patterns=(
            r"service \"(?P<service>[^\"]+)\" (?:refers to|depends on) undefined (?P<thing>\w+) \"?(?P<target>[^\":\s]+)",
        ),
    ),
    Rule(
        name="compose-invalid",
        stages=_DOCKER_STAGES,
        code=Code.COMPOSE_INVALID,
        message="The compose file is not valid: {reason}.",
        remedy="Correct the compose file; `docker compose config` in the repository shows the same message.",
        patterns=(
            r"validating \S+: (?P<reason>.{1,200})",
            r"yaml: (?P<reason>(?:line \d+: |unmarshal errors).{0,200})",
            r"(?P<reason>services\.\S+ (?:must be|additional propert|contains unsupported|has invalid).{0,200})",
            r"(?P<reason>.{1,200}): invalid compose project",
            r"(?P<reason>invalid interpolation format.{0,200})",
            r"(?P<reason>no configuration file provided): not found",
            r"(?P<reason>no service selected)",
        ),
    ),
)

_UNREACHED = "A server that is needed did not answer: {reason}."
NETWORK = (
    Rule(
        name="engine-network-hiccup",
        stages=frozenset(Stage),
        code=Code.DOCKER_DOWN,
        message="Docker could not connect a container to its network: {reason}.",
        remedy="This usually goes away by itself: deploy again. If it stays, restart the Docker engine.",
        patterns=(
            r"(?P<reason>adding interface \S+ to bridge \S+ failed: .{0,80})",
            r"(?P<reason>error creating vethernet pair.{0,80})",
        ),
        retry=True,
    ),
    Rule(
        name="network",
        stages=(frozenset(Stage) - RUNNING) | {Stage.START},
        code=Code.NETWORK,
        message=_UNREACHED,
        remedy="Check the server's internet connection, DNS and proxy (HTTP_PROXY, HTTPS_PROXY), then deploy again.",
        patterns=(
            r"npm (?:error|ERR!) (?:code |errno )?(?P<reason>ETIMEDOUT|EAI_AGAIN|ECONNRESET|ENOTFOUND|ECONNREFUSED"
            r"|ERR_SOCKET_TIMEOUT|ENETUNREACH)",
            r"(?P<reason>getaddrinfo (?:EAI_AGAIN|ENOTFOUND) \S+)",
            r"(?P<reason>(?:ETIMEDOUT|ECONNRESET|ENETUNREACH|ESOCKETTIMEDOUT|EAI_AGAIN)\b.{0,120})",
            r"(?P<reason>Temporary failure (?:in name resolution|resolving '?[\w.-]+))",
            r"(?P<reason>Name or service not known)",
            r"(?P<reason>Could not resolve (?:host:? ?)?'?[\w.-]+)",
            r"(?P<reason>Failed to connect to \S+ port \d+.{0,120})",
            r"(?P<reason>Connection (?:timed out|reset by peer|refused))",
            r"(?P<reason>Network is unreachable)",
            r"(?P<reason>(?:TLS handshake|i/o|dial tcp \S+) timeout)",
            r"(?P<reason>net/http: (?:request canceled|TLS handshake).{0,80})",
            r"(?P<reason>(?:connection|read): connection reset by peer)",
            r"lookup (?P<reason>\S+).{0,80}server misbehaving",
            r"(?P<reason>ReadTimeoutError|ConnectTimeoutError|NewConnectionError|ProtocolError)",
            r"(?P<reason>Read timed out)",
            r"(?P<reason>error sending request for url.{0,120})",
            r"(?P<reason>RPC failed; curl .{0,100}|early EOF|The remote end hung up unexpectedly)",
            r"(?P<reason>(?:received unexpected HTTP status: |status code )?50[234] (?:Bad Gateway|Service Unavailable"
            r"|Gateway Time-?out))",
            r"(?P<reason>Client\.Timeout exceeded|context deadline exceeded)",
            r"(?P<reason>lookup \S+.{0,60}no such host)",
        ),
        retry=True,
    ),
)
