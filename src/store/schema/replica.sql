-- What a store has beside its token when it is one of a cluster's. docs/store.md says what the columns hold.

CREATE TABLE replica (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    sequence        INTEGER NOT NULL,
    applied         BLOB    NOT NULL
);

INSERT INTO replica VALUES (1, 0, x'');

CREATE TABLE request (
    number          INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    digest          BLOB    NOT NULL,
    outcome         BLOB    NOT NULL
);

CREATE TABLE spent (
    number          INTEGER PRIMARY KEY,
    confirmation    BLOB    NOT NULL UNIQUE,
    request         BLOB
);

CREATE TABLE node (
    id              INTEGER PRIMARY KEY
);
