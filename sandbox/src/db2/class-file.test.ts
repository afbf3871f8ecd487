import { describe, expect, it } from 'vitest';
import { writeClass } from './class-file.ts';
import { functionsClass } from './functions.ts';

describe('writeClass', () => {
  it('writes the format of the JVM specification, chapter 4', () => {
    const bytes = writeClass('a/B', [
      {
        name: 'f',
        type: '()Ljava/lang/String;',
        stack: 1,
        locals: 0,
        code: [
          { do: 'string', value: 'hé' },
          { do: 'return', kind: 'reference' },
        ],
      },
    ]);
    const constants = [
      ['01', '0003', Buffer.from('a/B').toString('hex')],
      ['07', '0001'],
      ['01', '0010', Buffer.from('java/lang/Object').toString('hex')],
      ['07', '0003'],
      ['01', '0004', Buffer.from('Code').toString('hex')],
      ['01', '0003', Buffer.from('hé').toString('hex')],
      ['08', '0006'],
      ['01', '0001', Buffer.from('f').toString('hex')],
      ['01', '0014', Buffer.from('()Ljava/lang/String;').toString('hex')],
    ];
    const method = [
      '0009',
      '0008',
      '0009',
      '0001',
      '0005',
      '0000000f',
      '0001',
      '0000',
      '00000003',
      '1207b0',
      '0000',
      '0000',
    ];
    const expected = [
      'cafebabe',
      '0000',
      '0034',
      '000a',
      ...constants.flat(),
      '0021',
      '0002',
      '0004',
      '0000',
      '0000',
      '0001',
      ...method,
      '0000',
    ];
    expect(bytes.toString('hex')).toBe(expected.join(''));
  });

  it('keeps each constant once', () => {
    const text = functionsClass().toString('latin1');
    expect(text.split('jdbc:default:connection').length).toBe(2);
  });
});
