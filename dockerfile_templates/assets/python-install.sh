#!/bin/sh
# --without-pip: what runs needs no pip, which is as large as many applications.
# Runs $INSTALL; where the lockfile turns out not to match its manifest, says so and runs $INSTALL_UNLOCKED.
if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi
# pipenv and poetry break their messages to fit a terminal, also where there is none.
export COLUMNS=500
{ sh -c "$INSTALL" 2>&1; echo $? > /tmp/code; } | tee /tmp/install.log
code=$(cat /tmp/code)
stale='(uv\.lock`? needs to be updated|poetry\.lock (was last generated|is not up to date)|Pipfile\.lock .*is out of date|Lock file hash doesn.t match)'
if [ "$code" != 0 ] && [ -n "$INSTALL_UNLOCKED" ] && grep -qiE "$stale" /tmp/install.log; then
    echo "butler: warning: the lockfile does not match its manifest; dependencies are resolved anew"
    sh -c "$INSTALL_UNLOCKED"
    code=$?
fi
rm -f /tmp/code /tmp/install.log
if [ "$code" = 0 ] && [ -n "$EXTRA_PACKAGES" ]; then /opt/venv/bin/python -m pip install $EXTRA_PACKAGES; code=$?; fi
if [ "$code" = 0 ] && [ "$1" = --without-pip ]; then
    cd /opt/venv/lib/python3*/site-packages || exit 1
    rm -rf /opt/venv/bin/pip* pip pip-*
    # Python before 3.12 puts setuptools into each environment; it stays where a package says or shows that it uses it.
    uses='^ *(import|from) +(pkg_resources|setuptools)\b|^Requires-Dist: setuptools([^;]*$|.*python_version)'
    if ! grep -rqE "$uses" --include='*.py' --include=METADATA --exclude-dir='setuptools*' --exclude-dir=pkg_resources \
        --exclude-dir=_distutils_hack . && ! grep -qsE '^ *"?setuptools' /app/requirements*.txt /app/pyproject.toml; then
        rm -rf setuptools setuptools-* pkg_resources _distutils_hack distutils-precedence.pth
    fi
fi
exit "$code"
