import { expect, test } from 'vitest';
import { addCounts, countReport, formatCount } from './test-run.ts';

const report = (numbers: object) => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numFailedTestSuites: 0,
  ...numbers,
});

type Case = { title: string; numbers: object; text: string };

const cases: Case[] = [
  {
    title: 'passed and pending',
    numbers: { numPassedTests: 3, numPendingTests: 1 },
    text: '3 passed, 0 failed, 1 skipped',
  },
  { title: 'todo counts as skipped', numbers: { numTodoTests: 2 }, text: '0 passed, 0 failed, 2 skipped' },
  {
    title: 'failed tests are counted, not the suites around them',
    numbers: { numFailedTests: 2, numFailedTestSuites: 5 },
    text: '0 passed, 2 failed, 0 skipped',
  },
  {
    title: 'a file that does not load counts as failed',
    numbers: { numPassedTests: 7, numFailedTestSuites: 1 },
    text: '7 passed, 1 failed, 0 skipped',
  },
];

test.each(cases)('$title', ({ numbers, text }) => {
  expect(formatCount(countReport(report(numbers)))).toBe(text);
});

test('the counts of all runs are added', () => {
  const total = addCounts([
    { passed: 1, failed: 0, skipped: 2 },
    { passed: 10, failed: 1, skipped: 0 },
  ]);
  expect(formatCount(total)).toBe('11 passed, 1 failed, 2 skipped');
});
