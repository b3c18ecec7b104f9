"""Chooses which service of a Compose model is the web site, and on which container port it should answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compose_file.reading import services_of

_NON_WEB_PORTS = {21, 22, 25, 53, 110, 143, 389, 465, 587, 993, 1433, 1521, 1883, 2181, 3306, 5432, 5672, 6379, 9092, 9229, 9230, 9300, 11211, 19132, 25565, 27015,
                  27017, 51820}  # fmt: skip
_WEB_PORTS = {80, 443}
_COMMON_PORTS = {3000, 4200, 5000, 5173, 8000, 8080}
_SITE_NAMES = (
    "nginx", "proxy", "gateway", "frontend", "web", "client", "ui", "app", "www", "site", "api", "server", "backend",
)  # fmt: skip
_BACKING = re.compile(
    r"(?:^|[^a-z])(?:postgres(?:ql)?|postgis|pgvector|timescale(?:db)?|mysql|mariadb|percona|mssql|mongo(?:db)?|redis|valkey"
    r"|keydb|dragonfly|memcached?|cassandra|scylla|couchdb|cockroach(?:db)?|clickhouse|influxdb|neo4j|arangodb|etcd"
    r"|consul|zookeeper|kafka|redpanda|rabbitmq|nats|mosquitto|activemq|beanstalkd?|elasticmq|elasticsearch|opensearch"
    r"|meilisearch|typesense|solr|qdrant|weaviate|milvus|chroma|minio|localstack|azurite|logstash|filebeat|fluentd"
    r"|fluent-bit|promtail|loki|vector|vault|db|database|cache|queue|broker)(?=$|[^a-z])"
)
_ADMIN_TOOL = re.compile(
    r"adminer|pgadmin|phpmyadmin|mongo-express|redis-?commander|redisinsight|mailhog|mailpit|mailcatcher|maildev"
    r"|dozzle|watchtower|kafka-ui|akhq|cloudbeaver"
)
_MONITORING = re.compile(r"prometheus|grafana|cadvisor|jaeger|zipkin|node-exporter|alertmanager|flower")
# What the well-known images listen on, for files that publish nothing; an image at hand is asked itself later on.
_USUAL_PORTS = {
    "nginx": 80, "httpd": 80, "caddy": 80, "traefik": 80, "wordpress": 80, "nextcloud": 80, "drupal": 80, "joomla": 80,
    "phpmyadmin": 80, "pgadmin4": 80, "matomo": 80, "mediawiki": 80, "adminer": 8080, "tomcat": 8080, "jenkins": 8080,
    "keycloak": 8080, "nocodb": 8080, "grafana": 3000, "gitea": 3000, "forgejo": 3000, "metabase": 3000, "umami": 3000,
    "redmine": 3000, "uptime-kuma": 3001, "n8n": 5678, "ghost": 2368, "strapi": 1337, "directus": 8055, "plex": 32400,
}  # fmt: skip
_ENTRYPOINT = re.compile(r"--entrypoints\.\w+\.address=:(\d{2,5})\b", re.IGNORECASE)
_CLOSE = 10


@dataclass(frozen=True)
class Port:
    """A container port that a service offers; `published` says whether the file asks for a host port."""

    target: int
    protocol: str = "tcp"
    published: bool = True


@dataclass(frozen=True)
class Site:
    """The service that a visitor should see. `port` is None where only the image or the run can tell.

    `source` says why, for the log. `others` are services that could be it as well.
    """

    service: str
    port: int | None
    source: str
    others: tuple[str, ...] = ()


def choose_site(model: Mapping[str, Any]) -> Site | None:
    """The web site of a raw or resolved model; None when all services are databases, caches and the like."""
    services = _started(services_of(model))
    needed = {name for body in services.values() for name in _depends_on(body)}
    scores = {name: _score(name, body, needed) for name, body in services.items()}
    if not scores or max(scores.values()) < 0:
        return None
    best = max(scores, key=lambda name: scores[name])  # the first of equals: the file's own order
    close = [name for name in scores if name != best and scores[best] - scores[name] <= _CLOSE and scores[name] >= 50]
    return site_of(services, best, others=tuple(close))


def site_of(services: Mapping[str, Mapping[str, Any]], name: str, *, others: tuple[str, ...] = ()) -> Site:
    """One named service as the site, with its port and where that came from."""
    port, source = _site_port(services[name])
    return Site(name, port, source, others)


def ports_of(service: Mapping[str, Any]) -> tuple[Port, ...]:
    """Every port under `ports` and `expose`, in short, long and resolved forms; ranges count with their first 100."""
    ports = [port for entry in _as_list(service.get("ports")) for port in _ports(entry)]
    exposed = [port for entry in _as_list(service.get("expose")) for port in _ports(entry)]
    return (*ports, *(Port(port.target, port.protocol, published=False) for port in exposed))


def is_backing_service(service: Mapping[str, Any]) -> bool:
    """Whether a service runs a database, cache, queue or the like, by its image."""
    image = _image_name(service)
    return bool(image and _BACKING.search(image))


def _started(services: Mapping[str, dict[str, Any]]) -> Mapping[str, dict[str, Any]]:
    """The services that a plain `up` starts: those with `profiles` are for tasks that somebody asks for by name."""
    return {name: body for name, body in services.items() if not body.get("profiles")}


def _score(name: str, service: Mapping[str, Any], needed: set[str]) -> int:
    image = _image_name(service)
    subject = image or name.lower()
    score = 0
    if image or not service.get("build"):
        score -= 100 if _BACKING.search(subject) else 0
    elif _BACKING.search(name.lower()):
        score -= 60
    score -= 64 if _ADMIN_TOOL.search(subject) else 0
    score -= 20 if _MONITORING.search(subject) else 0
    web = [port.target for port in ports_of(service) if port.published and _may_be_web(port)]
    if web:
        score += 50
        score += 20 if _WEB_PORTS & set(web) else 10 if _COMMON_PORTS & set(web) else 0
    return score + _name_score(name) + (0 if name in needed else 8)


def _name_score(name: str) -> int:
    words = {word for word in re.split(r"[^a-z]+", name.lower()) if word}
    places = [index for index, word in enumerate(_SITE_NAMES) if word in words]
    return 15 - min(places) if places else 0


def _image_name(service: Mapping[str, Any]) -> str:
    """The last part of the image's name, without registry, tag and digest; empty where the service is built."""
    if service.get("build"):
        return ""
    image = _defaults_filled(str(service.get("image") or "")).partition("@")[0]
    return image.rpartition("/")[2].partition(":")[0].lower()


