//! Drives the `cloister` program as people and scripts do.

#![allow(clippy::unwrap_used)] // a test that fails may panic

mod bad_cluster;
mod cluster;
mod compatibility;
mod config;
mod demo;
mod doctor;
mod force_new_cluster;
mod keys;
mod nodes;
mod pins;
mod running_cluster;
mod slot_add;
mod support;
mod tokens;
mod users;
