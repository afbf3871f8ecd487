import { expect, test } from 'vitest';
import { chooseEngine } from './engine.ts';

type Case = { title: string; wanted?: string; obstacle?: string; engine: string; reason: string };

const cases: Case[] = [
  { title: 'a daemon that answers', engine: 'docker', reason: 'a Docker daemon answers' },
  {
    title: 'no daemon',
    obstacle: 'no Docker daemon answers',
    engine: 'native',
    reason: 'no Docker daemon answers',
  },
  { title: 'native by wish', wanted: 'native', engine: 'native', reason: 'FICUS_ENGINE says so' },
  {
    title: 'images by wish',
    wanted: 'docker',
    obstacle: 'none',
    engine: 'docker',
    reason: 'FICUS_ENGINE says so',
  },
  { title: 'an empty wish', wanted: '', obstacle: 'none', engine: 'native', reason: 'none' },
];

test.each(cases)('$title leads to $engine', async ({ wanted, obstacle, engine, reason }) => {
  const choice = await chooseEngine({ FICUS_ENGINE: wanted }, () => Promise.resolve(obstacle));
  expect(choice).toEqual({ engine, reason });
});

test('an unknown engine is named with the legal ones', async () => {
  const choice = chooseEngine({ FICUS_ENGINE: 'podman' }, () => Promise.resolve(undefined));
  await expect(choice).rejects.toThrow("FICUS_ENGINE is 'podman': legal are native, docker");
});
