import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toClient, toServer } from './drda.ts';
import { type Segment, SegmentReader } from './dss.ts';

/** The TCP proxy between IBM's driver and Derby: see drda.ts for what it changes. */
export interface Shim {
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

export interface ShimOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly derby: { readonly host: string; readonly port: number };
  /** Told why a connection ended when it was not by either side's wish. */
  readonly onFault?: (message: string) => void;
}

/** Streams carry the back-pressure: a slow reader on either side stops the other. */
class Rewrite extends Transform {
  private readonly reader = new SegmentReader();
  private readonly change: (segment: Segment) => Buffer;

  constructor(change: (segment: Segment) => Buffer) {
    super();
    this.change = change;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      const changed = this.reader.push(chunk).map((segment) => this.change(segment));
      done(null, changed.length === 0 ? undefined : Buffer.concat(changed));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

async function serve(client: Socket, options: ShimOptions): Promise<void> {
  const derby = createConnection(options.derby);
  // Without this, small packets wait for acknowledgements and each call takes 90 ms.
  client.setNoDelay(true);
  derby.setNoDelay(true);
  try {
    await Promise.all([
      pipeline(client, new Rewrite(toServer), derby),
      pipeline(derby, new Rewrite(toClient), client),
    ]);
  } finally {
    client.destroy();
    derby.destroy();
  }
}

/** How connections end every day: a client that is killed, a server that stops. */
const USUAL_ENDS = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

export async function startShim(options: ShimOptions): Promise<Shim> {
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    open.add(client);
    serve(client, options)
      .catch((error: NodeJS.ErrnoException) => {
        if (!USUAL_ENDS.has(error.code ?? '')) options.onFault?.(`connection ended: ${error.message}`);
      })
      .finally(() => open.delete(client));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : options.listen.port,
    get connections() {
      return open.size;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
