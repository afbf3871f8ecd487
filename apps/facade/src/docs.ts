import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { openApi } from '#core/open-api';
import type { UnitRegistry } from './unit-registry.ts';

/** Of the API, as its paths say it. */
const VERSION = '1';

/** `/openapi.json` and `/docs`, both made anew from the plans at each request: a new plan is there at once. */
export function serveDocs(app: NestFastifyApplication, registry: UnitRegistry): void {
  const current = (): OpenAPIObject => openApi(registry.plans(), VERSION) as unknown as OpenAPIObject;
  SwaggerModule.setup('docs', app, current, {
    customSiteTitle: 'Ficus',
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    patchDocumentOnRequest: current,
  });
}
