//! The module's promises, held to through its C interface: one file per promise, each test with a process, a
//! library and a token of its own.
//!
//! `CLOISTER_TEST_MODULE` names another module to run against, for comparison.

// Tests may fail by a panic; loading a C library and calling it can't be done without `unsafe`, and what is
// passed to it is plain to see in each call.
#![allow(clippy::unwrap_used, clippy::panic, unsafe_code, clippy::undocumented_unsafe_blocks, missing_docs)]

mod common;

mod again;
mod answers;
mod attributes;
mod bad_input;
mod conformance;
mod crash;
mod derivations;
mod encapsulation;
mod fork;
mod fuzz;
mod initialize;
mod interfaces;
mod last_session;
mod length_protocol;
mod login;
mod mechanisms;
mod messages;
mod no_way_out;
mod objects;
mod offers;
mod openssl_command;
mod order;
mod pqc_keys;
mod pqc_openssl;
mod pqc_vectors;
mod processes;
mod profiles;
mod reload;
mod remembered;
mod resting;
mod resting_pairs;
mod same_template;
mod saved_states;
mod slh_dsa;
mod slots;
mod store_faults;
mod threads;
mod told_late;
mod trust;
mod verify_signature;
mod wrapping;
mod wycheproof;
