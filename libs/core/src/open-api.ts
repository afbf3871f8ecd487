import { exampleOf, type Schema, schemaOf } from './field-schema.ts';
import { HEADERS, PARAMETERS, PROBLEM, READ_HEADERS, RESPONSES } from './open-api-parts.ts';
import { type Embed, type Field, keyFields, type Plan } from './plan.ts';
import { FILTER_OPERATORS } from './query.ts';
import { isOrdered, LIST_LIMIT, operatorsOf } from './query-parse.ts';

/** OpenAPI 3.1 of the units' resources: https://spec.openapis.org/oas/v3.1.0.html. Nothing in it is written by hand for a unit. */
export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: Readonly<
    Record<'schemas' | 'responses' | 'headers' | 'parameters', Readonly<Record<string, Schema>>>
  >;
}

type PathItem = Readonly<Record<string, unknown>>;

const OPERATOR_WORDS: Readonly<Record<(typeof FILTER_OPERATORS)[number], string>> = {
  eq: 'equal',
  ne: 'not equal',
  gt: 'greater',
  gte: 'greater or equal',
  lt: 'less',
  lte: 'less or equal',
  in: 'one of several, joined by commas',
};
const DESCRIPTION = `The unified API of the estate: one resource a unit, the same JSON whichever database answers.

Decimals and 64-bit integers are strings, dates \`YYYY-MM-DD\`, timestamps ISO 8601, binary values base64, absent values \`null\`.
A key of several parts is its parts, each percent-encoded, joined by commas.

**Lists** take \`filter[field]=value\` and \`filter[field][operator]=value\`; the operators are ${FILTER_OPERATORS.map((one) => `\`${one}\` (${OPERATOR_WORDS[one]})`).join(', ')}.
The word \`null\` is the null value; a backslash makes the next character mean itself. All filters must hold.
\`sort=-a,b\` sorts by \`a\` descending, then \`b\`; text by code point, null first. \`next\` of a page is the \`cursor\` of the following one; keep the other parameters.

**Writes** are committed in the store that the phase names; the answer is the document as it then is. In phase \`offload\` reads come
from MongoDB, which follows within its lag: a read right after a write may still show the state before it, a document that was
just deleted, or none that was just made. The answer to the write itself is current, and so is a read with the header
\`Ficus-Read-From: legacy\`. Conditions (\`If-Match\`, \`If-None-Match\`) are not checked on writes yet, and so are refused with 400.`;

export function openApi(plans: readonly Plan[], version: string): OpenApi {
  const sorted = [...plans].sort((a, b) => (a.unit < b.unit ? -1 : 1));
  return {
    openapi: '3.1.0',
    info: { title: 'Ficus', version, description: DESCRIPTION },
    tags: sorted.map((plan) => ({
      name: plan.unit,
      description: `${plan.description} (owner: ${plan.owner})`,
    })),
    paths: Object.fromEntries(sorted.flatMap(pathsOf)),
    components: {
      schemas: { Problem: PROBLEM, ...Object.fromEntries(sorted.flatMap(schemasOf)) },
      responses: RESPONSES,
      headers: HEADERS,
      parameters: PARAMETERS,
    },
  };
}

