import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Capture } from './capture.ts';
import type { Connector } from './connector.ts';

/**
 * The part of Kafka Connect's REST interface that Ficus uses (Apache Kafka documentation, "Kafka Connect", "REST API"),
 * in front of the stand-in's capture.
 */
const Config = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

export function startRest(capture: Capture, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(capture, request, port)
      .catch((error: unknown): Answer => refusal(500, error instanceof Error ? error.message : String(error)))
      .then((given) => send(response, given));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => resolve(server));
  });
}

async function answer(capture: Capture, request: IncomingMessage, port: number): Promise<Answer> {
  const path = new URL(request.url ?? '/', 'http://connect').pathname
    .split('/')
    .filter(Boolean)
    .map(decodeURIComponent);
  const [collection, name, part] = path;
  const route = `${request.method ?? ''} ${part ?? ''}`;
  if (collection === undefined)
    return { status: 200, body: { version: 'stand-in', commit: '', kafka_cluster_id: '' } };
  if (collection !== 'connectors') return refusal(404, `there is no /${path.join('/')} here`);
  if (name === undefined) return { status: 200, body: [...capture.connectors.keys()] };
  if (route === 'PUT config') return put(capture, name, await bodyOf(request));
  const connector = capture.connectors.get(name);
  if (connector === undefined) return refusal(404, `Connector ${name} not found`);
  switch (route) {
    case 'GET ':
      return { status: 200, body: described(connector) };
    case 'GET config':
      return { status: 200, body: connector.config };
    case 'GET offsets':
      return { status: 200, body: connector.offsets() };
    case 'GET status':
      return { status: 200, body: statusOf(connector, `127.0.0.1:${port}`) };
    case 'DELETE ':
      await capture.remove(name);
      return { status: 204 };
    case 'POST restart':
      capture.restart(name);
      return { status: 204 };
    default:
      return refusal(405, `${request.method ?? ''} /${path.join('/')} is not part of the stand-in`);
  }
}

async function put(capture: Capture, name: string, body: string): Promise<Answer> {
  try {
    const config = { ...Config.parse(JSON.parse(body)), name };
    const outcome = await capture.put(name, config);
    const connector = capture.connectors.get(name);
    return {
      status: outcome === 'created' ? 201 : 200,
      body: connector === undefined ? {} : described(connector),
    };
  } catch (error) {
    return refusal(400, error instanceof Error ? error.message : String(error));
  }
}

function described(connector: Connector): unknown {
  return {
    name: connector.name,
    config: connector.config,
    tasks: [{ connector: connector.name, task: 0 }],
    type: 'source',
  };
}

function statusOf(connector: Connector, worker: string): unknown {
  const state = connector.fault !== null ? 'FAILED' : connector.ready() ? 'RUNNING' : 'UNASSIGNED';
  const trace = connector.fault === null ? {} : { trace: connector.fault };
  return {
    name: connector.name,
    connector: { state: 'RUNNING', worker_id: worker },
    tasks: [{ id: 0, state, worker_id: worker, ...trace }],
    type: 'source',
  };
}

function refusal(status: number, message: string): Answer {
  return { status, body: { error_code: status, message } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  return (await request.setEncoding('utf8').toArray()).join('');
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
