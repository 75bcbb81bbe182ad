//! Where the service, or the language of its patterns, differs from what the model says: rows, not code.

/// Patterns that the service checks although the model does not list them, by shape.
pub(super) const FURTHER_PATTERNS: &[(&str, &str)] = &[("KeyIdType", r"^\p{ASCII}+$")];

/// Enumerations that the service prints in another order than the model's, by shape.
pub(super) const PRINTED_ORDERS: &[(&str, &[&str])] = &[
    ("EncryptionAlgorithmSpec", &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE", "SYMMETRIC_DEFAULT"]),
    ("MacAlgorithmSpec", &["HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"]),
];

/// What Java's pattern language means by its escapes where the `regex` crate knows another meaning or none. Each stands
/// for a class, within brackets too.
pub(super) const JAVA_CLASSES: &[(&str, &str)] = &[
    (r"\p{ASCII}", r"[\x00-\x7F]"),
    (r"\d", "[0-9]"),
    (r"\s", r"[\t\n\x0B\f\r\x20]"),
    (r"\w", "[0-9A-Za-z_]"),
];
