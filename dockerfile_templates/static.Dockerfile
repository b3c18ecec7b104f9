# Files that are served as they are.
# By hand: docker buildx build -f static.Dockerfile --build-context butler=assets <folder>
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS run
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/server/bin:$PATH
RUN --mount=type=bind,from=butler,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=cache,id=pip,target=/root/.cache/pip \
    python3 -m venv /opt/server && /opt/server/bin/pip install -r /tmp/requirements.txt && \
    rm -rf /opt/server/bin/pip* /opt/server/lib/python3*/site-packages/pip* /opt/server/lib/python3*/site-packages/setuptools* \
        /opt/server/lib/python3*/site-packages/pkg_resources
COPY --from=butler static_server.py /opt/server/static_server.py
ARG SITE="."
COPY ${SITE} /site/
ARG BUTLER_PORT=8080
ARG BUTLER_SPA=""
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_SPA=${BUTLER_SPA}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "exec /opt/server/bin/python /opt/server/static_server.py /site --port \"$PORT\" ${BUTLER_SPA:+--spa}"]
