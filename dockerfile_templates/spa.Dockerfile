# A site that is built with Node.js and then served as files: single-page applications and static generators.
# By hand: docker buildx build -f spa.Dockerfile --build-context butler=assets <folder>
ARG NODE_IMAGE=node:22-slim
ARG PYTHON_IMAGE=python:3.12-slim
# manifests: only package.json and lockfiles precede the installation; workspaces: those of all packages;
# source: everything does (scripts need it).
ARG INSTALL_FROM=manifests

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
COPY package.json package-lock.jso[n] npm-shrinkwrap.jso[n] yarn.loc[k] pnpm-lock.yam[l] bun.loc[k] bun.lock[b] \
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

FROM install AS build
COPY . .
ARG BUILD="npm run build"
ARG OUTPUT="dist"
# What was built is what appeared, wherever that is; OUTPUT is only where it is expected, unless somebody told it.
ARG OUTPUT_TOLD=""
RUN --mount=type=bind,from=butler,source=build-site.sh,target=/butler/build-site.sh \
    --mount=type=secret,id=frontend_env,required=false \
    sh /butler/build-site.sh

FROM ${PYTHON_IMAGE} AS run
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/server/bin:$PATH
RUN --mount=type=bind,from=butler,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=cache,id=pip,target=/root/.cache/pip \
    python3 -m venv /opt/server && /opt/server/bin/pip install -r /tmp/requirements.txt && \
    rm -rf /opt/server/bin/pip* /opt/server/lib/python3*/site-packages/pip* /opt/server/lib/python3*/site-packages/setuptools* \
        /opt/server/lib/python3*/site-packages/pkg_resources
COPY --from=butler static_server.py /opt/server/static_server.py
COPY --from=build /site /site
ARG BUTLER_PORT=8080
# 1: unknown paths get index.html (the application routes them itself); empty: they get 404.
ARG BUTLER_SPA=1
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_SPA=${BUTLER_SPA}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "exec /opt/server/bin/python /opt/server/static_server.py /site --port \"$PORT\" ${BUTLER_SPA:+--spa}"]
