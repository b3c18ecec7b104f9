# A Node.js server. Dependencies come before the source, and the image that runs holds no build tools.
# By hand: docker buildx build -f node.Dockerfile --build-context butler=assets --build-arg BUTLER_START="exec node server.js" <folder>
ARG NODE_IMAGE=node:22-slim
# manifests: only package.json and lockfiles precede the installation; workspaces: those of all packages;
# source: everything does (scripts need it).
ARG INSTALL_FROM=manifests
# plain: nothing is built, the source runs as it is; built: a build step has made something.
ARG RUN_FROM=plain

FROM ${NODE_IMAGE} AS tools
ARG BUILD_PACKAGES=""
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    if [ -n "$BUILD_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
ENV CI=true HUSKY=0 NEXT_TELEMETRY_DISABLED=1 npm_config_audit=false npm_config_fund=false npm_config_fetch_timeout=45000 npm_config_fetch_retries=5 \
    npm_config_update_notifier=false npm_config_cache=/cache/npm npm_config_store_dir=/cache/pnpm \
    YARN_CACHE_FOLDER=/cache/yarn YARN_GLOBAL_FOLDER=/cache/yarn-berry YARN_NODE_LINKER=node-modules \
    YARN_ENABLE_TELEMETRY=0 BUN_INSTALL_CACHE_DIR=/cache/bun PATH=/app/node_modules/.bin:$PATH
ARG PACKAGE_MANAGER=""
RUN --mount=type=cache,id=node-packages,target=/cache \
    if [ -n "$PACKAGE_MANAGER" ]; then npm install --global --force "$PACKAGE_MANAGER"; fi
WORKDIR /app

FROM tools AS manifests
COPY package.jso[n] package-lock.jso[n] npm-shrinkwrap.jso[n] yarn.loc[k] pnpm-lock.yam[l] bun.loc[k] bun.lock[b] \
     .npmr[c] .yarnr[c] .yarnrc.ym[l] .pnpmfile.cj[s] pnpm-workspace.yam[l] bunfig.tom[l] ./
COPY .yar[n] ./.yarn/
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
ARG INSTALL="npm ci"
ARG INSTALL_UNLOCKED="npm install"
RUN --mount=type=bind,from=butler,source=node-install.sh,target=/butler/node-install.sh \
    --mount=type=cache,id=node-packages,target=/cache \
    --mount=type=secret,id=frontend_env,required=false \
    sh /butler/node-install.sh

FROM install AS production
ARG PRUNE=""
RUN --mount=type=cache,id=node-packages,target=/cache \
    if [ -n "$PRUNE" ]; then sh -c "$PRUNE" || echo "butler: note: development dependencies stay in the image"; fi

FROM install AS build
COPY . .
ARG BUILD=""
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ -n "$BUILD" ]; then sh -c "$BUILD"; fi
ARG PRUNE=""
RUN --mount=type=cache,id=node-packages,target=/cache \
    if [ -n "$PRUNE" ]; then sh -c "$PRUNE" || echo "butler: note: development dependencies stay in the image"; fi; \
    rm -rf node_modules/.cache

FROM ${NODE_IMAGE} AS runtime
ARG RUN_PACKAGES=""
RUN if [ -n "$RUN_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $RUN_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
# Package manager or tools that the start command calls and the repository does not bring.
ARG GLOBAL_PACKAGES=""
RUN --mount=type=cache,id=node-packages,target=/cache \
    if [ -n "$GLOBAL_PACKAGES" ]; then npm install --global --force --cache /cache/npm $GLOBAL_PACKAGES; fi
COPY --from=butler serve-default.mjs /butler/serve-default.mjs
WORKDIR /app
RUN chown 1000:1000 /app

FROM runtime AS plain
COPY --from=production --chown=1000:1000 /app/node_modules ./node_modules
COPY --chown=1000:1000 . .

FROM runtime AS built
COPY --from=build --chown=1000:1000 /app ./

FROM ${RUN_FROM} AS run
ARG BUTLER_PORT=3000
ARG BUTLER_START="exec node server.js"
ENV NODE_ENV=production HOST=0.0.0.0 HOSTNAME=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START} \
    npm_config_update_notifier=false PATH=/app/node_modules/.bin:$PATH
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "eval \"$BUTLER_START\""]
