//! Attribute policy as data: what every class of object has, which of it must, may or must not be given, who
//! may change it, and what is secret.
//!
//! [`schema`] holds the rows, in the terms of the standard's footnotes (PKCS#11 3.2, section 4.2, table 13);
//! [`template`] reads them. Nothing here knows tokens, sessions or cryptography.

pub mod schema;
pub mod template;
