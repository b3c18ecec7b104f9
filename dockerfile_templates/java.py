"""Java and Kotlin with Maven or Gradle: built without tests, the executable jar run on a JRE."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from dockerfile_templates.python_basis import procfile_start
from domain import Kind, Plan
from workspace import Workspace, listening, toolchains
from workspace.facts import Fact
from workspace.toolchains import Toolchain

NAME = "java"

# text in the build file → (framework, its usual port)
_FRAMEWORKS = {
    "spring-boot": ("spring-boot", 8080),
    "org.springframework.boot": ("spring-boot", 8080),
    "quarkus": ("quarkus", 8080),
    "micronaut": ("micronaut", 8080),
    "ktor": ("ktor", 8080),
    "dropwizard": ("dropwizard", 8080),
    "javalin": ("javalin", 7070),
    "spark-core": ("spark", 4567),
    "vertx": ("vert.x", 8080),
    "helidon": ("helidon", 8080),
}
_PORTS = (
    r"PORT\"[^;]{0,160}?\"?(\d{4,5})",
    r"new\s+InetSocketAddress\(\s*(?:\"[^\"]*\"\s*,\s*)?(\d{2,5})",
    r"(?:\bport|\.start|[pP]ort\s*=)\s*\(?\s*(\d{4,5})\b",
)
_CONFIGURED = r"^[ \t]*(?:server\.port|quarkus\.http\.port|micronaut\.server\.port)\s*[=:]\s*(?:\$\{\w+:)?(\d{2,5})"
# A line of the block can be read in one way only: with two, a block without a port takes ages.
_IN_A_BLOCK = r"^server:[ \t]*\n(?:(?:[ \t].*)?\n){0,40}?[ \t]+port:[ \t]*(?:\$\{\w+:)?(\d{2,5})"
_SETTINGS = ("application.properties", "application.yml", "application.yaml")


def matches(workspace: Workspace) -> bool:
    """Whether there is a build of Maven's or Gradle's with sources to build."""
    return toolchains.java(workspace) is not None and bool(workspace.glob("**/src/main/**"))


def plan(workspace: Workspace) -> Plan:
    """Build with the wrapper where it is complete, else with the tool of the image."""
    toolchain = toolchains.java(workspace)
    assert toolchain is not None, "plan() follows matches()"  # noqa: S101
    framework = _framework(workspace)
    build = _build(workspace, toolchain)
    installed = "installDist" in build.value
    port = _port(workspace, framework)
    start = _start(workspace, port, installed=installed)
    keeps_tree = installed or procfile_start(workspace) is not None or (framework or Fact("", "")).value == "quarkus"
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.JAVA,
            toolchain=toolchain,
            source=toolchain.manager.source,
            start=start,
            framework=framework,
            build=build,
            port=port,
            args={
                "BUILD_IMAGE": _build_image(workspace, toolchain),
                "JRE_IMAGE": f"eclipse-temurin:{toolchain.version.value}-jre",
                "BUILD": build.value,
                "KEEP": "tree" if keeps_tree else "jar",
            },
        ),
    )


def _build_file(workspace: Workspace) -> str:
    names = ("pom.xml", "build.gradle.kts", "build.gradle", "app/build.gradle.kts", "app/build.gradle")
    return "\n".join(workspace.read_text(name) or "" for name in names)


def _framework(workspace: Workspace) -> Fact | None:
    for name in ("pom.xml", "build.gradle.kts", "build.gradle", "app/build.gradle.kts", "app/build.gradle"):
        text = workspace.read_text(name) or ""
        for word, (framework, _) in _FRAMEWORKS.items():
            if word in text:
                return Fact(framework, f"{word} in {name}")
    return None


def _build(workspace: Workspace, toolchain: Toolchain) -> Fact:
    source = toolchain.manager.source
    if toolchain.manager.value == "maven":
        wrapped = workspace.exists("mvnw") and workspace.exists(".mvn/wrapper/maven-wrapper.properties")
        return Fact(f"{'sh ./mvnw' if wrapped else 'mvn'} -B -ntp -DskipTests package", "mvnw" if wrapped else source)
    text = _build_file(workspace)
    is_plain_application = bool(re.search(r"\bapplication\b\s*$|id\s*\(?['\"]application['\"]", text, re.MULTILINE))
    boots = "org.springframework.boot" in text or "shadow" in text
    task = "installDist" if is_plain_application and not boots else "assemble"
    wrapped = _has_gradle_wrapper(workspace)
    return Fact(f"{'sh ./gradlew' if wrapped else 'gradle'} --no-daemon {task}", "gradlew" if wrapped else source)


def _has_gradle_wrapper(workspace: Workspace) -> bool:
    return workspace.exists("gradlew") and workspace.exists("gradle/wrapper/gradle-wrapper.jar")


def _build_image(workspace: Workspace, toolchain: Toolchain) -> str:
    version = toolchain.version.value
    if toolchain.manager.value == "maven":
        return f"maven:3-eclipse-temurin-{version}"
    return f"eclipse-temurin:{version}-jdk" if _has_gradle_wrapper(workspace) else f"gradle:jdk{version}"


def _start(workspace: Workspace, port: Fact | None, *, installed: bool) -> Fact:
    if installed:
        return Fact("exec $(ls -d */build/install/*/bin/* build/install/*/bin/* 2>/dev/null | grep -v '\\.bat$' | head -n 1)",
                    "the application plugin")  # fmt: skip
    given = "-Dserver.port=$PORT " if port else ""
    return Fact(f"java {given}$JAVA_OPTS -jar app.jar", "the executable jar of the build")


def _port(workspace: Workspace, framework: Fact | None) -> Fact | None:
    settings = [path for path in workspace.files() if path.endswith(_SETTINGS) and "/src/main/resources/" in f"/{path}"]
    configured = listening.port_in(workspace, settings, _CONFIGURED, _IN_A_BLOCK)
    paths = listening.sources(workspace, ".java", ".kt")
    literal = configured or listening.port_in(workspace, paths, *_PORTS)
    if framework:
        usual = next(port for name, port in _FRAMEWORKS.values() if name == framework.value)
        is_web = framework.value != "spring-boot" or _is_spring_web(workspace)
        return (literal or Fact(str(usual), f"usual for {framework.value}")) if is_web else configured
    listens = listening.first_mention(
        workspace, paths, r"HttpServer\b|ServerSocket\b|@WebServlet|@RestController|Undertow|Jetty|getenv\(\s*\"PORT\""
    )
    return (literal or Fact("8080", "default: PORT is set to it")) if listens else None


def _is_spring_web(workspace: Workspace) -> bool:
    text = _build_file(workspace)
    if re.search(r"starter-(?:web|webflux|actuator|data-rest|thymeleaf|jersey|graphql)", text):
        return True
    return (
        listening.first_mention(workspace, listening.sources(workspace, ".java", ".kt"), r"@(?:Rest)?Controller")
        is not None
    )
