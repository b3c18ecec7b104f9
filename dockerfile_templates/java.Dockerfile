# A Java program: built with Maven or Gradle, and only what runs is kept, on a JRE.
# By hand: docker buildx build -f java.Dockerfile --build-context butler=assets --build-arg BUTLER_START="exec java -jar app.jar" <folder>
ARG BUILD_IMAGE=maven:3-eclipse-temurin-21
ARG JRE_IMAGE=eclipse-temurin:21-jre

FROM ${BUILD_IMAGE} AS build
USER root
WORKDIR /src
COPY . .
ARG BUILD="mvn -B -ntp -DskipTests package"
# jar: the one that can be executed, as app.jar; tree: the whole folder beside it, because the start command names files in it.
ARG KEEP="jar"
RUN --mount=type=bind,from=butler,source=pick-jar.sh,target=/butler/pick-jar.sh \
    --mount=type=cache,id=maven,target=/root/.m2 \
    --mount=type=cache,id=gradle,target=/gradle,sharing=locked \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    export GRADLE_USER_HOME=/gradle; \
    sh -c "$BUILD" && sh /butler/pick-jar.sh "$KEEP"

FROM ${JRE_IMAGE} AS run
WORKDIR /app
COPY --from=build --chown=1000:1000 /out/ ./
ARG BUTLER_PORT=8080
ARG BUTLER_START="exec java -Dserver.port=$PORT -jar app.jar"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} JAVA_OPTS="-XX:MaxRAMPercentage=75" \
    QUARKUS_HTTP_HOST=0.0.0.0 MICRONAUT_SERVER_HOST=0.0.0.0
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "export QUARKUS_HTTP_PORT=\"$PORT\" MICRONAUT_SERVER_PORT=\"$PORT\"; eval \"$BUTLER_START\""]
