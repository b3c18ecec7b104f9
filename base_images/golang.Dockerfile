# Debian's Go, with the paths of the official image; it never fetches another release of itself.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends golang-go gcc g++ libc6-dev make pkg-config git ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /go/src /go/bin \
 && chmod -R 1777 /go \
 && go version
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:$PATH
WORKDIR /go
CMD ["bash"]
