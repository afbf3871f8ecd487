import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { FicusError } from '#core/errors';
import type { DeadLetter, LetterGroup, LetterOrder } from '#core/ports/dead-letters';
import { ACTOR_HEADER, actorOf } from './actor.ts';
import { type AdminParts, PARTS } from './admin-parts.ts';
import { deadLetterQuery, groupQuery, letterOrderBody, parse } from './body.ts';

/** A letter without the record itself, which holds the source's raw values. */
type LetterView = Omit<DeadLetter, 'key' | 'value' | 'headers' | 'row'>;

interface Ordered {
  readonly dryRun: boolean;
  /** How many letters the order was given for, oldest first. */
  readonly ordered: number;
  readonly items: readonly LetterView[];
}

/** Letters that one order moves at most; the next one moves the next. */
const MOST = 1_000;
/** How long a rehearsal is waited for, in milliseconds. */
const PATIENCE_MS = 10_000;
const POLL_MS = 100;

/** `/admin/dead-letters`: records that could not be applied, and what is to be done with them. */
@Controller('admin/dead-letters')
export class LettersController {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  /** Newest first, of one unit or of all. */
  @Get()
  async list(@Query() query: unknown): Promise<{ items: readonly LetterView[] }> {
    const { unit, state, limit } = parse(deadLetterQuery, query, 'query_invalid');
    if (unit !== undefined) await this.#parts.fleet.unit(unit);
    const states = state === undefined ? (['dead', 'waiting'] as const) : [state];
    const letters = await this.#parts.control.deadLetters.list({ unit: unit ?? null, states }, limit);
    return { items: letters.map(viewOf) };
  }

  /** Open letters by their cause. */
  @Get('groups')
  async groups(@Query() query: unknown): Promise<{ items: readonly LetterGroup[] }> {
    const { unit } = parse(groupQuery, query, 'query_invalid');
    if (unit !== undefined) await this.#parts.fleet.unit(unit);
    return { items: await this.#parts.control.deadLetters.groups(unit ?? null) };
  }

  /**
   * 202: the replicators carry it out, each for its partitions. Of a dry run, 200: what a replay would do, as they have
   * rehearsed it, or what would be discarded.
   */
  @Post('orders')
  @HttpCode(202)
  async order(
    @Body() body: unknown,
    @Headers(ACTOR_HEADER) actor: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Ordered> {
    const { what, reason, dryRun, all: _all, ...choice } = parse(letterOrderBody, body);
    const { clock, control, fleet } = this.#parts;
    await fleet.unit(choice.unit);
    const at = new Date(clock.now()).toISOString();
    const order: LetterOrder = { what: dryRun ? 'rehearse' : what, reason, by: actorOf(actor), at };
    const ids =
      dryRun && what === 'discard'
        ? await control.deadLetters.chosen(choice, MOST)
        : await control.deadLetters.order(choice, order, MOST);
    if (ids.length === 0)
      throw new FicusError(
        'letter_unknown',
        `no dead letter of unit "${choice.unit}" is meant by ${JSON.stringify(choice)}`,
      );
    if (dryRun) reply.code(200);
    const letters =
      dryRun && what === 'replay' ? await this.#rehearsed(ids) : await control.deadLetters.read(ids);
    return { dryRun, ordered: ids.length, items: letters.map(viewOf) };
  }

  /** Waits until all have been rehearsed; one that has not been keeps its order. */
  async #rehearsed(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    const { clock, control } = this.#parts;
    for (const end = clock.now() + PATIENCE_MS; ; await clock.sleep(POLL_MS)) {
      const letters = await control.deadLetters.read(ids);
      if (letters.every(({ order }) => order === null) || clock.now() >= end) return letters;
    }
  }
}

function viewOf({ key: _key, value: _value, headers: _headers, row: _row, ...told }: DeadLetter): LetterView {
  return told;
}
