import { describe, expect, it } from 'vitest';
import { printRequest, readAnswer } from './log-ids.ts';

const text = (value: string): string => `${byte(value.length + 1)}${Buffer.from(value).toString('hex')}`;
const byte = (value: number): string => value.toString(16).padStart(2, '0');
const int = (value: number): string => value.toString(16).padStart(8, '0');

const NO_ID = '0'.repeat(32);
const ID = '00112233445566778899aabbccddeeff';

/** Of one partition, with one replica that is in step and none that is away. */
const partition = `0000${int(0)}${int(1)}${int(7)}02${int(1)}02${int(1)}0100`;
const topic = (name: string, id: string): string => `0000${text(name)}${id}0002${partition}${int(0)}00`;
const answer = (...topics: readonly string[]): Buffer => {
  // With a tagged field of two bytes, as a later broker may have one.
  const broker = `${int(1)}${text('localhost')}${int(9092)}00010502ffff`;
  const head = `00${int(0)}02${broker}${text('cluster')}${int(1)}`;
  return Buffer.from(`${head}${byte(topics.length + 1)}${topics.join('')}${int(0)}00`, 'hex');
};

describe('ids of topics', () => {
  it('are asked for by name, and no topic is made by that', () => {
    const asked = printRequest(['ab']).toString('hex');
    expect(asked).toBe(`00${byte(2)}${NO_ID}${text('ab')}00${'00'.repeat(4)}`);
    const long = 'x'.repeat(200);
    expect(printRequest([long]).toString('hex')).toContain(`c901${Buffer.from(long).toString('hex')}`);
  });

  it('are read with all that stands around them', () => {
    expect(readAnswer(answer(topic('a', ID), topic('b', NO_ID)))).toEqual(new Map([['a', ID]]));
    expect(readAnswer(answer())).toEqual(new Map());
  });

  it('are not made up where the answer is cut', () => {
    const whole = answer(topic('a', ID));
    expect(() => readAnswer(whole.subarray(0, whole.length - 20))).toThrow(/ends before its end/);
  });
});
