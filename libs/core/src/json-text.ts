import { FicusError, reasonOf } from './errors.ts';

/**
 * JSON without loss: a number keeps the text that it was written with, because a JavaScript number cannot hold every
 * decimal and every 64-bit integer. `JSON.parse` hands that text to its reviver (ECMAScript 2026, Node 21 and later).
 */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonObject = { readonly [name: string]: JsonValue };
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;

/** @throws FicusError `body_invalid` with the place of the fault. A member given twice counts as its last, as in RFC 8259. */
export function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new JsonNumber(context?.source ?? String(value)) : value,
    ) as JsonValue;
  } catch (cause) {
    const message = text.trim() === '' ? 'the body is empty' : `the body is not JSON: ${reasonOf(cause)}`;
    throw new FicusError('body_invalid', message, { cause, faults: [{ pointer: '', message }] });
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
  );
}

/** For messages: what stands there, short. */
export function describeJson(value: JsonValue): string {
  if (value instanceof JsonNumber) return `the number ${value.text.slice(0, 60)}`;
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  return JSON.stringify(value).slice(0, 60);
}

/**
 * RFC 7396: members of the patch replace those of the target, null removes, objects are merged, anything else
 * (arrays too) replaces whole.
 */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, JsonValue>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}
