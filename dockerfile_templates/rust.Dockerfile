# A Rust program: compiled for release with a kept cache, run from a small Debian image.
# By hand: docker buildx build -f rust.Dockerfile --build-arg BINARY=hello --build-arg BUTLER_START="exec hello" <folder>
ARG RUST_IMAGE=rust:1-slim-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
ARG BUILD_PACKAGES=""
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    if [ -n "$BUILD_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /src
COPY . .
ARG BUILD="cargo build --release"
ARG BINARY="app"
RUN --mount=type=cache,id=cargo-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=cargo-git,target=/usr/local/cargo/git \
    --mount=type=cache,target=/target,sharing=locked \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    CARGO_TARGET_DIR=/target sh -c "$BUILD" && mkdir -p /out && cp "/target/release/$BINARY" /out/

FROM ${RUN_IMAGE} AS run
ARG RUN_PACKAGES="ca-certificates"
RUN apt-get update && apt-get install -y --no-install-recommends $RUN_PACKAGES && rm -rf /var/lib/apt/lists/*
WORKDIR /app
RUN chown 1000:1000 /app
# Templates and static files are read from the working directory, so the source comes along.
COPY --chown=1000:1000 . .
COPY --from=build /out/ ./bin/
ARG BUTLER_PORT=8080
ARG BUTLER_START="exec app"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} PATH=/app/bin:$PATH
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "eval \"$BUTLER_START\""]
