//! Parameters of key derivations (PKCS#11 3.2, sections 6.37, 6.39, 6.40, 6.42 and 6.62). Keys that a parameter names are handles, which a
//! session knows; a derivation gets the keys themselves.

use crate::attribute::Bytes;
use crate::crypto::Hash;
use crate::crypto::kdf::TlsPrf;
use serde::{Deserialize, Serialize};

/// HKDF's choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hkdf {
    /// Whether the key is extracted from the base key, or is it.
    pub extract: bool,
    /// Whether the result is expanded, or is the extracted key.
    pub expand: bool,
    /// Digest of the HMAC.
    pub hash: Hash,
    /// Salt of the extraction.
    pub salt: Salt,
    /// Information for the expansion.
    pub info: Vec<u8>,
}

/// Where HKDF's salt comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Salt {
    /// Zeros, as many as the digest has bytes.
    Zeros,
    /// The parameter.
    Data(Vec<u8>),
    /// The value of the key with this handle.
    Key(u64),
}

/// PBKDF2's choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pbkdf2 {
    /// Digest of the HMAC.
    pub hash: Hash,
    /// The password.
    pub password: Bytes,
    /// The salt.
    pub salt: Vec<u8>,
    /// How often.
    pub iterations: u32,
}

/// The choices of SP 800-108's functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kbkdf {
    /// The pseudo-random function.
    pub prf: Prf,
    /// What goes into it each time, in this order.
    pub data: Vec<Segment>,
    /// Feedback mode: what goes before the first output.
    pub iv: Vec<u8>,
}

/// The pseudo-random function of SP 800-108.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names say it
pub enum Prf {
    Hmac(Hash),
    AesCmac,
    Des3Cmac,
}

/// One part of the function's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Segment {
    /// What changes each time: in counter mode the counter, in this form; else the output before.
    Iteration(Option<NumberForm>),
    /// The counter besides.
    Counter(NumberForm),
    /// How many bits are derived: of all keys, or (`whole`) of all outputs that they are taken from.
    Length {
        /// Whether to count whole outputs.
        whole: bool,
        /// How it is written.
        form: NumberForm,
    },
    /// Label, context, separator ...
    Bytes(Vec<u8>),
    /// The value of the key with this handle.
    Key(u64),
}

impl Segment {
    /// The handle of the key that it names.
    pub fn key(&self) -> Option<u64> {
        if let Segment::Key(key) = self { Some(*key) } else { None }
    }
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberForm {
    /// Lowest byte first.
    pub little_endian: bool,
    /// In how many bytes, 1 to 8.
    pub width: usize,
}

/// The random numbers of a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names say it
pub struct Randoms {
    pub client: Vec<u8>,
    pub server: Vec<u8>,
}

/// What TLS makes a master secret with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MasterSeed {
    /// The random numbers of both sides.
    Randoms(Randoms),
    /// The hash of the handshake (RFC 7627).
    Session(Vec<u8>),
}

/// The lengths of a TLS connection's keys, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsKeys {
    /// The pseudo-random function.
    pub prf: TlsPrf,
    /// The random numbers of both sides.
    pub randoms: Randoms,
    /// Of each MAC key; 0: none.
    pub mac: usize,
    /// Of each encryption key.
    pub key: usize,
    /// Of each initialisation vector; 0: none.
    pub iv: usize,
}

/// A key that is exported from TLS (RFC 5705).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsExport {
    /// The pseudo-random function.
    pub prf: TlsPrf,
    /// What the key is for.
    pub label: Vec<u8>,
    /// The random numbers of both sides.
    pub randoms: Randoms,
    /// The context, which is not the same if it is empty or missing.
    pub context: Option<Vec<u8>>,
}

/// The MAC of a TLS handshake (`verify_data`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsMac {
    /// The pseudo-random function.
    pub prf: TlsPrf,
    /// Bytes of the MAC.
    pub length: usize,
    /// Whether it is the server's.
    pub server: bool,
}
