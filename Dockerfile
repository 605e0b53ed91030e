# One image for every stage: `docker run millrace start ingest`. It holds no embedded engines (chdb, LMDB): containers
# work against real servers.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are needed for their types alone, so their install scripts stay off.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run -s build

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production MR_DATA_DIR=/data UV_THREADPOOL_SIZE=16
WORKDIR /app
RUN install -d -o node -g node /data
COPY --from=packages /app/node_modules ./node_modules
# Sources come along for what is read beside the code: Avro schemas, SQL, pages of the console.
COPY . .
COPY --from=build /app/dist ./dist
USER node
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/cli/main.js"]
CMD ["start"]
