# A .NET program: published with the SDK, run on the runtime alone.
# By hand: docker buildx build -f dotnet.Dockerfile --build-arg BUTLER_START="exec dotnet App.dll" <folder>
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:8.0
ARG RUN_IMAGE=mcr.microsoft.com/dotnet/aspnet:8.0

FROM ${SDK_IMAGE} AS build
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 NUGET_PACKAGES=/nuget
WORKDIR /src
COPY . .
ARG BUILD="dotnet publish -c Release -o /out"
RUN --mount=type=cache,id=nuget,target=/nuget \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    sh -c "$BUILD"

FROM ${RUN_IMAGE} AS run
WORKDIR /app
COPY --from=build --chown=1000:1000 /out/ ./
ARG BUTLER_PORT=8080
ARG BUTLER_START="exec dotnet App.dll"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} DOTNET_NOLOGO=1 DOTNET_RUNNING_IN_CONTAINER=true
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "export ASPNETCORE_URLS=\"http://0.0.0.0:$PORT\"; eval \"$BUTLER_START\""]
