# A program for Bun. Node.js stays beside it, because scripts and programs of packages call it.
# By hand: docker buildx build -f bun.Dockerfile --build-context butler=assets --build-arg BUTLER_START="exec bun index.ts" <folder>
ARG NODE_IMAGE=node:22-slim
# manifests: only package.json and lockfiles precede the installation; workspaces: those of all packages;
# source: everything does (scripts need it).
ARG INSTALL_FROM=manifests

FROM ${NODE_IMAGE} AS tools
ARG BUILD_PACKAGES=""
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    if [ -n "$BUILD_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
ENV CI=true HUSKY=0 npm_config_audit=false npm_config_fund=false npm_config_fetch_timeout=45000 npm_config_fetch_retries=5 npm_config_update_notifier=false \
    BUN_INSTALL_CACHE_DIR=/cache/bun YARN_CACHE_FOLDER=/cache/yarn npm_config_store_dir=/cache/pnpm \
    PATH=/app/node_modules/.bin:$PATH
ARG BUN="bun@1"
ARG PACKAGE_MANAGER=""
RUN --mount=type=cache,id=node-packages,target=/cache \
    npm install --global --force --cache /cache/npm $BUN $PACKAGE_MANAGER
WORKDIR /app

FROM tools AS manifests
COPY package.json package-lock.jso[n] npm-shrinkwrap.jso[n] yarn.loc[k] pnpm-lock.yam[l] bun.loc[k] bun.lock[b] \
     .npmr[c] .yarnr[c] .yarnrc.ym[l] pnpm-workspace.yam[l] bunfig.tom[l] ./
COPY patche[s] ./patches/
COPY prism[a] ./prisma/

# Only the manifests of all packages: what is copied from here is the same until one of them changes.
FROM ${NODE_IMAGE} AS collected
RUN --mount=type=bind,target=/context \
    mkdir -p /manifests && cd /context && \
    find . \( -name node_modules -o -name .git \) -prune -o -type f \( -name package.json -o -name '*lock*' \
        -o -name .npmrc -o -name '.yarnrc*' -o -name 'pnpm-*.yaml' -o -name .pnpmfile.cjs -o -name bunfig.toml \
        -o -name npm-shrinkwrap.json -o -path './.yarn/*' -o -path './patches/*' -o -name lerna.json \) -print > /tmp/list && \
    tar -cf - -T /tmp/list | tar -xf - -C /manifests

FROM tools AS workspaces
COPY --from=collected /manifests ./

FROM tools AS source
COPY . .

FROM ${INSTALL_FROM} AS install
ARG INSTALL="bun install"
ARG INSTALL_UNLOCKED="bun install"
RUN --mount=type=bind,from=butler,source=node-install.sh,target=/butler/node-install.sh \
    --mount=type=cache,id=node-packages,target=/cache \
    --mount=type=secret,id=frontend_env,required=false \
    sh /butler/node-install.sh

FROM install AS build
COPY . .
ARG BUILD=""
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ -n "$BUILD" ]; then sh -c "$BUILD"; fi

FROM ${NODE_IMAGE} AS run
ARG BUN="bun@1"
RUN --mount=type=cache,id=node-packages,target=/cache npm install --global --force --cache /cache/npm $BUN
WORKDIR /app
RUN chown 1000:1000 /app
COPY --from=build --chown=1000:1000 /app ./
ARG BUTLER_PORT=3000
ARG BUTLER_START="exec bun index.ts"
ENV NODE_ENV=production HOST=0.0.0.0 HOSTNAME=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} \
    PATH=/app/node_modules/.bin:$PATH
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "eval \"$BUTLER_START\""]
