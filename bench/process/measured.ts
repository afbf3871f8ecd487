/** What one run of one contestant cost. */
export interface Measured {
  readonly ms: number;
  /** CPU of the contestant's own process, user and system. */
  readonly cpuMs: number;
  /** The most memory that it had resident. */
  readonly peakBytes: number;
}

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly measured: Measured; readonly notes?: Readonly<Record<string, number>> };
