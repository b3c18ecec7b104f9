# Debian's nginx, behaving as the official image: foreground, logs to stdout, /etc/nginx/conf.d, /usr/share/nginx/html,
# and its temporary files in /var/cache/nginx, which people hand to the user nginx.
ARG BASE
FROM ${BASE}
RUN groupadd --system --gid 101 nginx \
 && useradd --system --uid 101 --gid nginx --no-create-home --home-dir /nonexistent --shell /bin/false nginx \
 && apt-get update \
 && apt-get install --yes --no-install-recommends nginx-light gettext-base curl wget \
 && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-* /etc/nginx/modules-enabled /etc/nginx/conf.d/* /var/www/html \
 && mkdir -p /docker-entrypoint.d /etc/nginx/templates /usr/share/nginx/html /var/cache/nginx \
 && rm -f /usr/share/nginx/html/* \
 && printf '<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n' >/usr/share/nginx/html/index.html \
 && cp /usr/share/nginx/html/index.html /usr/share/nginx/html/50x.html \
 && chown -R nginx:nginx /var/cache/nginx \
 && rm -rf /var/lib/nginx \
 && ln -s /var/cache/nginx /var/lib/nginx \
 && ln -sf /dev/stdout /var/log/nginx/access.log \
 && ln -sf /dev/stderr /var/log/nginx/error.log
COPY nginx.conf /etc/nginx/nginx.conf
COPY nginx-default.conf /etc/nginx/conf.d/default.conf
COPY --chmod=755 nginx-entrypoint.sh /docker-entrypoint.sh
EXPOSE 80
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]
