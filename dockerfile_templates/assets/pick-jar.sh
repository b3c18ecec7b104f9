#!/bin/sh
# Puts what runs into /out: with "tree" the whole folder, and always the jar that can be executed, as app.jar.
mkdir -p /out
if [ "$1" = tree ]; then cp -a . /out/; fi
for jar in $(find . \( -path '*/target/*.jar' -o -path '*/build/libs/*.jar' -o -path '*/build/*-runner.jar' \) \
    -not -name '*-plain.jar' -not -name '*-sources.jar' -not -name '*-javadoc.jar' -not -name '*-tests.jar' \
    -not -name 'original-*.jar' -not -path '*/.mvn/*' -not -path '*/dependency/*' | sort); do
    folder=$(mktemp -d)
    (cd "$folder" && jar xf "$OLDPWD/$jar" META-INF/MANIFEST.MF)
    if grep -q '^Main-Class:' "$folder/META-INF/MANIFEST.MF" 2>/dev/null; then
        echo "butler: note: $jar is what runs"
        cp "$jar" /out/app.jar
        lib=$(dirname "$jar")/lib
        if [ -d "$lib" ]; then cp -a "$lib" /out/lib; fi
        exit 0
    fi
done
if [ "$1" = tree ]; then exit 0; fi
echo "butler: error: the build made no jar that can be executed (none has a Main-Class in its manifest)"
echo "butler: error: let the build make one (spring-boot-maven-plugin, maven-shade-plugin, bootJar, shadowJar), or name the start in a Procfile"
exit 1
