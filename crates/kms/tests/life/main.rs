//! What housekeeping makes of keys whose time has come, and of what fronts leave that die in the middle: over a real module, with the leftovers of a
//! crash put there by hand. And who may make and change keys in several Regions.

#![allow(clippy::unwrap_used)] // a test that fails may panic

mod crashes;
mod latches;
mod lists;
#[path = "../common/module.rs"]
mod module;
mod regions;
mod support;
mod times;
mod told;
