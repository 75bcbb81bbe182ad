//! The wire: requests and answers as the API model has them.

pub mod error;
pub mod model;