function pathsOf(plan: Plan): (readonly [string, PathItem])[] {
  const { unit } = plan;
  const operation = (verb: string, summary: string, rest: Schema): Schema => ({
    operationId: `${verb}-${unit}`,
    tags: [unit],
    summary,
    ...rest,
  });
  const writable = plan.mode !== 'R';
  const collection: PathItem = {
    get: operation('list', 'A page of documents', {
      parameters: [...listParameters(plan), parameter('ReadFrom')],
      responses: { 200: answer('A page', ref(`${unit}.page`), READ_HEADERS), ...problems(400, 410, 503) },
    }),
    ...(writable && {
      post: operation('create', 'Create a document', {
        requestBody: body('application/json', ref(`${unit}.create`)),
        responses: {
          201: answer('Created', ref(unit), [...READ_HEADERS, 'Location', 'ETag']),
          ...problems(400, 409, 413, 415, 422, 503),
        },
      }),
    }),
  };
  const changed = answer('The document as it now is', ref(unit), [...READ_HEADERS, 'ETag']);
  const one: PathItem = {
    parameters: [keyParameter(plan)],
    get: operation('get', 'One document', {
      parameters: [parameter('ReadFrom'), parameter('IfNoneMatch')],
      responses: {
        200: answer('The document', ref(unit), [...READ_HEADERS, 'ETag']),
        304: { description: 'The document is the one that If-None-Match names' },
        ...problems(400, 404, 503),
      },
    }),
    ...(writable && {
      put: operation('replace', 'Replace a document', {
        description:
          'A key that does not exist is 404: PUT never creates. A member that is left out gets the default of its column, an array that is left out is empty.',
        requestBody: body('application/json', ref(`${unit}.replace`)),
        responses: { 200: changed, ...problems(400, 404, 413, 415, 422, 503) },
      }),
      patch: operation('patch', 'Change parts of a document', {
        description: 'A merge patch (RFC 7396): null removes, arrays replace whole.',
        requestBody: body('application/merge-patch+json', ref(`${unit}.patch`)),
        responses: { 200: changed, ...problems(400, 404, 413, 415, 422, 503) },
      }),
      delete: operation('delete', 'Delete a document', {
        responses: { 204: { description: 'Deleted' }, ...problems(400, 404, 422, 503) },
      }),
    }),
  };
  return [
    [`/v1/${unit}`, collection],
    [`/v1/${unit}/{key}`, one],
  ];
}

function schemasOf(plan: Plan): (readonly [string, Schema])[] {
  const { unit } = plan;
  const shown: Schema = {
    ...documentSchema(plan, 'answer'),
    description: plan.description,
    /** Dotted paths of the members that make up the key, in its order. */
    'x-key': keyFields(plan.root).map((field) => field.path),
  };
  const page: Schema = {
    type: 'object',
    required: ['items', 'next'],
    properties: {
      items: { type: 'array', items: ref(unit) },
      next: { type: ['string', 'null'], description: 'The cursor of the next page; null on the last one' },
    },
  };
  const bodies: (readonly [string, Schema])[] = (['create', 'replace', 'patch'] as const).map((use) => [
    `${unit}.${use}`,
    documentSchema(plan, use),
  ]);
  return [[unit, shown], [`${unit}.page`, page], ...(plan.mode === 'R' ? [] : bodies)];
}

/** What a schema describes decides which members it demands. */
type Use = 'answer' | 'create' | 'replace' | 'patch';

function documentSchema(plan: Plan, use: Use): Schema {
  const key = keyFields(plan.root);
  const demanded = (field: Field): boolean =>
    use === 'answer' ||
    (use !== 'patch' && !field.readOnly && (field.required || (use === 'create' && key.includes(field))));
  const tree = objectSchema(plan.root.fields, use, demanded);
  const embeds = plan.embeds.map((embed): [string, Schema] => [embed.path, embedSchema(embed, use)]);
  return {
    ...tree,
    properties: { ...(tree.properties as Schema), ...Object.fromEntries(embeds) },
    ...(use === 'answer' && { required: [...(tree.required as string[]), ...embeds.map(([path]) => path)] }),
    examples: [documentExample(plan, use)],
  };
}

function embedSchema(embed: Embed, use: Use): Schema {
  const key = keyFields(embed);
  const inherited = embed.fields.filter((field) => embed.parentKey.includes(field.column));
  const row = objectSchema(
    embed.fields,
    use === 'answer' ? use : 'replace',
    (field) =>
      use === 'answer' ||
      (!field.readOnly && !inherited.includes(field) && (field.required || key.includes(field))),
  );
  if (embed.cardinality === 'one') return { anyOf: [row, { type: 'null' }] };
  return { type: use === 'answer' ? 'array' : ['array', 'null'], items: row };
}

