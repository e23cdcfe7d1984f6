# The image of `atp`: a worker by default, any other command by name.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.lock requirements/product.lock ./requirements/
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.lock \
 && python -m venv /opt/atp && /opt/atp/bin/pip install --no-cache-dir --require-hashes -r requirements/product.lock
# Exactly what the wheel is made of: pyproject.toml names the README, the licence, the package and the schemas.
COPY pyproject.toml README.md LICENSE ./
COPY atp_stream ./atp_stream
COPY schemas ./schemas
RUN /opt/build/bin/python -m hatchling build --target wheel && /opt/atp/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin atp \
 && install --directory --owner atp --group atp /var/lib/atp
COPY --from=build /opt/atp /opt/atp
ENV PATH=/opt/atp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ATP_DATA_DIR=/var/lib/atp/data \
    ATP_WEB_HOST=0.0.0.0
WORKDIR /var/lib/atp
USER atp
VOLUME /var/lib/atp
EXPOSE 6066
STOPSIGNAL SIGTERM
ENTRYPOINT ["atp"]
CMD ["worker"]
