import type { Registry } from 'prom-client';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { DocumentReader } from './document-reader.ts';
import type { DocumentWriter } from './document-writer.ts';
import type { UnitRegistry } from './unit-registry.ts';

/** What the controllers stand on, under one token. */
export interface FacadeParts {
  readonly registry: UnitRegistry;
  readonly reader: DocumentReader;
  readonly writer: DocumentWriter;
  readonly dependencies: Dependencies;
  readonly metrics: Registry;
  readonly log: Logger;
  /** What goes on in the background; ends when the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Closes what was opened, after the last request and after `run`. */
  readonly close: () => Promise<void>;
}
