# Debian's Python in the layout of the official image: `python`, `pip` and packages live in /usr/local.
# A virtual environment at /usr/local gives that layout, and pip there never calls itself externally managed.
ARG BASE
FROM ${BASE}
ARG PYTHON_VERSION
ARG PIP_PACKAGES
RUN set -e; \
    rm -f "/usr/lib/python${PYTHON_VERSION}/EXTERNALLY-MANAGED"; \
    rm -rf "/usr/local/lib/python${PYTHON_VERSION}/dist-packages"; \
    python3 -m venv --system-site-packages /usr/local; \
    ln -s site-packages "/usr/local/lib/python${PYTHON_VERSION}/dist-packages"; \
    /usr/local/bin/python -m pip install --no-cache-dir --upgrade ${PIP_PACKAGES}; \
    test "$(command -v python)" = /usr/local/bin/python; \
    python --version; pip --version
ENV PYTHON_VERSION=${PYTHON_VERSION} \
    LANG=C.UTF-8
CMD ["python3"]
