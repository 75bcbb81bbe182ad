-- Format 2 of a token's store. docs/store.md says what the columns hold.

CREATE TABLE token (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    label           TEXT    NOT NULL,
    serial          TEXT    NOT NULL,
    max_failures    INTEGER NOT NULL,
    argon2_memory   INTEGER NOT NULL,
    argon2_passes   INTEGER NOT NULL,
    open_key        BLOB    NOT NULL,
    key_id          BLOB    NOT NULL,
    next_user       INTEGER NOT NULL,
    roster_digest   BLOB    NOT NULL,
    roster_count    INTEGER NOT NULL,
    roster_mac      BLOB    NOT NULL
);

CREATE TABLE user (
    number          INTEGER PRIMARY KEY,
    role            INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    argon2_memory   INTEGER NOT NULL,
    argon2_passes   INTEGER NOT NULL,
    salt            BLOB    NOT NULL,
    wrapped         BLOB    NOT NULL,
    failures        INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    UNIQUE (role, name)
);

-- Wrong passwords for names that no user has.
CREATE TABLE stranger (
    bucket          INTEGER PRIMARY KEY,
    failures        INTEGER NOT NULL
);

-- The number tells where the object lies, and comes from the id (place.rs).
CREATE TABLE object (
    number          INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL,
    version         INTEGER NOT NULL,
    owner           INTEGER,
    class_tag       BLOB,
    type_tag        BLOB,
    id_tag          BLOB,
    label_tag       BLOB,
    public          BLOB    NOT NULL,
    public_mac      BLOB,
    secret          BLOB
);

-- Searches name the one index they use. The first two are for one object among many; the third is for listings. Each holds all that is read where nothing
-- but what it begins with is asked for, as SQLite adds the number. Each one more would make each change of an object dearer.
CREATE INDEX object_by_id_tag    ON object (id_tag, owner, id)    WHERE id_tag IS NOT NULL;
CREATE INDEX object_by_label_tag ON object (label_tag, owner, id) WHERE label_tag IS NOT NULL;
CREATE INDEX object_by_owner     ON object (owner, class_tag, type_tag, id);
