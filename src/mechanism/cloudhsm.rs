//! The numbers of AWS CloudHSM's own mechanisms, and of what stands in their parameters, as its public header has them.
//!
//! A program written for CloudHSM's library finds them here under their names.

/// A mechanism's number and name.
type Name = (u64, &'static str);

/// AES-GCM whose initialisation vector the token makes and puts before the ciphertext.
pub const AES_GCM: Name = (0x8000_1087, "CKM_CLOUDHSM_AES_GCM");
/// AES key wrap (RFC 3394) of keys that are whole semiblocks.
pub const AES_KEY_WRAP_NO_PAD: Name = (0x8000_2109, "CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD");
/// AES key wrap of keys padded as in PKCS#5.
pub const AES_KEY_WRAP_PKCS5_PAD: Name = (0x8000_210a, "CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD");
/// AES key wrap of keys filled up with zeros.
pub const AES_KEY_WRAP_ZERO_PAD: Name = (0x8000_216f, "CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD");
/// The counter mode of SP 800-108, with structures of its own.
pub const SP800_108_COUNTER_KDF: Name = (0x8000_0001, "CKM_CLOUDHSM_SP800_108_COUNTER_KDF");

// Kinds of data in that derivation's parameter, as the older library has them: their order does not matter there.

/// The counter's width.
pub const COUNTER_FORMAT: u64 = 4;
/// The label.
pub const PRF_LABEL: u64 = 5;
/// The context.
pub const PRF_CONTEXT: u64 = 6;
/// The width of the length.
pub const DKM_FORMAT: u64 = 7;
/// Any bytes.
pub const BYTE_ARRAY: u64 = 8;
