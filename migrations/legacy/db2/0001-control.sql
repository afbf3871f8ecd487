-- Ficus's own tables in a legacy Db2 database. They are captured like any other table. AT is a reserved word in some
-- of Db2's family, so it is always quoted.
CREATE TABLE FICUS.HEARTBEAT (
  ID INTEGER NOT NULL PRIMARY KEY,
  "AT" TIMESTAMP NOT NULL
);
INSERT INTO FICUS.HEARTBEAT (ID, "AT") VALUES (1, CURRENT TIMESTAMP);

-- Debezium's signals (incremental snapshots), with the columns that it prescribes.
CREATE TABLE FICUS.SIGNAL (
  ID VARCHAR(64) NOT NULL PRIMARY KEY,
  TYPE VARCHAR(32) NOT NULL,
  DATA VARCHAR(2048)
);
