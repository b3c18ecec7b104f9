#!/bin/sh
# Runs $BUILD (collectstatic). Settings often demand variables that exist only at run time: then the start does it again.
[ -n "$BUILD" ] || exit 0
if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi
export SECRET_KEY="${SECRET_KEY:-only-for-the-build}" DJANGO_SECRET_KEY="${DJANGO_SECRET_KEY:-only-for-the-build}"
if ! sh -c "$BUILD"; then
    echo "butler: warning: static files could not be collected yet; it is done at the start"
    touch .build-at-start
fi
