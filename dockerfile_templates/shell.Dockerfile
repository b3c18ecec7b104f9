# A shell script that is the whole application.
# By hand: docker buildx build -f shell.Dockerfile --build-arg BUTLER_START="exec sh start.sh" <folder>
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${RUN_IMAGE} AS run
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*
WORKDIR /app
RUN chown 1000:1000 /app
COPY --chown=1000:1000 . .
ARG BUTLER_PORT=8080
ARG BUTLER_START="exec sh start.sh"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "eval \"$BUTLER_START\""]
