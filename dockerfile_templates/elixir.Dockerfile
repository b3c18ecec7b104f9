# An Elixir application: dependencies before the source, compiled for production, run with Mix.
# By hand: docker buildx build -f elixir.Dockerfile --build-arg BUTLER_START="exec mix phx.server" <folder>
ARG ELIXIR_IMAGE=elixir:1.18

FROM ${ELIXIR_IMAGE} AS install
ENV MIX_ENV=prod MIX_HOME=/opt/mix HEX_HOME=/opt/hex LANG=C.UTF-8
ARG BUILD_PACKAGES="build-essential git"
RUN apt-get update && apt-get install -y --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*
RUN mix local.hex --force && mix local.rebar --force
WORKDIR /app
COPY mix.exs mix.loc[k] ./
COPY confi[g] ./config/
ARG INSTALL="mix deps.get --only prod"
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ ! -d apps ]; then sh -c "$INSTALL" && mix deps.compile; fi

FROM install AS build
COPY . .
ARG BUILD=""
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    export SECRET_KEY_BASE="${SECRET_KEY_BASE:-only-for-the-build-only-for-the-build-only-for-the-build-only-for-it}"; \
    sh -c "$INSTALL" && \
    if [ -f assets/package.json ]; then npm install --prefix assets; fi && \
    mix compile && if [ -n "$BUILD" ]; then sh -c "$BUILD"; fi

FROM ${ELIXIR_IMAGE} AS run
WORKDIR /app
RUN chown 1000:1000 /app
COPY --from=build /opt/mix /opt/mix
COPY --from=build --chown=1000:1000 /app ./
ARG BUTLER_PORT=4000
ARG BUTLER_START="exec mix phx.server"
ENV MIX_ENV=prod MIX_HOME=/opt/mix HEX_HOME=/tmp/hex HOME=/tmp LANG=C.UTF-8 PHX_SERVER=true \
    HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "export SECRET_KEY_BASE=\"${SECRET_KEY_BASE:-$(head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \\n')}\"; eval \"$BUTLER_START\""]
