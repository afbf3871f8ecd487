/** The tables of `ordersPlan` in PostgreSQL, with Ficus's control tables as far as an adapter writes them. */
export const ORDERS_SQL = `
CREATE SEQUENCE order_version;
CREATE TABLE orders (
  region char(4) NOT NULL,
  number bigint NOT NULL,
  customer_name varchar(40) NOT NULL,
  customer_vip boolean,
  amount numeric(12,2) NOT NULL,
  pieces smallint,
  weight double precision,
  ratio real,
  ordered_on date,
  opens_at time(0),
  stored_at timestamp(3),
  changed_at timestamptz,
  token uuid,
  picture bytea,
  extra json,
  note text,
  row_version bigint NOT NULL DEFAULT 0,
  internal_note text NOT NULL DEFAULT 'kept',
  PRIMARY KEY (region, number),
  CONSTRAINT orders_token_once UNIQUE (token),
  CONSTRAINT orders_amount_positive CHECK (amount >= 0)
);
CREATE FUNCTION count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.row_version := nextval('order_version'); RETURN NEW; END $$;
CREATE TRIGGER orders_version BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION count_version();
CREATE TABLE order_line (
  region char(4) NOT NULL,
  number bigint NOT NULL,
  line_no integer NOT NULL,
  article char(10) NOT NULL,
  price numeric(12,2),
  PRIMARY KEY (region, number, line_no),
  FOREIGN KEY (region, number) REFERENCES orders
);
CREATE TABLE order_address (
  region char(4) NOT NULL,
  number bigint NOT NULL,
  address_id integer NOT NULL,
  street text NOT NULL,
  city text,
  PRIMARY KEY (region, number, address_id),
  FOREIGN KEY (region, number) REFERENCES orders
);
CREATE SCHEMA ficus;
CREATE TABLE ficus.heartbeat (id integer PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE ficus.signal (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));
`;
