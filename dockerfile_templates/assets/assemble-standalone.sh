#!/bin/sh
# Puts Next.js's standalone server, which may lie deeper than the root, and its static files together in /out.
server=$(cd .next/standalone 2>/dev/null && find . -name server.js -not -path '*/node_modules/*' | sort | head -n 1)
if [ -z "$server" ]; then
    echo "butler: error: next build wrote no .next/standalone/server.js"
    exit 1
fi
place=/out/$(dirname "$server")
mkdir -p "$place/.next"
cp -a .next/standalone/. /out/
cp -a .next/static "$place/.next/"
if [ -d public ]; then cp -a public "$place/"; fi
[ -e /out/server.js ] || printf 'require("%s");\n' "$server" > /out/server.js
