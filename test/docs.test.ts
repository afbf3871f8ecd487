import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ficusProgram } from '../apps/cli/src/program.ts';

/** Every command and every link in the documents is there. What the commands do, the tests of the running apps show. */

const ROOT = join(import.meta.dirname, '..');
const FILES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))].filter(
  (name) => name.endsWith('.md'),
);
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

interface Line {
  readonly file: string;
  readonly line: string;
}

/** `./ficus …` in blocks of shell commands and between backticks. */
function commandsOf(file: string): readonly Line[] {
  const text = read(file);
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, body = '']) => body.split('\n'));
  const inline = [...text.matchAll(/`(\.\/ficus [^`]+)`/g)].map(([, command = '']) => command);
  return [...blocks, ...inline]
    .filter((line) => line.startsWith('./ficus '))
    .map((line) => ({ file, line: line.replace(/ +[#>].*$/, '').trim() }));
}

/** Walks down to the command that the words name; what is left are its arguments. */
function find(words: readonly string[]): { command: Command; rest: readonly string[] } {
  let command = ficusProgram(() => undefined);
  for (const [index, word] of words.entries()) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) return { command, rest: words.slice(index) };
    command = next;
  }
  return { command, rest: [] };
}

const commands = FILES.flatMap(commandsOf);

describe('the documents', () => {
  it('show commands', () => expect(commands.length).toBeGreaterThan(15));

  it.each(commands)('$file: $line', ({ line }) => {
    const words = [...line.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word).slice(1);
    const { command, rest } = find(words);
    // A sentence may name a whole group of commands.
    const unknown = command.commands.length > 0 ? rest : [];
    expect(unknown, `${line}: no such command`).toEqual([]);
    const options = rest.filter((word) => word.startsWith('--'));
    const takers = command.options.filter((one) => one.required).map((one) => one.long);
    if (!['demo', 'test', 'up'].includes(command.name()))
      for (const option of options) expect(command.options.map((one) => one.long)).toContain(option);
    const values = rest.filter((word, at) => !word.startsWith('--') && !takers.includes(rest[at - 1]));
    const needed = command.registeredArguments.filter((one) => one.required).length;
    const most = command.registeredArguments.some((one) => one.variadic)
      ? Number.POSITIVE_INFINITY
      : command.registeredArguments.length;
    // A sentence may name a command without its arguments.
    if (rest.length > 0) expect(values.length).toBeGreaterThanOrEqual(needed);
    expect(values.length).toBeLessThanOrEqual(most);
    for (const option of command.options.filter((one) => one.mandatory && rest.length > 0))
      expect(options).toContain(option.long);
  });

  it.each(FILES)('%s links to what is there', (file) => {
    const missing = [...read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => join(ROOT, file, '..', target))
      .filter((target) => {
        try {
          readdirSync(target);
          return false;
        } catch (error) {
          return (error as NodeJS.ErrnoException).code !== 'ENOTDIR';
        }
      });
    expect(missing).toEqual([]);
  });
});
