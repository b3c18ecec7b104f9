"""Environment variables that an app or a build misses, by the ways in which frameworks and libraries say so."""

from __future__ import annotations

from failure_advice.rule import BUILDING_OR_RUNNING, Rule
from robust_error_handler import Code

_NAME = r"(?P<name>[A-Z][A-Z0-9_]{2,60})"
_QUOTE = r"[`'\"]?"
_ADD = "Add {name}=... to the {env_file} file and deploy again."
_BUILD_NEEDS_DUMMY = (
    "Add {name}=... to the {env_file} file and deploy again; where it must exist during the build only, any value does."
)


def _known(name: str, variable: str, *patterns: str) -> Rule:
    """A message that stands for one certain variable without naming it."""
    return Rule(
        name=name,
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message=f"The variable {variable} is not set, and the app needs it.",
        remedy=f"Add {variable}=... to the {{env_file}} file and deploy again.",
        patterns=patterns,
    )


VARIABLES = (
    _known("django-secret-key", "SECRET_KEY", r"The SECRET_KEY setting must not be empty"),
    _known("rails-secret-key-base", "SECRET_KEY_BASE", r"Missing `?secret_key_base`? for 'production'"),
    _known("laravel-app-key", "APP_KEY", r"No application encryption key has been specified"),
    _known("postgres-password", "POSTGRES_PASSWORD", r"superuser password is not specified"),
    _known("mysql-password", "MYSQL_ROOT_PASSWORD", r"Database is uninitialized and password option is not specified"),
    _known(
        "auth-secret", "AUTH_SECRET", r"\[?(?:auth\]\[error\] )?MissingSecret", r"\[next-auth\]\[error\]\[NO_SECRET\]"
    ),
    _known("supabase-url", "NEXT_PUBLIC_SUPABASE_URL (or SUPABASE_URL)", r"supabaseUrl is required"),
    _known("mongo-address", "MONGODB_URI (or the like)", r"The `uri` parameter to `openUri\(\)` must be a string"),
    _known("jwt-secret", "JWT_SECRET (or the like)", r"secretOrPrivateKey must have a value"),
    _known("database-address", "DATABASE_URL (or the like)", r"Expected string or URL object, got None"),
    Rule(
        name="prisma-variable",
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message="The variable {name} is not set, and Prisma needs it.",
        remedy=_BUILD_NEEDS_DUMMY,
        patterns=(
            rf"Environment variable not found: {_NAME}",
            rf"PrismaConfigEnvError: .{{0,60}}: {_NAME}",
            rf"Cannot resolve environment variable: {_NAME}",
        ),
    ),
    Rule(
        name="schema-variable",
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message="The variable {name} is missing or not valid: the app checks its environment and refuses to go on.",
        remedy="Add a valid {name}=... to the {env_file} file and deploy again; the lines shown name the others.",
        patterns=(
            rf"^[ {{]*{_QUOTE}{_NAME}{_QUOTE}: ?\[ ?['\"]",
            rf"path: ?\[ ?['\"]{_NAME}['\"]",
            rf"{_QUOTE}path{_QUOTE}: ?\[\s{{1,20}}['\"]{_NAME}['\"]",
        ),
        also=r"[Ii]nvalid (?:server |client |server-side |client-side )?[Ee]nv(?:ironment)?\b|ZodError|Environment validation",
        before=8,
        after=8,
    ),
    Rule(
        name="pydantic-settings",
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message="The variable {name} is not set, and the app's settings class {model} requires it.",
        remedy=_ADD,
        patterns=(
            r"validation errors? for (?P<model>\w{0,40}(?:[Ss]ettings|[Cc]onfig|[Ee]nv)\w{0,40})\n(?P<name>\w+)\n\s+[Ff]ield required",
        ),
        after=12,
    ),
    Rule(
        name="django-environ",
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message="The variable {name} is not set, and the Django settings require it.",
        remedy=_BUILD_NEEDS_DUMMY,
        patterns=(
            rf"ImproperlyConfigured: Set the {_NAME} environment variable",
            rf"UndefinedValueError: {_NAME} not found",
        ),
    ),
    Rule(
        name="python-environ",
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message="The variable {name} is not set: the app reads it with os.environ[...] and stops.",
        remedy=_ADD + ' Or give it a default: os.environ.get("{name}", "...").',
        patterns=(rf"^KeyError: ['\"]{_NAME}['\"]", rf"^[ \t]*assert ['\"]{_NAME}['\"] in os\.environ\b"),
        before=10,
        after=2,
    ),
    Rule(
        name="named-variable",
        stages=BUILDING_OR_RUNNING,
        code=Code.MISSING_VARIABLE,
        message="The variable {name} is not set, and the app needs it.",
        remedy=_ADD,
        patterns=(
            rf"[Mm]issing (?:required )?[Ee]nv(?:ironment)?(?: ?[Vv]ar(?:iable)?)?s?:? {_QUOTE}{_NAME}\b",
            rf"[Ee]nvironment [Vv]ariables? {_QUOTE}{_NAME}{_QUOTE}"
            r" (?:is |are |was |must be )?(?:not |un)?(?:set|required|missing|defined|found|provided|empty)",
            rf"{_QUOTE}\b{_NAME}{_QUOTE} (?:environment variable |env var |variable )?(?:is|was|has|must be)"
            r" (?:not (?:been )?(?:set|defined|provided|found|configured)|required|missing|undefined|unset|empty"
            r"|set|provided|defined)\b",
            rf"{_QUOTE}\b{_NAME}{_QUOTE} (?:env(?:ironment)? ?(?:variable|var)|variable)"
            r" (?:not (?:set|defined|provided|found|configured)|missing|undefined|unset|required)\b",
            rf"{_QUOTE}\b(?P<name>[A-Z][A-Z0-9]*_[A-Z0-9_]{{1,60}}){_QUOTE}"
            r" (?:not (?:set|defined|provided|configured)|missing|undefined|unset)\b",
            rf"\b(?:Please|You must|must) (?:set|provide|define|specify) (?:the |an? )?(?:env(?:ironment)? ?(?:var(?:iable)?)? )?{_QUOTE}{_NAME}\b",
            rf"required key {_NAME} missing value",
            rf"(?:Missing|Undefined|Unset) (?:required )?(?:variable|config(?:uration)?|setting|secret)s?:? {_QUOTE}{_NAME}\b",
            rf"^{_NAME}: (?:parameter not set|unbound variable|parameter null or not set)",
            rf": {_NAME}: (?:parameter not set|unbound variable|parameter null or not set)",
        ),
    ),
)
