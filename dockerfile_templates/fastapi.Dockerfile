# An ASGI application (FastAPI, Starlette and their kin) behind uvicorn. Dependencies come before the source.
# By hand: docker buildx build -f fastapi.Dockerfile --build-context butler=assets <folder>
ARG PYTHON_IMAGE=python:3.12-slim
# manifests: only requirements and lockfiles precede the installation; source: everything does (local packages).
ARG INSTALL_FROM=manifests

FROM ${PYTHON_IMAGE} AS tools
ARG BUILD_PACKAGES=""
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    if [ -n "$BUILD_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_CACHE_DIR=/cache/pip \
    UV_CACHE_DIR=/cache/uv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/venv \
    POETRY_CACHE_DIR=/cache/poetry POETRY_VIRTUALENVS_CREATE=false PIPENV_CACHE_DIR=/cache/pipenv PIPENV_VERBOSITY=-1 \
    PDM_CHECK_UPDATE=false VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH:/opt/tools/bin
# uv, poetry, pipenv or pdm, apart from what the application sees; empty for pip.
ARG INSTALLER=""
RUN --mount=type=cache,id=python-packages,target=/cache \
    python3 -m venv /opt/venv; \
    if [ -n "$INSTALLER" ]; then python3 -m venv /opt/tools && /opt/tools/bin/pip install $INSTALLER; fi
WORKDIR /app

FROM tools AS manifests
COPY requirement*.tx[t] constraint*.tx[t] pyproject.tom[l] uv.loc[k] poetry.loc[k] pdm.loc[k] Pipfil[e] Pipfile.loc[k] \
     setup.cf[g] ./
COPY requirement[s] ./requirements/

FROM tools AS source
COPY . .

FROM ${INSTALL_FROM} AS install
ARG INSTALL="pip install -r requirements.txt"
ARG INSTALL_UNLOCKED=""
# What serves the application where the repository does not bring it.
ARG EXTRA_PACKAGES=""
RUN --mount=type=bind,from=butler,source=python-install.sh,target=/butler/python-install.sh \
    --mount=type=cache,id=python-packages,target=/cache \
    --mount=type=secret,id=frontend_env,required=false \
    sh /butler/python-install.sh --without-pip

FROM ${PYTHON_IMAGE} AS run
ARG RUN_PACKAGES=""
RUN if [ -n "$RUN_PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $RUN_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /app
RUN chown 1000:1000 /app
COPY --from=install /opt/venv /opt/venv
COPY --chown=1000:1000 . .
ARG BUTLER_PORT=8000
ARG BUTLER_START="exec uvicorn main:app --host 0.0.0.0 --port $PORT"
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH \
    HOST=0.0.0.0 PORT=${BUTLER_PORT} BUTLER_START=${BUTLER_START}
EXPOSE ${BUTLER_PORT}
USER 1000:1000
CMD ["/bin/sh", "-c", "eval \"$BUTLER_START\""]
