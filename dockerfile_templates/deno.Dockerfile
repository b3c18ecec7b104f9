# A Deno program. Deno itself comes from its npm package, which is one file; the image that runs has no Node.js.
# By hand: docker buildx build -f deno.Dockerfile --build-arg BUTLER_START="exec deno run -A main.ts" <folder>
ARG NODE_IMAGE=node:22-slim
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS tools
ARG DENO_VERSION=2
RUN --mount=type=cache,id=node-packages,target=/cache \
    npm install --global --cache /cache/npm "deno@$DENO_VERSION" && deno --version && \
    cp "$(find "$(npm root --global)" -path '*@deno/*' -name deno -type f | head -n 1)" /usr/local/bin/deno-itself

FROM ${RUN_IMAGE} AS base
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=tools /usr/local/bin/deno-itself /usr/local/bin/deno
ENV DENO_DIR=/opt/deno DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1 DENO_TLS_CA_STORE=system
WORKDIR /app
RUN mkdir -p /opt/deno && chown 1000:1000 /app /opt/deno

FROM base AS run
COPY --chown=1000:1000 . .
USER 1000:1000
ARG INSTALL=""
ARG BUILD=""
RUN --mount=type=secret,id=frontend_env,required=false,mode=0444 \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ -n "$INSTALL" ]; then sh -c "$INSTALL" || exit; fi; \
    if [ -n "$BUILD" ]; then sh -c "$BUILD"; fi
ARG BUTLER_PORT=8000
ARG BUTLER_START="exec deno run -A main.ts"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} DENO_SERVE_ADDRESS=tcp:0.0.0.0:${BUTLER_PORT}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "export DENO_SERVE_ADDRESS=\"tcp:0.0.0.0:$PORT\"; eval \"$BUTLER_START\""]
