# A site that Jekyll or Middleman builds, served as files.
# By hand: docker buildx build -f jekyll.Dockerfile --build-context butler=assets <folder>
ARG RUBY_IMAGE=ruby:3.3
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${RUBY_IMAGE} AS build
ENV BUNDLE_PATH=/opt/bundle JEKYLL_ENV=production LANG=C.UTF-8
WORKDIR /app
COPY Gemfil[e] Gemfile.loc[k] *.gemspe[c] ./
ARG INSTALL="bundle install"
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    sh -c "$INSTALL"
COPY . .
ARG BUILD="bundle exec jekyll build"
ARG OUTPUT="_site"
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
