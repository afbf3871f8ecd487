import { paymentId } from './billing-data.ts';
import { Random } from './random.ts';

/** What the API clients saw. */
export interface ClientCounts {
  readonly reads: number;
  readonly writes: number;
  /** Answers of 5xx, and connections refused: what a client would notice. */
  readonly failures: number;
  /** Answers by the store that served. */
  readonly served: Readonly<Record<string, number>>;
  readonly lastFailure: string | null;
}

/** An application team: reads, lists and writes payments through the facade, and knows of no phase. */
export class ApiClients {
  readonly #url: string;
  readonly #random: Random;
  readonly #seeded: number;
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | null = null;
  #reads = 0;
  #writes = 0;
  #failures = 0;
  #own = 0;
  #lastFailure: string | null = null;
  readonly #served: Record<string, number> = {};

  constructor(url: string, seed: number, seeded: number) {
    this.#url = url;
    this.#random = new Random(seed);
    this.#seeded = seeded;
  }

  /** @param clients each sends one request after the other, with a pause of `pauseMs` between them. */
  start(clients: number, pauseMs: number): void {
    this.#running ??= Promise.all(Array.from({ length: clients }, () => this.#client(pauseMs)));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  counts(): ClientCounts {
    return {
      reads: this.#reads,
      writes: this.#writes,
      failures: this.#failures,
      served: { ...this.#served },
      lastFailure: this.#lastFailure,
    };
  }

  async #client(pauseMs: number): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#request();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #request(): Promise<void> {
    const random = this.#random;
    const key = paymentId(random.whole(0, this.#seeded - 1));
    switch (random.pick(['one', 'one', 'one', 'list', 'patch', 'post'])) {
      case 'one':
        return await this.#send('GET', `/v1/payments/${key}`);
      case 'list':
        return await this.#send('GET', `/v1/payments?limit=20&sort=-dueOn&filter[status]=OPEN`);
      case 'patch':
        return await this.#send('PATCH', `/v1/payments/${key}`, {
          remittance: `client ${random.hex(8)} – ü`,
          urgent: random.chance(0.5),
        });
      case 'post':
        return await this.#send('POST', '/v1/payments', this.#payment());
    }
  }

  async #send(method: string, path: string, body?: unknown): Promise<void> {
    if (method === 'GET') this.#reads++;
    else this.#writes++;
    try {
      const answer = await fetch(this.#url + path, {
        method,
        signal: AbortSignal.timeout(15_000),
        ...(body === undefined
          ? {}
          : {
              body: JSON.stringify(body),
              headers: {
                'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
              },
            }),
      });
      const text = await answer.text();
      const store = answer.headers.get('ficus-store') ?? 'none';
      this.#served[store] = (this.#served[store] ?? 0) + 1;
      // The seed leaves some keys to the batch program's deletes, so a 404 is an answer like another.
      if (answer.status >= 400 && answer.status !== 404)
        this.#failed(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#failed(`${method} ${path}: ${String(error)}`);
    }
  }

  #failed(reason: string): void {
    this.#failures++;
    this.#lastFailure = reason;
  }

  #payment(): unknown {
    const random = this.#random;
    const number = 700_000_000 + this.#own++;
    return {
      paymentId: paymentId(number),
      ledgerId: String(6_917_529_027_641_081_856n + BigInt(number)),
      supplier: { companyCode: 'DE01', supplierNo: '9007199254740993' },
      amount: `${random.digits(6)}.${random.digits(2)}`,
      currency: 'EUR',
      exchangeRate: null,
      dueOn: '2027-02-28',
      payee: { iban: `DE${random.digits(20)}`, name: 'Žďár Ocel a.s.' },
      status: 'OPEN',
      remittance: null,
      traceId: null,
      urgent: false,
      bookedAt: null,
      createdAt: new Date().toISOString().replace('Z', '123Z'),
      allocations: Array.from({ length: random.whole(0, 3) }, (_, index) => ({
        lineNo: index + 1,
        invoiceNo: `API-${random.digits(6)}`,
        amount: `${random.digits(4)}.00`,
        discount: null,
        costCentre: null,
        note: null,
      })),
    };
  }
}
