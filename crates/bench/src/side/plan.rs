//! The rows. A new one is a line here.

use super::keys;
use super::work::{Asked, By, CBC, ED25519, GCM, ML_DSA, OAEP, P256, PKCS1, RSA, Told, Work};

/// A line of the table, or several that differ in who calls or in how many objects there are.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// For programs: what `--operation` names.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What is done.
    pub work: Work,
    /// By whom.
    pub callers: &'static [Callers],
    /// Among how many objects.
    pub objects: &'static [usize],
    /// What is to be reached.
    pub goals: &'static [Goal],
}

/// Who calls at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// One.
    One,
    /// Threads of one process, with a session each.
    Threads(usize),
    /// Processes, one thread each.
    Processes(usize),
}

/// What a row is to reach, with Cloister.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// So much of what is measured directly, without a module.
    OfDirect(f64),
    /// So many a second.
    PerSecond(f64),
    /// So much of what an earlier line of the same row reaches, by its place: with fewer objects, or fewer callers.
    OfLine(usize, f64),
    /// At most so many milliseconds more than the row's first line.
    MoreThanFirst(f64),
    /// At most so many MiB.
    MiB(f64),
}

/// Rows that stand together.
pub struct Group {
    /// What they have in common.
    pub title: &'static str,
    /// What a module is measured against.
    pub direct: &'static str,
    /// The rows.
    pub rows: &'static [Row],
}

/// Objects in a token where their number says nothing.
pub const FEW: usize = 10;

const ALONE: &[Callers] = &[Callers::One];
const NEARLY: &[Goal] = &[Goal::OfDirect(0.95)];
/// More threads than processors don't fall behind two, but for what chance brings.
const NEARLY_AND_AS_TWO: &[Goal] = &[Goal::OfDirect(0.95), Goal::OfLine(1, 0.95)];
const LARGE: &[Goal] = &[Goal::OfDirect(0.97)];
const MIDDLE: &[Goal] = &[Goal::OfDirect(0.8)];
const SMALL: &[Goal] = &[Goal::OfDirect(0.5)];
const MILLION: &[Goal] = &[Goal::PerSecond(1_000_000.0)];
const OFTEN: &[Goal] = &[Goal::PerSecond(100_000.0)];
const FOUND: &[Goal] = &[Goal::PerSecond(100_000.0), Goal::OfLine(0, 0.5)];
const FEW_TO_MANY: &[usize] = &[10, 10_000, 100_000];
/// More than any module remembers what was asked.
const MANY: &[usize] = &[100_000];
const TWO: &[Callers] = &[Callers::Threads(2)];

const fn row(name: &'static str, title: &'static str, work: Work, goals: &'static [Goal]) -> Row {
    Row { name, title, work, callers: ALONE, objects: &[FEW], goals }
}

impl Row {
    const fn by(self, callers: &'static [Callers]) -> Row {
        Row { callers, ..self }
    }

    const fn among(self, objects: &'static [usize]) -> Row {
        Row { objects, ..self }
    }
}

/// All groups.
pub const GROUPS: &[Group] = &[
    Group { title: "Asymmetric keys, one thread", direct: "libcrypto", rows: ASYMMETRIC },
    Group {
        title: "Symmetric keys, digests and random numbers, one thread",
        direct: "libcrypto",
        rows: SYMMETRIC,
    },
    Group { title: "Keys made, session objects, one thread", direct: "libcrypto", rows: GENERATED },
    Group { title: "Several threads, by the wall clock", direct: "libcrypto", rows: THREADS },
    Group { title: "Sessions, attributes and searches, one thread", direct: "", rows: SEARCHES },
    Group {
        title: "A fresh process, from loading the module to its first signature",
        direct: "",
        rows: STARTS,
    },
    Group { title: "Durable changes, by the wall clock", direct: "SQLite alone", rows: DURABLE },
];

/// All rows.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

