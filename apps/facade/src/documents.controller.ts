import { Controller, Delete, Get, Inject, Options, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DocumentKey } from '#core/document';
import { FicusError, reasonOf } from '#core/errors';
import { parseKey } from '#core/key';
import { keyFields } from '#core/plan';
import type { Unit } from '#core/unit-state';
import type { Answer } from './answer.ts';
import { bodyText, DOCUMENT_TYPE, PATCH_TYPE } from './body.ts';
import type { DocumentReader } from './document-reader.ts';
import type { DocumentWriter } from './document-writer.ts';
import type { FacadeParts } from './facade-parts.ts';
import { allowOf, type Place } from './methods.ts';
import type { StoreName } from './read-route.ts';
import { PARTS } from './tokens.ts';
import type { UnitRegistry } from './unit-registry.ts';

type UnitRequest = FastifyRequest<{ Params: { unit: string } }>;

/** The resources of all units. HEAD is answered by the server from GET. */
@Controller('v1/:unit')
export class DocumentsController {
  readonly #registry: UnitRegistry;
  readonly #reader: DocumentReader;
  readonly #writer: DocumentWriter;

  constructor(@Inject(PARTS) parts: FacadeParts) {
    this.#registry = parts.registry;
    this.#reader = parts.reader;
    this.#writer = parts.writer;
  }

  @Get()
  async list(@Req() request: UnitRequest, @Res() reply: FastifyReply): Promise<void> {
    const parameters = parametersOf(request);
    send(reply, await this.#reader.page(this.#unit(request), parameters, askedStore(request)));
  }

  @Post()
  async create(@Req() request: UnitRequest, @Res() reply: FastifyReply): Promise<void> {
    const unit = this.#writable(request);
    send(reply, await this.#writer.create(unit, bodyText(request, DOCUMENT_TYPE)));
  }

  @Options()
  collectionOptions(@Req() request: UnitRequest, @Res() reply: FastifyReply): void {
    send(reply, this.#options(request, 'collection'));
  }

  @Get(':key')
  async one(@Req() request: UnitRequest, @Res() reply: FastifyReply): Promise<void> {
    const unit = this.#unit(request);
    const wish = { asked: askedStore(request), ifNoneMatch: request.headers['if-none-match'] };
    send(reply, await this.#reader.one(unit, keyIn(unit, request), wish));
  }

  @Put(':key')
  async replace(@Req() request: UnitRequest, @Res() reply: FastifyReply): Promise<void> {
    const unit = this.#writable(request);
    send(reply, await this.#writer.replace(unit, keyIn(unit, request), bodyText(request, DOCUMENT_TYPE)));
  }

  @Patch(':key')
  async patch(@Req() request: UnitRequest, @Res() reply: FastifyReply): Promise<void> {
    const unit = this.#writable(request);
    send(reply, await this.#writer.patch(unit, keyIn(unit, request), bodyText(request, PATCH_TYPE)));
  }

  @Delete(':key')
  async remove(@Req() request: UnitRequest, @Res() reply: FastifyReply): Promise<void> {
    const unit = this.#writable(request);
    send(reply, await this.#writer.remove(unit, keyIn(unit, request)));
  }

  @Options(':key')
  documentOptions(@Req() request: UnitRequest, @Res() reply: FastifyReply): void {
    send(reply, this.#options(request, 'document'));
  }

  #unit(request: UnitRequest): Unit {
    return this.#registry.unit(request.params.unit);
  }

  /** Asked before anything of the body is read: a method that is not allowed needs no other fault. */
  #writable(request: UnitRequest): Unit {
    const unit = this.#unit(request);
    this.#writer.admit(unit);
    refuseCondition(request);
    return unit;
  }

  #options(request: UnitRequest, kind: Place['kind']): Answer {
    const { mode } = this.#unit(request).plan;
    const patch = kind === 'document' && mode !== 'R' ? { 'accept-patch': PATCH_TYPE } : {};
    return { status: 204, headers: { allow: allowOf(kind, mode), ...patch }, body: null };
  }
}

function send(reply: FastifyReply, answer: Answer): void {
  void reply
    .code(answer.status)
    .headers(answer.headers)
    .send(answer.body ?? undefined);
}

/** From the path as it was sent: the router's own decoding would lose which commas belong to a component. */
function keyIn(unit: Unit, request: FastifyRequest): DocumentKey {
  const text = request.url.split('?')[0]?.split('/')[3] ?? '';
  try {
    return parseKey(text, keyFields(unit.plan.root));
  } catch (cause) {
    const message = reasonOf(cause);
    throw new FicusError('key_invalid', message, { cause, faults: [{ pointer: '', message }] });
  }
}

/** @throws FicusError `query_invalid`: what is not encoded as it must be would be read as something else. */
function parametersOf(request: FastifyRequest): URLSearchParams {
  const [, query = ''] = /\?(.*)$/s.exec(request.url) ?? [];
  for (const pair of query.split('&')) {
    try {
      decodeURIComponent(pair);
    } catch (cause) {
      const message = `"${pair.slice(0, 80)}" is not percent-encoded UTF-8; a percent sign itself is %25`;
      throw new FicusError('query_invalid', message, { cause, faults: [{ pointer: '', message }] });
    }
  }
  return new URLSearchParams(query);
}

const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];

/** A condition that is not checked must not look as if it were. */
function refuseCondition(request: FastifyRequest): void {
  const given = CONDITIONS.find((name) => request.headers[name] !== undefined);
  if (given === undefined) return;
  throw new FicusError('request_invalid', `the header ${given} is not supported on writes yet; leave it out`);
}

/** The diagnostic header Ficus-Read-From. */
function askedStore(request: FastifyRequest): StoreName | null {
  const asked = request.headers['ficus-read-from'];
  if (asked === undefined) return null;
  if (asked === 'legacy' || asked === 'mongodb') return asked;
  throw new FicusError(
    'request_invalid',
    `the header Ficus-Read-From is "${String(asked)}"; legal is legacy or mongodb`,
  );
}
