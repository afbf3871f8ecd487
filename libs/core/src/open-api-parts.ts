import { ERROR_CODES } from './errors.ts';
import type { Schema } from './field-schema.ts';
import { PROBLEM_TYPE } from './problem.ts';
import { FALLBACKS } from './routing.ts';

/** The parts of the OpenAPI document that are the same for every unit. */

const text: Schema = { type: 'string' };

/** RFC 9457, see problem.ts. */
export const PROBLEM: Schema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'errors'],
  properties: {
    type: { ...text, format: 'uri' },
    title: text,
    status: { type: 'integer' },
    detail: text,
    instance: {
      ...text,
      format: 'uri',
      description:
        'Names this occurrence; where Ficus is at fault (5xx), its log has the cause under this name',
    },
    code: { ...text, enum: [...ERROR_CODES] },
    errors: {
      type: 'array',
      description: 'Every fault of the request',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { ...text, format: 'json-pointer' }, detail: text },
      },
    },
  },
};

const PROBLEM_WORDS: Readonly<Record<number, string>> = {
  400: 'The request breaks the schema; `errors` points at each fault',
  404: 'No document with this key',
  409: 'A document with this key exists',
  410: 'The cursor has outlived the store that it came from; start the list again',
  413: 'The body is larger than 1 MiB',
  415: 'The media type is not supported',
  422: 'The legacy database refuses the values, e.g. a foreign key or a check',
  503: 'A database that the request needs cannot be reached; `Retry-After` says when to try again',
};

export const RESPONSES: Readonly<Record<string, Schema>> = Object.fromEntries(
  Object.entries(PROBLEM_WORDS).map(([status, description]) => [
    `Problem${status}`,
    { description, content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } },
  ]),
);

export const HEADERS: Readonly<Record<string, Schema>> = {
  ETag: {
    description: 'A digest of the document, the same from either store and across a change of phase',
    schema: text,
  },
  'Ficus-Fallback': {
    description: 'Why legacy answered although the phase says MongoDB',
    schema: { ...text, enum: FALLBACKS },
  },
  'Ficus-Phase': { description: 'The phase of the unit', schema: text },
  'Ficus-Store': { description: 'The store that answered', schema: { ...text, enum: ['legacy', 'mongodb'] } },
  Location: { description: 'The address of the new document', schema: text },
};

/** The headers of every answer of a unit. */
export const READ_HEADERS = ['Ficus-Phase', 'Ficus-Store', 'Ficus-Fallback'] as const;

export const PARAMETERS: Readonly<Record<string, Schema>> = {
  ReadFrom: {
    name: 'Ficus-Read-From',
    in: 'header',
    description: 'Diagnostic: asks this store, whatever the phase and the lag say',
    schema: { ...text, enum: ['legacy', 'mongodb'] },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'Entity tags that the client has already; 304 when the document is one of them',
    schema: text,
  },
};
