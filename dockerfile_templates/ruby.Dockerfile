# A Ruby application: gems before the source, assets compiled in the build, no compilers in what runs.
# By hand: docker buildx build -f ruby.Dockerfile --build-arg BUTLER_START="exec bundle exec rackup -o 0.0.0.0 -p \$PORT" <folder>
ARG RUBY_IMAGE=ruby:3.3-slim

FROM ${RUBY_IMAGE} AS install
ARG BUILD_PACKAGES="build-essential git libyaml-dev pkg-config"
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*
ENV BUNDLE_PATH=/opt/bundle BUNDLE_WITHOUT=development:test RAILS_ENV=production RACK_ENV=production
WORKDIR /app
COPY Gemfil[e] Gemfile.loc[k] gems.r[b] *.gemspe[c] .ruby-versio[n] .tool-version[s] ./
COPY vendo[r] ./vendor/
COPY lib[s] ./libs/
ARG INSTALL="bundle install"
RUN --mount=type=cache,id=gems,target=/root/.bundle/cache \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    mkdir -p /opt/bundle; if [ -f Gemfile ] || [ -f gems.rb ]; then sh -c "$INSTALL"; fi

FROM install AS build
COPY . .
ARG BUILD=""
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ -f package.json ]; then npm install; fi; \
    if [ -n "$BUILD" ]; then SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE="${SECRET_KEY_BASE:-only-for-the-build}" sh -c "$BUILD"; fi

FROM ${RUBY_IMAGE} AS run
ARG RUN_PACKAGES=""
RUN if [ -n "$RUN_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $RUN_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /app
RUN chown 1000:1000 /app
COPY --from=install /opt/bundle /opt/bundle
COPY --from=build --chown=1000:1000 /app ./
ARG BUTLER_PORT=3000
ARG BUTLER_START="exec bundle exec rackup -o 0.0.0.0 -p $PORT"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} BUNDLE_PATH=/opt/bundle \
    BUNDLE_WITHOUT=development:test RAILS_ENV=production RACK_ENV=production APP_ENV=production \
    RAILS_LOG_TO_STDOUT=1 RAILS_SERVE_STATIC_FILES=1 HOME=/tmp
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "export SECRET_KEY_BASE=\"${SECRET_KEY_BASE:-$(head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \\n')}\"; eval \"$BUTLER_START\""]
