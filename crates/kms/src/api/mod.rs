//! The wire: requests and answers as the API model has them.

pub mod blob;
pub mod error;
pub mod operations;
pub mod page;
