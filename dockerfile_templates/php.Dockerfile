# PHP behind Apache: Composer's packages without its development ones, assets built apart, no root.
# By hand: docker buildx build -f php.Dockerfile --build-context butler=assets <folder>
ARG PHP_IMAGE=php:8.3-apache
ARG COMPOSER_IMAGE=composer:2
ARG NODE_IMAGE=node:22-slim

FROM ${COMPOSER_IMAGE} AS composer

FROM ${PHP_IMAGE} AS base
ARG EXTENSIONS=""
ARG BUILD_PACKAGES=""
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends git unzip $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*
RUN if [ -n "$EXTENSIONS" ]; then docker-php-ext-install -j"$(nproc)" $EXTENSIONS; fi
RUN a2enmod rewrite headers
WORKDIR /app

FROM base AS install
ARG INSTALL=""
RUN --mount=type=bind,from=composer,target=/composer if [ -f /composer/usr/bin/composer ]; then cp /composer/usr/bin/composer /usr/local/bin/; fi
COPY . .
RUN --mount=type=cache,id=composer,target=/cache \
    --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    export COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_CACHE_DIR=/cache; \
    if [ -n "$INSTALL" ]; then sh -c "$INSTALL"; fi

FROM ${NODE_IMAGE} AS assets
WORKDIR /app
COPY --from=install /app ./
ARG ASSETS=""
RUN --mount=type=secret,id=frontend_env,required=false \
    if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi; \
    if [ -n "$ASSETS" ]; then sh -c "$ASSETS" && rm -rf node_modules; fi

FROM base AS run
COPY --from=butler php-site.conf /etc/apache2/sites-enabled/000-default.conf
COPY --from=butler start-php.sh /butler/start-php.sh
RUN printf 'Listen ${PORT}\nServerName localhost\n' > /etc/apache2/ports.conf && \
    chmod 1777 /var/run/apache2 /var/lock/apache2 /var/log/apache2 2>/dev/null; chown 1000:1000 /app
COPY --from=assets --chown=1000:1000 /app ./
ARG DOCUMENT_ROOT="/app"
ARG FRAMEWORK=""
ARG BUTLER_PORT=80
ARG BUTLER_START="exec apache2-foreground"
ENV HOST=0.0.0.0 PORT=${BUTLER_PORT} DOCUMENT_ROOT=${DOCUMENT_ROOT} BUTLER_FRAMEWORK=${FRAMEWORK} \
    BUTLER_START=${BUTLER_START} APP_ENV=production LOG_CHANNEL=stderr
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", ". /butler/start-php.sh; eval \"$BUTLER_START\""]
