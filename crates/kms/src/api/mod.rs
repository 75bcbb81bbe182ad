//! The wire: requests and answers as the API model has them.

pub mod blob;
pub mod context;
pub mod error;
pub mod model;
pub mod operations;
pub mod page;
