//! The XKS proxy API 1.0.3, as both of its sides have it: the KMS that asks and the proxy that answers.

pub mod binding;
mod blob;
pub mod error;
pub mod limits;
pub mod messages;
mod route;

pub use blob::Blob;
pub use error::{ErrorBody, ErrorName, Failure};
pub use route::{BASE, Operation, Route, Target};

/// The service in the scope of the signatures (specification, appendix A).
pub const SERVICE: &str = "kms-xks-proxy";
