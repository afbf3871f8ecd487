import { paymentId } from './billing-data.ts';
import { partNo } from './plant.ts';
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

/** How many documents the estate was made with: what the clients may ask for. */
export interface Seeded {
  readonly payments: number;
  readonly parts: number;
}

/** Numbers of the clients' own documents begin here, apart from the seeded ones and from the batch programs'. */
const FIRST = { payment: 700_000_000, part: 70_000_000 };

/** Application teams: they read, list and write every unit through the facade, and know of no phase. */
export class ApiClients {
  readonly #url: string;
  readonly #random: Random;
  readonly #seeded: Seeded;
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | null = null;
  #reads = 0;
  #writes = 0;
  #failures = 0;
  #payments = 0;
  #parts = 0;
  #lastFailure: string | null = null;
  readonly #served: Record<string, number> = {};

  constructor(url: string, seed: number, seeded: Seeded) {
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
    switch (this.#random.pick(['payments', 'payments', 'payments', 'parts', 'suppliers'])) {
      case 'payments':
        return await this.#payment();
      case 'parts':
        return await this.#part();
      case 'suppliers':
        return await this.#send('GET', `/v1/suppliers?limit=20&filter[country]=DE&sort=-creditLimit`);
    }
  }

  async #payment(): Promise<void> {
    const random = this.#random;
    const key = paymentId(random.whole(0, this.#seeded.payments - 1));
    switch (random.pick(['one', 'one', 'one', 'list', 'patch', 'post', 'delete'])) {
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
        return await this.#send('POST', '/v1/payments', this.#newPayment());
      case 'delete': {
        const own = random.whole(0, this.#payments);
        return await this.#send('DELETE', `/v1/payments/${paymentId(FIRST.payment + own)}`);
      }
    }
  }

  async #part(): Promise<void> {
    const random = this.#random;
    const key = partNo(random.whole(0, this.#seeded.parts - 1));
    switch (random.pick(['one', 'one', 'list', 'patch', 'post'])) {
      case 'one':
        return await this.#send('GET', `/v1/parts/${key}`);
      case 'list':
        return await this.#send('GET', `/v1/parts?limit=20&filter[partNo][gt]=${key}`);
      case 'patch':
        return await this.#send('PATCH', `/v1/parts/${key}`, {
          description: `Client ${random.hex(6)} Ø`,
          price: `${random.digits(18)}.${random.digits(2)}`,
        });
      case 'post':
        return await this.#send('POST', '/v1/parts', this.#newPart());
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

  #newPayment(): unknown {
    const random = this.#random;
    const number = FIRST.payment + this.#payments++;
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
  #newPart(): unknown {
    const random = this.#random;
    const number = FIRST.part + this.#parts++;
    return {
      partNo: partNo(number),
      serialNo: String(6_917_529_027_641_081_856n + BigInt(number)),
      description: '軸受ハウジング',
      material: null,
      weightKg: `${random.digits(4)}.${random.digits(4)}`,
      price: null,
      status: 'ACTIVE',
      releasedOn: '2026-02-28',
      changedAt: new Date().toISOString().replace('Z', '123'),
      events: Array.from({ length: random.whole(0, 2) }, (_, index) => ({
        eventNo: index + 1,
        kind: 'CAST',
        happenedAt: '2026-02-28T23:59:59.999999',
        place: 'W7',
        quantity: `${random.digits(2)}.125`,
        remark: null,
      })),
    };
  }
}
