export { createHttpServer } from './server.ts';
export { registerHealth, type Check } from './health.ts';
export { registerMetrics } from './metrics-endpoint.ts';
export { listen } from './listen.ts';
