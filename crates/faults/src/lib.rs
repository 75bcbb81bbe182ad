//! The fault test: a cluster of real nodes, a load on it, faults drawn from a seed, and a check of all that the load was told.
//!
//! - [`history`]: what was asked and answered, and when
//! - [`check`]: whether a history keeps the promises of a cluster
//! - [`proxy`]: the links between nodes, which can be cut and slowed
//! - [`process`], [`cluster`]: nodes as processes, and their cluster by the words of the command line
//! - [`slow_disk`]: a disk for one process that takes as long as it is told
//! - [`fault`], [`inject`]: what is to go wrong, and how it is made to
//! - [`thing`], [`load`]: objects, and clients at work on them
//! - [`inventory`]: what a node holds when all is over
//! - [`run`], [`report`]: all of it together, and what is told of it

#![deny(unsafe_code)]

pub mod check;
pub mod cluster;
pub mod fault;
pub mod history;
pub mod inject;
pub mod inventory;
pub mod load;
pub mod process;
pub mod proxy;
pub mod report;
pub mod run;
pub mod slow_disk;
pub mod thing;
