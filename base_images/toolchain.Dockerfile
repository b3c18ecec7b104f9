# What the stand-ins for node and python share: Python, a compiler and the tools that official full images carry.
# Where no code host answers, packages that would download a binary must be compiled.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      python3 python3-venv python3-dev make g++ pkg-config git curl wget unzip xz-utils procps \
      libpq-dev libffi-dev libssl-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
