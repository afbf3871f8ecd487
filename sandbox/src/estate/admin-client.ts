/** What the demonstration reads of the admin endpoint's answers. */
export interface UnitView {
  readonly unit: string;
  readonly phase: string;
  readonly lagMs: number | null;
  readonly snapshot: {
    readonly complete: boolean;
    readonly rows: number;
    readonly total: number | null;
  } | null;
  readonly counts: Readonly<Record<string, number>> | null;
}

export interface GuardView {
  readonly name: string;
  readonly passed: boolean;
  readonly value: string;
  readonly limit: string;
}

export interface VerificationView {
  readonly id: string;
  readonly state: string;
  readonly rowsCompared: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  readonly inFlight: number;
  readonly reason: string | null;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** The admin endpoint, called as an operator would. */
export class AdminClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async unit(name: string): Promise<UnitView> {
    return (await this.call<UnitView>('GET', `/admin/units/${name}`)).body;
  }

  async flip(
    name: string,
    to: string,
    reason: string,
    dryRun: boolean,
  ): Promise<Answer<{ guards: readonly GuardView[] }>> {
    return await this.call('POST', `/admin/units/${name}/transitions`, { to, reason, dryRun });
  }

  async requestVerification(name: string): Promise<string> {
    const { body } = await this.call<{ id: string }>('POST', `/admin/units/${name}/verifications`, {});
    return body.id;
  }

  async verification(id: string): Promise<VerificationView | null> {
    const { status, body } = await this.call<VerificationView>('GET', `/admin/verifications/${id}`);
    return status === 200 ? body : null;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': 'application/json', 'ficus-actor': 'demo' },
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as T };
  }
}
