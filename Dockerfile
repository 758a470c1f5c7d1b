# The sandbox in a container: non-root, state in two volumes.
#   docker build -t mockpay . && docker run --rm -p 8420:8420 mockpay
# The banner shows the admin token: a server that others can reach does not start without one.
ARG BASE=docker.io/library/python:3.12-slim
FROM ${BASE}

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /srv/mockpay

# Dependencies change seldom, so they are a layer of their own; psycopg is for MOCKPAY_DATABASE_URL.
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt "psycopg[binary]>=3.2,<4"

COPY app.py ./
COPY mockpay mockpay
COPY templates templates
COPY docs docs
RUN python -m compileall -q app.py mockpay \
    && install -d -m 0700 -o 10001 -g 10001 var keys

USER 10001:10001
# "auto" is no secret but a request to make one.
# hadolint ignore=DL3064
ENV MOCKPAY_HOST=0.0.0.0 \
    MOCKPAY_PORT=8420 \
    MOCKPAY_ADMIN_TOKEN=auto
VOLUME ["/srv/mockpay/var", "/srv/mockpay/keys"]
EXPOSE 8420

HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['MOCKPAY_PORT'] + '/_mockpay/health', timeout=2)"]

CMD ["python", "app.py"]
