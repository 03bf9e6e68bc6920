# The page that a relay serves; its tools stay here.
FROM node:24-slim AS page

WORKDIR /srv/ixj
COPY package.json package-lock.json .npmrc tsconfig.json ./
COPY packages packages
COPY apps apps
RUN npm ci --ignore-scripts && node apps/page/build/main.ts

FROM node:24-slim

WORKDIR /srv/ixj
COPY package.json package-lock.json .npmrc ./
COPY packages packages
COPY apps apps
# No install scripts: the only one builds a faster decoder that is optional.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

COPY --from=page /srv/ixj/apps/page/dist/site apps/page/dist/site

# Owned here, so that a fresh volume in its place is the user's as well.
RUN mkdir /mesh && chown node:node /mesh
USER node
ENV NODE_ENV=production
ENTRYPOINT ["node", "--conditions=ixj:src", "apps/cli/src/main.ts"]
CMD ["--help"]
