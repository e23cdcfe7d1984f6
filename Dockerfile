# The image of `atp`: a worker by default, any other command by name.
# It needs nothing but a volume at /var/lib/atp: the rest may be read-only, without capabilities.
FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1 AS build
WORKDIR /src
COPY requirements/build.lock requirements/product.lock ./requirements/
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.lock \
 && python -m venv /opt/atp && /opt/atp/bin/pip install --no-cache-dir --require-hashes -r requirements/product.lock
# Exactly what the wheel is made of: pyproject.toml names the README, the licence, the package and the schemas.
COPY pyproject.toml README.md LICENSE ./
COPY atp_stream ./atp_stream
COPY schemas ./schemas
RUN /opt/build/bin/python -m hatchling build --target wheel && /opt/atp/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1
ARG VERSION=0.2.0.dev0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="atp_stream" \
      org.opencontainers.image.description="Available-to-promise for Kafka: stock and reservations in, availability and allocations out, exactly once." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.13-slim-bookworm"
RUN install --directory --owner 10001 --group 10001 /var/lib/atp
COPY --from=build /opt/atp /opt/atp
ENV PATH=/opt/atp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ATP_DATA_DIR=/var/lib/atp/data \
    ATP_WEB_HOST=0.0.0.0
WORKDIR /var/lib/atp
# By number, so that Kubernetes sees that it is not root (runAsNonRoot).
USER 10001:10001
VOLUME /var/lib/atp
EXPOSE 6066
STOPSIGNAL SIGTERM
# Alive, not ready: a worker that restores its state must not be started again.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["atp", "health"]
ENTRYPOINT ["atp"]
CMD ["worker"]
