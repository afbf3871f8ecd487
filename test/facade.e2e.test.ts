import { beforeAll, describe, expect, it, vi } from 'vitest';

/**
 * The running facade over the whole estate, knowing nothing of its units but what /openapi.json says: every document
 * is the same, byte for byte, from either store. Others may write meanwhile: a document that differs must become equal
 * within the time that replication takes.
 */

const PAGE = 1000;
const CONVERGED_MS = 60_000;

type StoreName = 'legacy' | 'mongodb';

interface Resource {
  readonly unit: string;
  readonly key: readonly string[];
  readonly writable: boolean;
  readonly sortable: readonly string[];
  /** A legal key that no document has. */
  readonly unlikely: string;
}

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

function addressOf(variable: string): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new Error(`${variable} is not set: this test needs the running estate`);
  return value.replace(/\/$/, '');
}

async function call(path: string, init: RequestInit = {}): Promise<Got> {
  const response = await fetch(`${addressOf('FICUS_API_URL')}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function from(store: StoreName): RequestInit {
  return { headers: { 'ficus-read-from': store } };
}

interface Parameter {
  readonly name?: string;
  readonly description?: string;
  readonly example?: string;
}

interface OpenApiShape {
  readonly paths: Readonly<
    Record<
      string,
      { parameters?: readonly Parameter[]; get?: { parameters?: readonly Parameter[] }; post?: object }
    >
  >;
  readonly components: {
    readonly schemas: Readonly<Record<string, { 'x-key'?: readonly string[] }>>;
  };
}

async function resources(): Promise<readonly Resource[]> {
  const { paths, components } = JSON.parse((await call('/openapi.json')).body) as OpenApiShape;
  return Object.entries(paths).flatMap(([path, item]) => {
    const [, unit] = /^\/v1\/([^/]+)$/.exec(path) ?? [];
    if (unit === undefined) return [];
    const sort = item.get?.parameters?.find(({ name }) => name === 'sort')?.description ?? '';
    return [
      {
        unit,
        key: components.schemas[unit]?.['x-key'] ?? [],
        writable: item.post !== undefined,
        sortable: (sort.split(': ')[1] ?? '').split(', '),
        unlikely: paths[`${path}/{key}`]?.parameters?.[0]?.example ?? '',
      },
    ];
  });
}

type Item = Readonly<Record<string, unknown>>;

function pathTo(resource: Resource, item: Item): string {
  const parts = resource.key.map((path) => {
    const value = path.split('.').reduce<unknown>((at, name) => (at as Item)[name], item);
    return encodeURIComponent(String(value));
  });
  return `/v1/${resource.unit}/${parts.join(',')}`;
}

interface PageBody {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** The text of every document by its path, and of every page as it came. */
async function walk(resource: Resource, store: StoreName): Promise<ReadonlyMap<string, string>> {
  const documents = new Map<string, string>();
  let cursor = '';
  do {
    const got = await call(`/v1/${resource.unit}?limit=${PAGE}${cursor}`, from(store));
    expect(got.status, got.body).toBe(200);
    expect(got.headers.get('ficus-store')).toBe(store);
    const { items, next } = JSON.parse(got.body) as PageBody;
    // What is compared below as items must be what was sent.
    expect(JSON.stringify({ items, next })).toBe(got.body);
    for (const item of items) documents.set(pathTo(resource, item), JSON.stringify(item));
    cursor = next === null ? '' : `&cursor=${next}`;
  } while (cursor !== '');
  return documents;
}

/** Reads one document from both stores until they agree. */
async function agreed(path: string): Promise<readonly [Got, Got]> {
  let pair: readonly [Got, Got] | null = null;
  await vi.waitUntil(
    async () => {
      pair = await Promise.all([call(path, from('legacy')), call(path, from('mongodb'))]);
      const [legacy, mongodb] = pair;
      return legacy.status === mongodb.status && (legacy.status !== 200 || legacy.body === mongodb.body);
    },
    { timeout: CONVERGED_MS, interval: 250 },
  );
  if (pair === null) throw new Error('nothing was read');
  return pair;
}

let estate: readonly Resource[];
let writable: Resource;

beforeAll(async () => {
  estate = await resources();
  const found = estate.find((resource) => resource.writable);
  if (found === undefined) throw new Error('the estate has no writable unit');
  writable = found;
});

async function anItem(resource: Resource): Promise<Item> {
  const { items } = JSON.parse((await call(`/v1/${resource.unit}?limit=1`)).body) as PageBody;
  const [item] = items;
  if (item === undefined) throw new Error(`unit ${resource.unit} is empty`);
  return item;
}

describe('both stores', () => {
  it('hold every document of every unit byte for byte', async () => {
    for (const resource of estate) {
      const [legacy, mongodb] = await Promise.all([walk(resource, 'legacy'), walk(resource, 'mongodb')]);
      expect(legacy.size, resource.unit).toBeGreaterThan(0);
      const paths = new Set([...legacy.keys(), ...mongodb.keys()]);
      const suspects = [...paths].filter((path) => legacy.get(path) !== mongodb.get(path));
      for (const path of suspects) await agreed(path);
    }
  });

  it('answer single documents with the same bytes and the same entity tag', async () => {
    for (const resource of estate) {
      const { items } = JSON.parse((await call(`/v1/${resource.unit}?limit=25`)).body) as PageBody;
      for (const item of items) {
        const [legacy, mongodb] = await agreed(pathTo(resource, item));
        if (legacy.status !== 200) continue;
        expect(mongodb.headers.get('etag')).toBe(legacy.headers.get('etag'));
        expect(legacy.headers.get('etag')).toMatch(/^"[\w-]{43}"$/);
      }
    }
  });

  it('list in the same order by every field that can be sorted', async () => {
    for (const resource of estate) {
      for (const sort of resource.sortable.flatMap((path) => [path, `-${path}`])) {
        const page = (store: StoreName): Promise<Got> =>
          call(`/v1/${resource.unit}?limit=50&sort=${sort}`, from(store));
        await vi.waitUntil(
          async () => {
            const [legacy, mongodb] = await Promise.all([page('legacy'), page('mongodb')]);
            expect(legacy.status, legacy.body).toBe(200);
            const textOf = ({ body }: Got): string => JSON.stringify((JSON.parse(body) as PageBody).items);
            return textOf(legacy) === textOf(mongodb);
          },
          { timeout: CONVERGED_MS, interval: 250 },
        );
      }
    }
  });
});

describe('a write', () => {
  it('that sends back what a GET answered leaves the document as it was, in both stores', async () => {
    const path = pathTo(writable, await anItem(writable));
    const [before] = await agreed(path);
    const headers = { 'content-type': 'application/json' };
    const put = await call(path, { method: 'PUT', headers, body: before.body });
    expect(put.status, put.body).toBe(200);
    expect(put.headers.get('ficus-store')).toBe('legacy');
    await agreed(path);
  });

  it('of an empty patch is no change', async () => {
    const path = pathTo(writable, await anItem(writable));
    const headers = { 'content-type': 'application/merge-patch+json' };
    const patch = await call(path, { method: 'PATCH', headers, body: '{}' });
    expect(patch.status, patch.body).toBe(200);
  });
});

describe('a faulty request', () => {
  interface Case {
    readonly why: string;
    readonly path: (unit: string) => string;
    readonly init?: RequestInit;
    readonly status: number;
    readonly code: string;
  }
  const json = { 'content-type': 'application/json' };
  const cases: readonly Case[] = [
    { why: 'an unknown unit', path: () => '/v1/no-such-unit', status: 404, code: 'unit_unknown' },
    {
      why: 'a key of too many parts',
      path: (unit) => `/v1/${unit}/a,b,c,d,e,f,g`,
      status: 400,
      code: 'key_invalid',
    },
    { why: 'an unknown parameter', path: (unit) => `/v1/${unit}?page=1`, status: 400, code: 'query_invalid' },
    { why: 'a damaged cursor', path: (unit) => `/v1/${unit}?cursor=x`, status: 400, code: 'cursor_invalid' },
    {
      why: 'a method that is not there',
      path: (unit) => `/v1/${unit}`,
      init: { method: 'DELETE' },
      status: 405,
      code: 'method_not_allowed',
    },
    {
      why: 'no JSON',
      path: (unit) => `/v1/${unit}`,
      init: { method: 'POST', headers: json, body: '{' },
      status: 400,
      code: 'body_invalid',
    },
    {
      why: 'another media type',
      path: (unit) => `/v1/${unit}`,
      init: { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a' },
      status: 415,
      code: 'media_type_unsupported',
    },
    {
      why: 'a body of 2 MiB',
      path: (unit) => `/v1/${unit}`,
      init: { method: 'POST', headers: json, body: `"${'x'.repeat(2 ** 21)}"` },
      status: 413,
      code: 'body_too_large',
    },
  ];
  it.each(cases)('of $why gets $status $code', async ({ path, init, status, code }) => {
    const got = await call(path(writable.unit), init);
    expect(got.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(got.body)).toMatchObject({ status, code });
    expect(got.status).toBe(status);
    if (status === 405) expect(got.headers.get('allow')).toContain('POST');
  });

  it('gets a pointer for each fault of its body', async () => {
    const body = JSON.stringify({ noSuchMember: 1, another: [] });
    const got = await call(`/v1/${writable.unit}`, { method: 'POST', headers: json, body });
    expect(got.status).toBe(400);
    const { errors } = JSON.parse(got.body) as { errors: readonly { pointer: string }[] };
    const pointers = errors.map(({ pointer }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/noSuchMember', '/another']));
    for (const path of writable.key) expect(pointers).toContain(`/${path.replaceAll('.', '/')}`);
  });

  it('of a document that is not there gets 404', async () => {
    const got = await call(`/v1/${writable.unit}/${writable.unlikely}`);
    expect(JSON.parse(got.body)).toMatchObject({ status: 404, code: 'document_unknown' });
  });
});
