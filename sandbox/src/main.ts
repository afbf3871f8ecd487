import { runSession, type Session } from './session.ts';

const USAGE = `usage: main.ts <command>
  demo        the demonstration, until Ctrl-C; --exit ends after the run
  up [--servers NAME,...] [--data DIR] [--write-env FILE]
              start servers and keep them until Ctrl-C
  test        all tests, on servers started for them
  provision   fetch and build what the servers need
  driver-env  the variables with which a process finds IBM's Db2 driver, as shell commands
  pin-jars    resolve the poms again and rewrite their checksums, after a change of versions`;

const log = (line: string) => console.log(line);

/** Each command loads only what it needs: some of them run before every other command. */
const commands: Readonly<Record<string, (session: Session, args: string[]) => Promise<number>>> = {
  demo: async (session, args) => (await import('./estate/demo.ts')).demo(session, args, log),
  up: async (session, args) => (await import('./up.ts')).up(session, args, log),
  test: async (session) => (await import('./test-run.ts')).runTests(session, log),
  provision: async (session) => (await import('./provision/commands.ts')).provisionAll(session, log),
  'driver-env': async () => (await import('./provision/commands.ts')).printDriverEnv(log),
  'pin-jars': async (session) => (await import('./provision/commands.ts')).pinJars(session, log),
};

await runSession((session) => {
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command(session, args);
  console.error(USAGE);
  return Promise.resolve(2);
});
