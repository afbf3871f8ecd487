import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { FicusError } from '#core/errors';
import type { DeadLetter, Transition } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import { type AdminParts, PARTS } from './admin-parts.ts';
import { deadLetterQuery, parse } from './body.ts';

/** What is found by its own id, across units. */
@Controller('admin')
export class RecordsController {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  @Get('transitions/:id')
  async transition(@Param('id') id: string): Promise<Transition> {
    const found = await this.#parts.control.transitions.read(id);
    if (found === null) throw new FicusError('transition_unknown', `transition "${id}" does not exist`);
    return found;
  }

  @Get('verifications/:id')
  async verification(@Param('id') id: string): Promise<Verification> {
    const found = await this.#parts.control.verifications.read(id);
    if (found === null) throw new FicusError('verification_unknown', `verification "${id}" does not exist`);
    return found;
  }

  /** Newest first, of one unit or of all. The records themselves are not shown: they hold the source's raw values. */
  @Get('dead-letters')
  async deadLetters(
    @Query() query: unknown,
  ): Promise<{ items: readonly Omit<DeadLetter, 'key' | 'value'>[] }> {
    const { unit, limit } = parse(deadLetterQuery, query, 'query_invalid');
    if (unit !== undefined) await this.#parts.fleet.unit(unit);
    const letters = await this.#parts.control.deadLetters.list(unit ?? null, limit);
    return { items: letters.map(({ key: _key, value: _value, ...told }) => told) };
  }
}
