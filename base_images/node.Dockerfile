# Node.js from npm's own packages on Debian; user, paths and entry point are those of the official image.
# The context holds node.tgz, npm.tgz, yarn.tgz and corepack.tgz (no longer with Node 25) as npm serves them.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 1000 node \
 && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
ARG NODE_VERSION
RUN --mount=type=bind,target=/context set -e; \
    unpack() { mkdir -p "$2"; tar -xzf "/context/$1" -C "$2" --strip-components=1 --no-same-owner; }; \
    unpack node.tgz /tmp/node; \
    cp -r /tmp/node/bin /tmp/node/include /usr/local/; \
    rm -rf /tmp/node; \
    unpack npm.tgz /usr/local/lib/node_modules/npm; \
    rm -rf /usr/local/lib/node_modules/npm/docs /usr/local/lib/node_modules/npm/man; \
    unpack yarn.tgz /opt/yarn; \
    chmod 755 /usr/local/bin/node /usr/local/lib/node_modules/npm/bin/*-cli.js /opt/yarn/bin/*; \
    cd /usr/local/bin; \
    ln -s node nodejs; \
    ln -s ../lib/node_modules/npm/bin/npm-cli.js npm; \
    ln -s ../lib/node_modules/npm/bin/npx-cli.js npx; \
    ln -s /opt/yarn/bin/yarn /opt/yarn/bin/yarnpkg .; \
    if [ -f /context/corepack.tgz ]; then \
      unpack corepack.tgz /usr/local/lib/node_modules/corepack; \
      chmod 755 /usr/local/lib/node_modules/corepack/dist/*.js; \
      ln -s ../lib/node_modules/corepack/dist/corepack.js corepack; \
    fi; \
    echo 'nodedir "/usr/local"' >/usr/local/etc/yarnrc; \
    case $NODE_VERSION in 1?.*) echo nodedir=/usr/local >>/usr/local/etc/npmrc ;; esac; \
    node --version; npm --version; yarn --version
COPY --chmod=755 node-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ARG NPM_REGISTRY
# corepack: a mirror drops the signatures that it asks for, and with a registry named it takes Yarn from there as well.
# nodedir gives node-gyp the headers that are here (in npmrc for the old ones, as later npms warn of it there; in
# yarnrc for the old node-gyp of packages that Yarn 1 installs).
ENV NODE_VERSION=${NODE_VERSION} \
    COREPACK_INTEGRITY_KEYS=0 \
    COREPACK_NPM_REGISTRY=${NPM_REGISTRY} \
    COREPACK_ENABLE_DOWNLOAD_PROMPT=0 \
    npm_package_config_node_gyp_nodedir=/usr/local
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
