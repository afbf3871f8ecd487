import { Controller, Get, Inject, Param } from '@nestjs/common';
import { FicusError } from '#core/errors';
import type { Transition } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import { type AdminParts, PARTS } from './admin-parts.ts';

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
}
