import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Transition } from '#core/ports/control';
import type { UnknownColumn } from '#core/ports/replication';
import type { Difference, Verification } from '#core/reconcile';
import { queuedVerification } from '#core/reconcile';
import { ACTOR_HEADER, actorOf } from './actor.ts';
import { type AdminParts, PARTS } from './admin-parts.ts';
import { flipBody, limitQuery, noQuery, parse, verifyBody } from './body.ts';
import type { UnitView } from './fleet.ts';
import type { FlipPreview } from './flip.ts';
import { lastEnded } from './measure.ts';

/** A list; admin lists are short and come whole, or cut at `limit` with the newest first. */
interface Items<T> {
  readonly items: readonly T[];
}

/** `/admin/units`: what stands where, what may come next, and doing it. */
@Controller('admin/units')
export class UnitsController {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  @Get()
  async list(@Query() query: unknown): Promise<Items<UnitView>> {
    parse(noQuery, query, 'query_invalid');
    return { items: await this.#parts.fleet.all() };
  }

  @Get(':unit')
  async one(@Param('unit') unit: string): Promise<UnitView> {
    return await this.#parts.fleet.one(unit);
  }

  /** The next steps up and down, each with its guards as they stand now. */
  @Get(':unit/transition')
  async next(
    @Param('unit') name: string,
  ): Promise<{ unit: string; phase: string; steps: readonly FlipPreview[] }> {
    const unit = await this.#parts.fleet.unit(name);
    return { unit: name, phase: unit.state.phase, steps: await this.#parts.flip.previews(unit) };
  }

  @Get(':unit/transitions')
  async history(@Param('unit') name: string, @Query() query: unknown): Promise<Items<Transition>> {
    const { limit } = parse(limitQuery, query, 'query_invalid');
    await this.#parts.fleet.unit(name);
    return { items: await this.#parts.control.transitions.history(name, limit) };
  }

  /** 201 with the transition, or, of a dry run, 200 with what it would do. */
  @Post(':unit/transitions')
  async flip(
    @Param('unit') unit: string,
    @Body() body: unknown,
    @Headers(ACTOR_HEADER) actor: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Transition | (FlipPreview & { dryRun: true })> {
    const { to, reason, dryRun } = parse(flipBody, body);
    if (dryRun) {
      reply.code(200);
      return { dryRun: true, ...(await this.#parts.flip.dryRun({ unit, to })) };
    }
    const done = await this.#parts.flip.flip({ unit, to, reason, requestedBy: actorOf(actor) });
    reply.code(201).header('location', `/admin/transitions/${done.id}`);
    return done;
  }

  @Get(':unit/verifications')
  async verifications(@Param('unit') name: string, @Query() query: unknown): Promise<Items<Verification>> {
    const { limit } = parse(limitQuery, query, 'query_invalid');
    await this.#parts.fleet.unit(name);
    return { items: await this.#parts.control.verifications.history(name, limit) };
  }

  /** 202: asks for a full scan now, or joins the one of the unit that is waiting or running. */
  @Post(':unit/verifications')
  @HttpCode(202)
  async verify(
    @Param('unit') name: string,
    @Body() body: unknown,
    @Headers(ACTOR_HEADER) actor: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Verification> {
    parse(verifyBody, body);
    await this.#parts.fleet.unit(name);
    const { clock, control, queue } = this.#parts;
    const requestedBy = actorOf(actor);
    const id = await queue.request(name, requestedBy);
    const requestedAt = new Date(clock.now()).toISOString();
    const queued = queuedVerification({ id, unit: name, requestedBy, requestedAt });
    // The worker does the same when it begins; whoever comes first.
    await control.verifications.create(queued);
    reply.header('location', `/admin/verifications/${id}`);
    return (await control.verifications.read(id)) ?? queued;
  }

  /** The confirmed differences of the last verification that ended. */
  @Get(':unit/drift')
  async drift(
    @Param('unit') name: string,
  ): Promise<Items<Difference> & { verification: Verification | null }> {
    await this.#parts.fleet.unit(name);
    const verification = await lastEnded(name, this.#parts.control.verifications);
    return { verification, items: verification?.differences ?? [] };
  }

  @Get(':unit/unknown-columns')
  async unknownColumns(@Param('unit') name: string): Promise<Items<UnknownColumn>> {
    const { fleet } = this.#parts;
    return { items: await fleet.unknownColumns(await fleet.unit(name)) };
  }
}