def _site_port(service: Mapping[str, Any]) -> tuple[int | None, str]:
    ports = ports_of(service)
    for published, source in ((True, "ports"), (False, "expose")):
        targets = [port.target for port in ports if port.published is published and _may_be_web(port)]
        if targets:
            return _likeliest(targets), f"`{source}` in the Compose file"
    for label, value in _pairs(service.get("labels")):
        if label.endswith("loadbalancer.server.port") and value.isdecimal():
            return int(value), f"the label `{label}`"
        upstream = re.search(r"\{\{\s*upstreams\s+(\d{2,5})\s*\}\}", value) if "reverse_proxy" in label else None
        if upstream:
            return int(upstream[1]), f"the label `{label}`"
    entrypoint = _ENTRYPOINT.search(" ".join(str(word) for word in _as_list(service.get("command"))))
    if entrypoint:
        return int(entrypoint[1]), f"`{entrypoint[0]}` in the Compose file"
    environment = dict(_pairs(service.get("environment")))
    for variable in ("VIRTUAL_PORT", "PORT"):
        if environment.get(variable, "").isdecimal():
            return int(environment[variable]), f"`{variable}` in the Compose file"
    usual = _USUAL_PORTS.get(_image_name(service))
    if usual:
        return usual, f"usual for the image {_image_name(service)}"
    return None, "the image's EXPOSE or the listening sockets"


def _likeliest(targets: list[int]) -> int:
    """Plain HTTP's port first, then the usual ones, then whatever the file names first."""
    for wanted in ({80}, _COMMON_PORTS, {443}):
        for target in targets:
            if target in wanted:
                return target
    return targets[0]


def _may_be_web(port: Port) -> bool:
    return port.protocol == "tcp" and port.target not in _NON_WEB_PORTS


def _ports(entry: object) -> Iterator[Port]:
    if isinstance(entry, Mapping):
        if str(entry.get("target", "")).isdecimal():
            yield Port(int(entry["target"]), str(entry.get("protocol") or "tcp"), published=True)
        return
    text, _, protocol = _defaults_filled(str(entry)).partition("/")
    first, _, last = text.rpartition(":")[2].partition("-")
    if not first.isdecimal():
        return
    end = int(last) if last.isdecimal() else int(first)
    for number in range(int(first), min(end, int(first) + 99) + 1):
        yield Port(number, protocol or "tcp", published=True)


def _defaults_filled(text: str) -> str:
    """`${PORT:-3000}` becomes `3000`; a variable without a default becomes nothing."""
    text = re.sub(r"\$\{[^}:?+-]+:?-([^}]*)\}", r"\1", text)
    return re.sub(r"\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*", "", text)


def _depends_on(service: Mapping[str, Any]) -> list[str]:
    depends_on = service.get("depends_on")
    links = [str(link).partition(":")[0] for link in _as_list(service.get("links"))]
    names = list(depends_on) if isinstance(depends_on, Mapping) else _as_list(depends_on)
    return [*(str(name) for name in names), *links]


def _pairs(value: object) -> Iterator[tuple[str, str]]:
    """The items of a mapping, or of a list of `key=value`."""
    if isinstance(value, Mapping):
        yield from ((str(key), str(item)) for key, item in value.items())
    else:
        for entry in _as_list(value):
            key, _, item = str(entry).partition("=")
            yield key, item


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
