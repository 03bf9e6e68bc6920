import type { ServerResponse } from 'node:http'

/** The Prometheus text format, version 0.0.4. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Answers with what is counted now. */
export async function sendMetrics(
  response: ServerResponse,
  metrics: () => Promise<string>,
): Promise<void> {
  const body = await metrics()
  response.writeHead(200, { 'content-type': METRICS_TYPE, 'cache-control': 'no-store' })
  response.end(body)
}
