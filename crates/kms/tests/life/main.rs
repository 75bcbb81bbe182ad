//! What housekeeping makes of keys whose time has come, and of what fronts leave that die in the middle: over a real module, with the leftovers of a
//! crash put there by hand.

#![allow(clippy::unwrap_used)] // a test that fails may panic

mod crashes;
mod latches;
mod support;
mod times;
