#!/bin/sh
# Runs $BUILD and copies what it made to /site: $OUTPUT if its index.html is new, else the newest index.html's folder.
# Where somebody told the folder ($OUTPUT_TOLD), it is that one and no other.
if [ -f /run/secrets/frontend_env ]; then . /run/secrets/frontend_env; fi
touch /tmp/before
sleep 0.05
sh -c "$BUILD" || exit
if [ -n "$OUTPUT_TOLD" ]; then
    site=$OUTPUT
    if [ ! -d "$site" ]; then
        echo "butler: error: the build ended well but wrote no folder $OUTPUT/ (build.output names it)"
        exit 1
    fi
elif [ -n "$(find "$OUTPUT/index.html" -newer /tmp/before 2>/dev/null)" ]; then
    site=$OUTPUT
else
    index=$(find . -name node_modules -prune -o -name index.html -newer /tmp/before -print |
        awk '{ print gsub("/", "/"), $0 }' | sort -n | head -n 1 | cut -d ' ' -f 2-)
    site=${index%/index.html}
    # A page that is committed, beside which the build puts only scripts and styles.
    if [ -z "$site" ] && [ -f "$OUTPUT/index.html" ]; then site=$OUTPUT; fi
fi
if [ -z "$site" ]; then
    echo "butler: error: the build ended well but wrote no index.html (expected in $OUTPUT/)"
    exit 1
fi
echo "butler: note: the site is in $site/"
mkdir -p /site
cp -a "$site/." /site/