/** Dotted paths become objects within the object. */
function objectSchema(
  fields: readonly Field[],
  use: Use,
  demanded: (field: Field) => boolean,
  depth = 0,
): Schema {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const [name, members] of Map.groupBy(fields, (field) => field.segments[depth] ?? field.path)) {
    const [field] = members;
    const isLeaf = field !== undefined && field.segments.length === depth + 1;
    properties[name] = isLeaf ? fieldSchema(field, use) : objectSchema(members, use, demanded, depth + 1);
    if (members.some(demanded)) required.push(name);
  }
  return { type: 'object', additionalProperties: false, properties, required };
}

function fieldSchema(field: Field, use: Use): Schema {
  const nullable = !field.required && !(use === 'answer' && field.readOnly);
  const schema = schemaOf(field.type, nullable);
  if (!field.readOnly) return schema;
  const ignored = use === 'answer' ? {} : { description: 'Set by the legacy database; accepted and ignored' };
  return { ...schema, readOnly: true, ...ignored };
}

/** A document that `readDocument` accepts. */
export function documentExample(plan: Plan, use: Use): Schema {
  const key = keyFields(plan.root);
  const own = plan.root.fields.filter(
    (field) => use === 'answer' || (!field.readOnly && (use !== 'patch' || !key.includes(field))),
  );
  const example = nested(use === 'patch' ? own.slice(0, 1) : own);
  if (use === 'patch') return example;
  for (const embed of plan.embeds) {
    const row = nested(
      embed.fields.filter((field) => use === 'answer' || !field.readOnly || embed.key.includes(field.column)),
    );
    example[embed.path] = embed.cardinality === 'one' ? row : [row];
  }
  return example;
}

function nested(fields: readonly Field[]): Record<string, unknown> {
  const example: Record<string, unknown> = {};
  for (const field of fields) {
    let at = example;
    for (const segment of field.segments.slice(0, -1)) {
      at[segment] ??= {};
      at = at[segment] as Record<string, unknown>;
    }
    at[field.segments.at(-1) ?? field.path] = exampleOf(field.type);
  }
  return example;
}

function keyParameter(plan: Plan): Schema {
  const key = keyFields(plan.root);
  return {
    name: 'key',
    in: 'path',
    required: true,
    description: `${key.map((field) => field.path).join(', ')}${key.length > 1 ? ', joined by commas' : ''}`,
    schema: { type: 'string' },
    example: key.map((field) => encodeURIComponent(String(exampleOf(field.type)))).join(','),
  };
}

function listParameters(plan: Plan): readonly Schema[] {
  const sortable = plan.root.fields.filter(isOrdered).map((field) => field.path);
  const query = (name: string, description: string, schema: Schema): Schema => ({
    name,
    in: 'query',
    description,
    schema,
  });
  const filters = plan.root.fields.flatMap((field) => {
    const isRange = !['boolean', 'string', 'uuid'].includes(field.type.kind);
    const shown = operatorsOf(field).filter(
      (one) => one === 'eq' || (isRange && (one === 'gte' || one === 'lt')),
    );
    return shown.map((operator) =>
      query(
        operator === 'eq' ? `filter[${field.path}]` : `filter[${field.path}][${operator}]`,
        operator === 'eq'
          ? `Also: ${operatorsOf(field)
              .filter((one) => one !== 'eq')
              .join(', ')}`
          : OPERATOR_WORDS[operator],
        { type: 'string' },
      ),
    );
  });
  return [
    query('limit', 'Documents a page', {
      type: 'integer',
      minimum: 1,
      maximum: LIST_LIMIT.highest,
      default: LIST_LIMIT.usual,
    }),
    query('cursor', '`next` of the page before', { type: 'string' }),
    query('sort', `Fields, each with a leading - for descending: ${sortable.join(', ')}`, { type: 'string' }),
    ...filters,
  ];
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function parameter(name: string): Schema {
  return { $ref: `#/components/parameters/${name}` };
}

function body(mediaType: string, schema: Schema): Schema {
  return { required: true, content: { [mediaType]: { schema } } };
}

function answer(description: string, schema: Schema, headers: readonly string[]): Schema {
  return {
    description,
    headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: { 'application/json': { schema } },
  };
}

function problems(...statuses: readonly number[]): Schema {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
  );
}
