import type { FastifyReply, FastifyRequest } from 'fastify';
import { Histogram, type Registry } from 'prom-client';

const LABELS = ['unit', 'method', 'store', 'phase', 'status'] as const;

/** What a facade measures, in Prometheus's terms. */
export class Meters {
  readonly #requests: Histogram<(typeof LABELS)[number]>;

  constructor(registry: Registry) {
    this.#requests = new Histogram({
      name: 'ficus_request_seconds',
      help: 'Time from a request to its answer, by unit, method, store, phase and status',
      labelNames: LABELS,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  }

  /** @param unit of the request, or '-': only known units become labels, so that clients cannot make new ones. */
  answered(unit: string, request: FastifyRequest, reply: FastifyReply): void {
    const labels = {
      unit,
      method: request.method,
      store: String(reply.getHeader('ficus-store') ?? '-'),
      phase: String(reply.getHeader('ficus-phase') ?? '-'),
      status: reply.statusCode,
    };
    this.#requests.observe(labels, reply.elapsedTime / 1_000);
  }
}
