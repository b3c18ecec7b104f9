#!/bin/sh
# Runs $INSTALL; where the lockfile turns out not to match package.json, says so and runs $INSTALL_UNLOCKED.
# Build variables are there for the sake of private registries; NODE_ENV would leave development dependencies out.
if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; unset NODE_ENV; fi
# Cypress's program tests an application from outside and has no place in its image; the package itself is installed.
export CYPRESS_INSTALL_BINARY=0
{ sh -c "$INSTALL" 2>&1; echo $? > /tmp/code; } | tee /tmp/install.log
code=$(cat /tmp/code)
stale='EUSAGE|ERR_PNPM_(OUTDATED_LOCKFILE|LOCKFILE_|NO_LOCKFILE|FROZEN_)|lockfile needs to be updated|YN0028|lockfile is frozen'
if [ "$code" != 0 ] && [ -n "$INSTALL_UNLOCKED" ] && grep -qE "$stale" /tmp/install.log; then
    echo "butler: warning: the lockfile does not match package.json; dependencies are resolved anew"
    sh -c "$INSTALL_UNLOCKED"
    code=$?
fi
rm -f /tmp/code /tmp/install.log
mkdir -p node_modules
exit "$code"
