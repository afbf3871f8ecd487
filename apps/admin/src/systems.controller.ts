import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ACTOR_HEADER, actorOf } from './actor.ts';
import { type AdminParts, PARTS } from './admin-parts.ts';
import { noQuery, parse, resnapshotBody } from './body.ts';
import type { SystemView } from './systems.ts';

/** `/admin/systems`: the legacy systems, what their slots hold back, and beginning anew after one is lost. */
@Controller('admin/systems')
export class SystemsController {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  @Get()
  async list(@Query() query: unknown): Promise<{ items: readonly SystemView[] }> {
    parse(noQuery, query, 'query_invalid');
    return { items: await this.#parts.systems.all() };
  }

  @Get(':system')
  async one(@Param('system') system: string): Promise<SystemView> {
    return await this.#parts.systems.one(system);
  }

  /** 202: the replicators carry it out. */
  @Post(':system/resnapshot')
  @HttpCode(202)
  async resnapshot(
    @Param('system') system: string,
    @Body() body: unknown,
    @Headers(ACTOR_HEADER) actor: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SystemView> {
    const order = parse(resnapshotBody, body);
    await this.#parts.systems.resnapshot(system, { by: actorOf(actor), ...order });
    reply.header('location', `/admin/systems/${encodeURIComponent(system)}`);
    return await this.#parts.systems.one(system);
  }
}
