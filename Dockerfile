# One image for all processes: `serve` (the default), `work`, `migrate`, `sandbox`, `keys`.
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements.deploy.lock ./
# The environment gets no pip: nothing is installed into a running container.
RUN python -m venv --without-pip .venv \
 && pip --python .venv install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.deploy.lock
COPY domain domain
COPY adapters adapters
COPY services services
COPY api api
COPY workers workers
RUN .venv/bin/python -m compileall -q domain adapters services api workers

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin prorata
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PRORATA_HOST=0.0.0.0
USER prorata
EXPOSE 8470
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PRORATA_PORT', 8470)}/healthz\", timeout=2)"]
ENTRYPOINT ["python", "-m", "workers"]
CMD ["serve"]
