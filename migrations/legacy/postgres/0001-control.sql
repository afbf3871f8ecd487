-- Ficus's own tables in a legacy PostgreSQL database. They are captured like any other table.
CREATE TABLE ficus.heartbeat (
  id integer PRIMARY KEY,
  at timestamptz NOT NULL
);
INSERT INTO ficus.heartbeat (id, at) VALUES (1, now());

-- Debezium's signals (incremental snapshots), with the columns that it prescribes.
CREATE TABLE ficus.signal (
  id varchar(64) PRIMARY KEY,
  type varchar(32) NOT NULL,
  data varchar(2048)
);
