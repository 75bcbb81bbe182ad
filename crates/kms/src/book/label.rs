//! The names of records: one function per kind. Accounts and Regions are part of a name, so that accounts and Regions can't meet.

/// CKA_APPLICATION of every record, for those who look into the token: records are found by their names.
pub const APPLICATION: &str = "cloister-kms";

/// What all records' names begin with: a private data object of such a name is the book's.
pub const PREFIX: &str = "kms/";

/// All keys, of all accounts.
pub const KEYS: &str = "kms/key/";

/// All aliases, of all accounts.
pub const ALIASES: &str = "kms/alias/";

/// A key: `kms/key/<account>/<region>/<key id>`.
pub fn key(account: &str, region: &str, id: &str) -> String {
    format!("{}{id}", keys_of(account, region))
}

/// All keys of an account in a Region.
pub fn keys_of(account: &str, region: &str) -> String {
    format!("{KEYS}{account}/{region}/")
}

/// What the Regions of a multi-Region key share: `kms/family/<account>/<mrk id>`.
pub fn family(account: &str, id: &str) -> String {
    format!("kms/family/{account}/{id}")
}

/// An alias, its name with `alias/`: `kms/alias/<account>/<region>/<alias/name>`.
pub fn alias(account: &str, region: &str, name: &str) -> String {
    format!("{}{name}", aliases_of(account, region))
}

/// All aliases of an account in a Region.
pub fn aliases_of(account: &str, region: &str) -> String {
    format!("{ALIASES}{account}/{region}/")
}

/// The grants of a key share this name: `kms/grants/<account>/<region>/<key id>`.
pub fn grants(account: &str, region: &str, key: &str) -> String {
    format!("{}{account}/{region}/{key}", grants_of_all())
}

/// The grants of all keys.
pub fn grants_of_all() -> &'static str {
    "kms/grants/"
}

/// A custom key store: `kms/store/<account>/<region>/<cks id>`.
pub fn store(account: &str, region: &str, id: &str) -> String {
    format!("{}{id}", stores_of(account, region))
}

/// All custom key stores of an account in a Region.
pub fn stores_of(account: &str, region: &str) -> String {
    format!("kms/store/{account}/{region}/")
}

/// A key of a custom key store, by its id or its external key's: `kms/member/<account>/<region>/<cks id>/<name>`.
pub fn member(account: &str, region: &str, store: &str, name: &str) -> String {
    format!("{}{name}", members_of(account, region, store))
}

/// All keys of a custom key store.
pub fn members_of(account: &str, region: &str, store: &str) -> String {
    format!("kms/member/{account}/{region}/{store}/")
}

/// All credentials.
pub const CREDENTIALS: &str = "kms/credential/";

/// A credential, by its access key id: `kms/credential/<access key>`.
pub fn credential(access_key: &str) -> String {
    format!("{CREDENTIALS}{access_key}")
}

/// What the names of all parameters for imports begin with.
pub const IMPORTS: &str = "kms/import/";

/// The parameters of an import that hasn't happened yet: `kms/import/<id>`.
pub fn import(id: &str) -> String {
    format!("{IMPORTS}{id}")
}

/// When a key last did its work: `kms/last-use/<account>/<region>/<key id>`.
pub fn last_use(account: &str, region: &str, key: &str) -> String {
    format!("kms/last-use/{account}/{region}/{key}")
}

/// What time it was when fronts last kept house.
pub const LAST_SEEN: &str = "kms/last-seen";

/// Each front's mark: tells the others which records that front has made and removed.
pub const MARK: &str = "kms/mark";

/// What the names of all claims begin with.
pub const LATCHES: &str = "kms/latch/";

/// The claim of somebody who is changing the record called `label`.
pub fn latch(label: &str) -> String {
    format!("{LATCHES}{label}")
}
