FROM python:3.13-slim AS build
WORKDIR /srv/tiebreak
COPY requirements.lock .
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.13-slim
RUN useradd --system --home-dir /srv/tiebreak tiebreak \
 && mkdir -p /data && chown tiebreak /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/tiebreak
COPY . .
# Compiled here: the user it runs as may not write beside the code, and would compile it at each start.
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && /opt/venv/bin/python -m compileall -q app ranking
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TIEBREAK_ENV=production \
    TIEBREAK_DATA_DIR=/data
USER tiebreak
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"
CMD ["sh", "-c", "tiebreak db upgrade && exec tiebreak serve --host 0.0.0.0"]
