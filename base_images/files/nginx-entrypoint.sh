#!/bin/sh
# As in the official image: fill /etc/nginx/templates from the environment, run /docker-entrypoint.d, then nginx.
set -e
if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
    [ -f /proc/net/if_inet6 ] || sed -i '/listen *\[::\]:80;/d' /etc/nginx/conf.d/default.conf 2>/dev/null || true
    names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1}/p' | tr '\n' ' ')
    for template in /etc/nginx/templates/*.template; do
        [ -f "$template" ] || continue
        target=/etc/nginx/conf.d/$(basename "$template" .template)
        envsubst "$names" <"$template" >"$target"
    done
    for script in /docker-entrypoint.d/*.sh; do
        [ ! -x "$script" ] || "$script"
    done
fi
exec "$@"