/// The row of that name.
pub fn named(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

const ASYMMETRIC: &[Row] = &[
    row("rsa-2048-sign", "RSA-2048 sign", Work::Sign(RSA), NEARLY),
    row("rsa-2048-verify", "RSA-2048 verify", Work::Verify(RSA), NEARLY),
    row("rsa-2048-decrypt", "RSA-2048 decrypt, PKCS #1 v1.5", Work::Decrypt(PKCS1), NEARLY),
    row("rsa-2048-decrypt-oaep", "RSA-2048 decrypt, OAEP", Work::Decrypt(OAEP), NEARLY),
    row("p-256-sign", "ECDSA P-256 sign", Work::Sign(P256), NEARLY),
    row("p-256-verify", "ECDSA P-256 verify", Work::Verify(P256), NEARLY),
    row("p-256-derive", "ECDH P-256 derive", Work::Derive, NEARLY),
    row("ed25519-sign", "Ed25519 sign", Work::Sign(ED25519), NEARLY),
    row("ed25519-verify", "Ed25519 verify", Work::Verify(ED25519), NEARLY),
    row("ml-dsa-65-sign", "ML-DSA-65 sign", Work::Sign(ML_DSA), NEARLY),
    row("ml-dsa-65-verify", "ML-DSA-65 verify", Work::Verify(ML_DSA), NEARLY),
    row("ml-kem-768-encapsulate", "ML-KEM-768 encapsulate", Work::Encapsulate, NEARLY),
    row("ml-kem-768-decapsulate", "ML-KEM-768 decapsulate", Work::Decapsulate, NEARLY),
];

const SYMMETRIC: &[Row] = &[
    row("gcm-64", "AES-256-GCM 64 B", Work::Encrypt(GCM, 64), SMALL),
    row("gcm-1024", "AES-256-GCM 1 KiB", Work::Encrypt(GCM, 1 << 10), MIDDLE),
    row("gcm-16384", "AES-256-GCM 16 KiB", Work::Encrypt(GCM, 16 << 10), LARGE),
    row("gcm-1048576", "AES-256-GCM 1 MiB", Work::Encrypt(GCM, 1 << 20), LARGE),
    row("cbc-1024", "AES-256-CBC 1 KiB", Work::Encrypt(CBC, 1 << 10), MIDDLE),
    row("cbc-16384", "AES-256-CBC 16 KiB", Work::Encrypt(CBC, 16 << 10), LARGE),
    row("hmac-64", "HMAC-SHA-256 64 B", Work::Mac(64), SMALL),
    row("hmac-1024", "HMAC-SHA-256 1 KiB", Work::Mac(1 << 10), MIDDLE),
    row("hmac-16384", "HMAC-SHA-256 16 KiB", Work::Mac(16 << 10), LARGE),
    row("wrap-32", "AES key wrap of 32 B", Work::Wrap, SMALL),
    row("sha-256-64", "SHA-256 64 B", Work::Digest(64), &[Goal::OfDirect(0.7)]),
    row("sha-256-16384", "SHA-256 16 KiB", Work::Digest(16 << 10), LARGE),
    row("random-32", "random 32 B", Work::Random(32), MIDDLE),
];

const GENERATED: &[Row] = &[
    row("make-aes-256", "AES-256 key", Work::Generate(keys::AES), NEARLY),
    row("make-p-256", "P-256 pair", Work::Generate(keys::P256), NEARLY),
    row("make-rsa-2048", "RSA-2048 pair", Work::Generate(keys::RSA), NEARLY),
    row("make-ed25519", "Ed25519 pair", Work::Generate(keys::ED25519), NEARLY),
    row("make-ml-dsa-65", "ML-DSA-65 pair", Work::Generate(keys::ML_DSA), NEARLY),
    row("make-ml-kem-768", "ML-KEM-768 pair", Work::Generate(keys::ML_KEM), NEARLY),
];

const THREADS: &[Row] = &[
    row("rsa-2048-sign-threads", "RSA-2048 sign", Work::Sign(RSA), NEARLY_AND_AS_TWO).by(&[
        Callers::One,
        Callers::Threads(2),
        Callers::Threads(4),
        Callers::Threads(8),
    ]),
    row("rsa-2048-verify-threads", "RSA-2048 verify", Work::Verify(RSA), NEARLY).by(TWO),
    row("rsa-2048-decrypt-threads", "RSA-2048 decrypt, PKCS #1 v1.5", Work::Decrypt(PKCS1), NEARLY).by(TWO),
    row("rsa-2048-decrypt-oaep-threads", "RSA-2048 decrypt, OAEP", Work::Decrypt(OAEP), NEARLY).by(TWO),
    row("p-256-sign-threads", "ECDSA P-256 sign", Work::Sign(P256), NEARLY).by(TWO),
    row("p-256-verify-threads", "ECDSA P-256 verify", Work::Verify(P256), NEARLY).by(TWO),
    row("p-256-derive-threads", "ECDH P-256 derive", Work::Derive, NEARLY).by(TWO),
    row("ed25519-sign-threads", "Ed25519 sign", Work::Sign(ED25519), NEARLY).by(TWO),
    row("ed25519-verify-threads", "Ed25519 verify", Work::Verify(ED25519), NEARLY).by(TWO),
    row("ml-dsa-65-sign-threads", "ML-DSA-65 sign", Work::Sign(ML_DSA), NEARLY).by(TWO),
    row("ml-dsa-65-verify-threads", "ML-DSA-65 verify", Work::Verify(ML_DSA), NEARLY).by(TWO),
    row("ml-kem-768-encapsulate-threads", "ML-KEM-768 encapsulate", Work::Encapsulate, NEARLY).by(TWO),
    row("ml-kem-768-decapsulate-threads", "ML-KEM-768 decapsulate", Work::Decapsulate, NEARLY).by(TWO),
    row("gcm-64-threads", "AES-256-GCM 64 B", Work::Encrypt(GCM, 64), SMALL).by(TWO),
];

const SEARCHES: &[Row] = &[
    row("session", "session opened and closed", Work::Session, MILLION),
    row("attributes", "three attributes of a private key", Work::Attributes, MILLION),
    row("find-id", "find by CKA_ID, asked again", Work::Find(By::Id, Asked::Again), FOUND).among(FEW_TO_MANY),
    row("find-id-anew", "find by CKA_ID, first time since a change", Work::Find(By::Id, Asked::Anew), FOUND)
        .among(FEW_TO_MANY),
    row(
        "find-id-another",
        "find by CKA_ID, each time another of 100,000",
        Work::Find(By::Id, Asked::Another),
        OFTEN,
    )
    .among(MANY),
    row("find-label", "find by label, asked again", Work::Find(By::Label, Asked::Again), FOUND)
        .among(FEW_TO_MANY),
    row(
        "find-label-anew",
        "find by label, first time since a change",
        Work::Find(By::Label, Asked::Anew),
        FOUND,
    )
    .among(FEW_TO_MANY),
    row("list", "list all", Work::List, &[]).among(FEW_TO_MANY),
];

const STARTS: &[Row] = &[
    row("start", "all but the login", Work::Start(Told::WithoutLogin), &[Goal::MoreThanFirst(5.0)])
        .among(FEW_TO_MANY),
    row("start-login", "the login", Work::Start(Told::Login), &[]).among(FEW_TO_MANY),
    row("start-memory", "memory resident then", Work::Start(Told::Memory), &[Goal::MiB(20.0)])
        .among(FEW_TO_MANY),
];

const DURABLE: &[Row] =
    &[
        row("create", "AES-256 token key made", Work::Create, &[Goal::OfDirect(0.8)]),
        row("create-many", "AES-256 token key made, by several", Work::Create, &[Goal::OfLine(0, 3.0)])
            .by(&[Callers::One, Callers::Threads(8), Callers::Processes(8)]),
        row("destroy", "token key destroyed", Work::Destroy, &[Goal::OfLine(0, 0.8)]).among(FEW_TO_MANY),
        row("change", "label of a token key changed", Work::Change, &[Goal::OfLine(0, 0.8)])
            .among(FEW_TO_MANY),
    ];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_row_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for row in rows() {
            assert!(names.insert(row.name), "{}", row.name);
            assert!(named(row.name).is_some());
        }
    }

    #[test]
    fn goals_are_compared_with_lines_and_places_that_are_there() {
        for group in GROUPS {
            for row in group.rows {
                for goal in row.goals {
                    match goal {
                        Goal::OfDirect(_) => assert!(!group.direct.is_empty(), "{}", row.name),
                        Goal::OfLine(line, _) => {
                            assert!(*line + 1 < row.callers.len() * row.objects.len(), "{}", row.name);
                        }
                        Goal::MoreThanFirst(_) => assert!(row.objects.len() > 1, "{}", row.name),
                        Goal::PerSecond(_) | Goal::MiB(_) => {}
                    }
                }
            }
        }
    }
}
