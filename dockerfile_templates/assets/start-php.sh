# Prepares what a framework needs before its first request; sourced, so that what it exports reaches the server.
if [ "$BUTLER_FRAMEWORK" = laravel ] && [ -f artisan ]; then
    if [ -z "$APP_KEY" ] && ! grep -qs '^APP_KEY=.' .env; then
        APP_KEY="base64:$(head -c 32 /dev/urandom | base64)"
        export APP_KEY
        echo "butler: warning: APP_KEY is not set; one is made up at each start, which logs everybody out"
    fi
    if [ "${DB_CONNECTION:-sqlite}" = sqlite ] && [ -d database ]; then touch database/database.sqlite; fi
    php artisan storage:link --force >/dev/null 2>&1
    php artisan migrate --force || echo "butler: warning: the database could not be migrated; see the lines above"
fi
