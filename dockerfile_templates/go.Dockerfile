# A Go program: modules before the source, compiled with a kept cache, run from a small Debian image.
# By hand: docker buildx build -f go.Dockerfile --build-arg BUTLER_START="exec app" <folder>
ARG GO_IMAGE=golang:1.24
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${GO_IMAGE} AS modules
ARG CGO_ENABLED=0
ENV CGO_ENABLED=${CGO_ENABLED} GOFLAGS=-buildvcs=false GOTELEMETRY=off
WORKDIR /src
COPY go.mo[d] go.su[m] go.wor[k] go.work.su[m] ./
ARG INSTALL=""
RUN --mount=type=cache,id=go-modules,target=/go/pkg/mod \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ -n "$INSTALL" ] && [ ! -f go.work ]; then sh -c "$INSTALL"; fi

FROM modules AS build
COPY . .
ARG BUILD="go build -o /out/app ."
RUN --mount=type=cache,id=go-modules,target=/go/pkg/mod \
    --mount=type=cache,id=go-build,target=/root/.cache/go-build \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    mkdir -p /out && sh -c "$BUILD"

FROM ${RUN_IMAGE} AS run
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates tzdata && rm -rf /var/lib/apt/lists/*
WORKDIR /app
RUN chown 1000:1000 /app
# Templates and static files are read from the working directory, so the source comes along.
COPY --chown=1000:1000 . .
COPY --from=build /out/ ./bin/
ARG BUTLER_PORT=8080
ARG BUTLER_START="exec app"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} GIN_MODE=release PATH=/app/bin:$PATH
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "eval \"$BUTLER_START\""]
