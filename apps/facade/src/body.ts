import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FicusError } from '#core/errors';

/** 1 MiB: a document with its embedded rows is far smaller, and an attack is larger. */
export const BODY_LIMIT = 1_048_576;

export const DOCUMENT_TYPE = 'application/json';
export const PATCH_TYPE = 'application/merge-patch+json';

/** Bodies stay bytes here: they are parsed against the plan, without loss, where the plan is known. */
export function acceptBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser([DOCUMENT_TYPE, PATCH_TYPE], { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
}

/**
 * The text of a request's body.
 * @throws FicusError `media_type_unsupported` unless it is of this type and plain, `body_invalid` unless it is UTF-8.
 */
export function bodyText(request: FastifyRequest, type: typeof DOCUMENT_TYPE | typeof PATCH_TYPE): string {
  const [given = ''] = (request.headers['content-type'] ?? '').split(';');
  const coding = request.headers['content-encoding'] ?? 'identity';
  if (given.trim().toLowerCase() !== type || coding !== 'identity') {
    const shown =
      given === '' ? 'no media type' : `${given.trim()}${coding === 'identity' ? '' : ` in ${coding}`}`;
    throw new FicusError('media_type_unsupported', `the body is of ${shown}; legal here is ${type}`);
  }
  if (!Buffer.isBuffer(request.body)) return '';
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(request.body);
  } catch (cause) {
    const message = 'the body is not UTF-8';
    throw new FicusError('body_invalid', message, { cause, faults: [{ pointer: '', message }] });
  }
}
