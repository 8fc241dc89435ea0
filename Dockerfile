# The service (docs/service.md): docker build -t fingerprint-sdk .
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY fingerprint_sdk fingerprint_sdk
COPY trainer trainer
COPY zoo zoo
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
# The wheel brings the model and its built-in gallery: nothing is downloaded when it runs.
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/fingerprint_sdk-*.whl)[serve,postgres]" && rm -r /wheels \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin fingerprint \
    && install --directory --owner=fingerprint --group=fingerprint /galleries
USER 10001:10001
ENV HF_HUB_OFFLINE=1 ORT_DISABLE_TELEMETRY=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
VOLUME /galleries
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# It listens beyond the container, so it starts only with an API key: give FINGERPRINT_API_KEY, or
# --key-file with a secret.
ENTRYPOINT ["fingerprint", "serve", "--host", "0.0.0.0"]
CMD ["--galleries", "/galleries"]
