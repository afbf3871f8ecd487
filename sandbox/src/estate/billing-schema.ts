/** The billing database of the demonstration: PostgreSQL, the way an application of fifteen years would have it. */
export const BILLING = 'billing';

/** Accounts of the billing database. Passwords are the sandbox's own: nothing outside this machine can reach them. */
export const ACCOUNTS = {
  ficus: 'ficus-sandbox',
  ficus_capture: 'capture-sandbox',
  batch: 'batch-sandbox',
} as const;

export const BILLING_SCHEMA = `
CREATE TABLE supplier (
  company_code  char(4)        NOT NULL,
  supplier_no   bigint         NOT NULL,
  name          varchar(80)    NOT NULL,
  country       char(2)        NOT NULL,
  tax_id        varchar(20),
  credit_limit  numeric(18,4)  NOT NULL DEFAULT 0,
  rating        real,
  partner_since date           NOT NULL,
  blocked       boolean        NOT NULL DEFAULT false,
  remarks       text,
  changed_at    timestamptz(6) NOT NULL DEFAULT now(),
  PRIMARY KEY (company_code, supplier_no)
);
CREATE TABLE payment (
  payment_id    char(14)       PRIMARY KEY,
  ledger_id     bigint         NOT NULL UNIQUE,
  company_code  char(4)        NOT NULL,
  supplier_no   bigint         NOT NULL,
  amount        numeric(15,2)  NOT NULL,
  currency      char(3)        NOT NULL,
  exchange_rate numeric(18,8),
  due_date      date           NOT NULL,
  iban          varchar(34),
  payee         varchar(80)    NOT NULL,
  status        varchar(10)    NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'APPROVED', 'PAID', 'HELD')),
  remittance    text,
  trace_id      uuid,
  urgent        boolean        NOT NULL DEFAULT false,
  booked_at     timestamp(6),
  created_at    timestamptz(6) NOT NULL,
  FOREIGN KEY (company_code, supplier_no) REFERENCES supplier
);
CREATE TABLE payment_allocation (
  payment_id    char(14)       NOT NULL REFERENCES payment ON DELETE CASCADE,
  line_no       integer        NOT NULL,
  invoice_no    varchar(24)    NOT NULL,
  amount        numeric(15,2)  NOT NULL,
  discount      numeric(7,4),
  cost_centre   char(8),
  note          varchar(120),
  PRIMARY KEY (payment_id, line_no)
);
CREATE INDEX ON payment (due_date);
`;

/** What each account may do; the capture account reads tables, and writes Ficus's own signal and heartbeat only. */
export const BILLING_GRANTS = `
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ficus, batch;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ficus_capture;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ficus, batch;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ficus_capture;
`;
