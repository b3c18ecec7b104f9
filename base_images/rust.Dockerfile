# Debian's Rust, with the paths of the official image.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends rustc cargo gcc libc6-dev ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /usr/local/cargo/bin \
 && cargo --version
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
CMD ["bash"]
