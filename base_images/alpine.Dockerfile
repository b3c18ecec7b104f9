# A stand-in for an Alpine flavour: the Debian one with substitutes for apk and for BusyBox's addgroup and adduser.
ARG BASE
FROM ${BASE}
COPY --chmod=755 apk adduser addgroup /usr/local/sbin/
COPY apk-names /usr/local/share/apk-names
RUN ln -s /usr/local/sbin/apk /sbin/apk
