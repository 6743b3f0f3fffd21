# One image for `lsh controller`, `lsh runner` and every other verb of lsh. `npm run image` builds it; so do
# `docker build .` and `buildah bud .`. The base is Node's own image, in the version that the tests use, for all of its
# platforms; the argument BASE replaces it.
ARG BASE=docker.io/library/node:24.21.0-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20

# The bundle is the same for every platform, so the builder's own platform builds it.
FROM --platform=$BUILDPLATFORM ${BASE} AS build
# `prebuilt` takes dist/ from the context, for builders without access to a package registry.
ARG DIST=build
WORKDIR /src
# Copied first, so that a change of the sources does not invalidate the layer with the packages.
COPY package.json package-lock.json .npmrc ./
# For a private package registry: --secret id=npmrc,src=FILE, and id=ca for its certificate authority.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/run/secrets/ca \
    if [ "$DIST" != prebuilt ]; then \
      if [ -e /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi \
   && npm ci --ignore-scripts; \
    fi
COPY . .
RUN if [ "$DIST" != prebuilt ]; then npm run build && npm run sbom; fi
# The image has a known Node, so its `lsh` is the program itself and not the launcher, which searches for a Node. As the
# launcher does, it starts Node without the debugger that SIGUSR1 opens.
RUN mkdir -p /image/opt/lsh/dist /image/usr/local/bin \
 && cp dist/*.js dist/*.cjs /image/opt/lsh/dist/ \
 && cp package.json LICENSE dist/sbom.cdx.json /image/opt/lsh/ \
 && sed -i '1s/node --$/node --disable-sigusr1 --/' /image/opt/lsh/dist/lsh.js \
 && chmod -R u=rwX,go=rX /image \
 && chmod 755 /image/opt/lsh/dist/lsh.js \
 && ln -s lsh.js /image/opt/lsh/dist/lsh \
 && ln -s /opt/lsh/dist/lsh /image/usr/local/bin/lsh

# The fork server is a program of the image's platform. Without apt-get the image takes what the context has.
FROM ${BASE} AS fork-server
ARG DIST=build
WORKDIR /src
COPY . .
RUN mkdir -p dist/libexec \
 && if [ "$DIST" != prebuilt ] && command -v apt-get; then \
      apt-get update && apt-get install -y --no-install-recommends gcc musl-tools \
   && node scripts/build/fork-server.ts dist/libexec; \
    fi \
 && chmod -R u=rwX,go=rX dist/libexec

# The init: orphans of a run become children of process 1, and Node reaps only children that it spawned.
FROM ${BASE} AS init
RUN if [ ! -x /usr/bin/tini-static ]; then \
      apt-get update && apt-get install -y --no-install-recommends tini; \
    fi

# The base without package managers.
FROM ${BASE} AS root
RUN rm -rf /usr/local/lib/node_modules /usr/local/include /usr/local/share/doc /usr/local/share/man /opt/yarn* \
      /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /usr/local/bin/docker-entrypoint.sh
COPY --from=init /usr/bin/tini-static /usr/local/bin/tini
COPY --from=fork-server /src/dist/libexec/ /opt/lsh/dist/libexec/
COPY --from=build /image/ /

# One layer, so that the image does not ship the removed files in a lower layer.
FROM scratch
COPY --from=root / /
ARG BASE
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG SOURCE=https://github.com/lsh-dev/lsh
LABEL org.opencontainers.image.title="lsh" \
      org.opencontainers.image.description="One scheduler with one job spec and two homes: a laptop and a Kubernetes cluster" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production
WORKDIR /
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "lsh"]
