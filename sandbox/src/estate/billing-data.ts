import { Random } from './random.ts';

export interface BillingSize {
  readonly suppliers: number;
  readonly payments: number;
  /** On average for each payment. */
  readonly allocations: number;
}

export const BILLING_SIZE: BillingSize = { suppliers: 2_000, payments: 20_000, allocations: 3 };

/** Rows of one table, column by column, as text for `unnest`: nothing is rounded on the way. */
export type Columns = Readonly<Record<string, readonly (string | null)[]>>;

export interface BillingRows {
  readonly supplier: Columns;
  readonly payment: Columns;
  readonly payment_allocation: Columns;
}

const NAMES = [
  'Müller & Söhne GmbH',
  'Société Générale d’Outillage',
  'Žďár Ocel a.s.',
  '株式会社山田製作所',
  'Ελληνικά Χαλυβουργία',
  'ООО Уралмаш',
  'شركة الفولاذ',
  'Ångström Verktyg AB',
  'İstanbul Döküm',
  '한국정밀 주식회사',
  'Smith, Jones "and" Partners',
  "O'Brien Castings",
] as const;
const REMARKS = [
  'Zahlung per Überweisung',
  'Livraison à l’entrepôt nº 7',
  '納期厳守',
  'просрочка 30 дней',
  'Tab\there, newline\nthere',
  '🏭 → 📦 → 💶',
  'backslash \\ and "quotes"',
] as const;
const COUNTRIES = ['DE', 'FR', 'CZ', 'JP', 'GR', 'SE', 'TR', 'KR', 'GB', 'IE'] as const;
const CURRENCIES = ['EUR', 'USD', 'JPY', 'GBP', 'SEK'] as const;
const COMPANIES = ['DE01', 'FR02', 'US03', 'A4'] as const;
const STATUSES = ['OPEN', 'OPEN', 'OPEN', 'APPROVED', 'PAID', 'HELD'] as const;

/** The billing database's rows for a seed. */
export function billingRows(seed: number, size: BillingSize = BILLING_SIZE): BillingRows {
  const random = new Random(seed);
  const supplier = new Table();
  const keys: [string, string][] = [];
  for (let index = 0; index < size.suppliers; index++) {
    const key: [string, string] = [
      COMPANIES[index % COMPANIES.length] ?? 'DE01',
      String(9_007_199_254_740_993n + BigInt(index) * 7n),
    ];
    keys.push(key);
    supplier.add({
      company_code: key[0],
      supplier_no: key[1],
      name: `${random.pick(NAMES)} ${index}`,
      country: random.pick(COUNTRIES),
      tax_id: random.chance(0.8) ? `${random.pick(COUNTRIES)}${random.digits(9)}` : null,
      credit_limit: `${random.digits(random.whole(4, 13))}.${random.hex(4).replace(/[a-f]/g, '0')}`,
      rating: random.chance(0.9) ? String(Math.fround(random.next() * 5)) : null,
      partner_since: day(random, 1995, 2025),
      blocked: String(random.chance(0.03)),
      remarks: random.chance(0.5) ? random.pick(REMARKS) : null,
      changed_at: `${stamp(random, 2024, 2026)}+00`,
    });
  }
  const payment = new Table();
  const allocation = new Table();
  let lines = 0;
  for (let index = 0; index < size.payments; index++) {
    const id = paymentId(index);
    const [company, supplierNo] = keys[random.whole(0, keys.length - 1)] ?? ['DE01', '0'];
    payment.add({
      payment_id: id,
      company_code: company,
      supplier_no: supplierNo,
      ...paymentRow(random, index),
    });
    // 0 to 2n lines, n on average, and the exact total over all payments.
    lines = index % 2 === 0 ? random.whole(0, 2 * size.allocations) : 2 * size.allocations - lines;
    for (let line = 1; line <= lines; line++)
      allocation.add({ payment_id: id, line_no: String(line), ...allocationRow(random) });
  }
  return { supplier: supplier.columns, payment: payment.columns, payment_allocation: allocation.columns };
}

export function paymentId(index: number): string {
  return `PAY${String(index).padStart(9, '0')}`;
}

/** All columns of a payment but its keys to others. */
export function paymentRow(random: Random, index: number): Readonly<Record<string, string | null>> {
  const currency = random.pick(CURRENCIES);
  return {
    ledger_id: String(4_611_686_018_427_387_904n + BigInt(index)),
    amount: `${random.chance(0.05) ? '-' : ''}${random.digits(random.whole(1, 11))}.${random.digits(2)}`,
    currency,
    exchange_rate: currency === 'EUR' ? null : `${random.whole(0, 180)}.${random.digits(8)}`,
    due_date: day(random, 2026, 2027),
    iban: random.chance(0.9) ? `${random.pick(COUNTRIES)}${random.digits(20)}` : null,
    payee: random.pick(NAMES),
    status: random.pick(STATUSES),
    remittance: random.chance(0.6)
      ? `${random.pick(REMARKS)} #${random.whole(1, 99_999)}`
      : random.chance(0.5)
        ? ''
        : null,
    trace_id: random.chance(0.7) ? uuid(random) : null,
    urgent: String(random.chance(0.1)),
    booked_at: random.chance(0.5) ? stamp(random, 2026, 2026) : null,
    created_at: `${stamp(random, 2025, 2026)}+00`,
  };
}

export function allocationRow(random: Random): Readonly<Record<string, string | null>> {
  return {
    invoice_no: `INV-${random.digits(8)}`,
    amount: `${random.digits(random.whole(1, 9))}.${random.digits(2)}`,
    discount: random.chance(0.3) ? `${random.whole(0, 30)}.${random.digits(4)}` : null,
    cost_centre: random.chance(0.8) ? `CC${random.digits(4)}` : null,
    note: random.chance(0.3) ? random.pick(REMARKS) : null,
  };
}

class Table {
  readonly columns: Record<string, (string | null)[]> = {};

  add(row: Readonly<Record<string, string | null>>): void {
    for (const [column, value] of Object.entries(row)) {
      this.columns[column] ??= [];
      this.columns[column].push(value);
    }
  }
}

function day(random: Random, from: number, to: number): string {
  return `${random.whole(from, to)}-${two(random.whole(1, 12))}-${two(random.whole(1, 28))}`;
}

function stamp(random: Random, from: number, to: number): string {
  const clock = `${two(random.whole(0, 23))}:${two(random.whole(0, 59))}:${two(random.whole(0, 59))}`;
  return `${day(random, from, to)} ${clock}.${String(random.whole(0, 999_999)).padStart(6, '0')}`;
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((length) => random.hex(length)).join('-');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
