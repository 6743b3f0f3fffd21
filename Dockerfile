# One image for `lsh controller`, `lsh runner` and every other verb of lsh. `npm run image` builds it; so do
# `docker build .` and `buildah bud .`. Pin the base with --build-arg BASE=docker.io/library/node:24-slim@sha256:…
ARG BASE=docker.io/library/node:24-slim

FROM ${BASE} AS build
# With `prebuilt` dist/ is taken as it lies in the context, for builders that reach no registry of packages.
ARG DIST=build
WORKDIR /src
COPY . .
RUN if [ "$DIST" != prebuilt ]; then npm ci --ignore-scripts && node scripts/build.ts; fi
RUN mkdir -p /image/opt/lsh/dist /image/usr/local/bin \
 && cp dist/*.js /image/opt/lsh/dist/ \
 && cp package.json LICENSE /image/opt/lsh/ \
 && chmod -R u=rwX,go=rX /image \
 && chmod 755 /image/opt/lsh/dist/lsh.js \
 && ln -s /opt/lsh/dist/lsh.js /image/usr/local/bin/lsh
# The init: a run's orphans become children of process 1, and Node waits for none but its own.
RUN if [ ! -x /usr/bin/tini-static ]; then \
      apt-get update && apt-get install -y --no-install-recommends tini; \
    fi \
 && cp /usr/bin/tini-static /image/usr/local/bin/tini

FROM ${BASE}
RUN rm -rf /usr/local/lib/node_modules /usr/local/include /usr/local/share/man /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /usr/local/bin/docker-entrypoint.sh
COPY --from=build /image/ /
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="lsh" \
      org.opencontainers.image.description="One scheduler with one job spec and two homes: a laptop and a Kubernetes cluster" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "lsh"]
