//! One operation, so many times and nothing else, so that an instruction counter tells what a call costs: two runs with different numbers
//! of calls, their difference divided by that of the numbers.

use super::place::Maker;
use super::plan;
use super::token::{self, Caller};
use super::{calls, libcrypto};
use crate::Result;
use crate::abi::{Module, set_environment};
use std::path::PathBuf;

/// What to prepare, or to call.
#[derive(clap::Args)]
pub struct Options {
    /// The module; without it, libcrypto is called directly
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Where its token is kept: a folder of its own for each module
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// How many objects the token has besides the keys used
    #[arg(long, value_name = "N", default_value_t = 10)]
    objects: usize,
}

/// Makes the token with its objects and all keys that operations take.
pub fn prepare(options: &Options) -> Result<()> {
    let (module, slot) = enter(options)?.ok_or("libcrypto has no token")?;
    let caller = Caller::enter(&module, slot)?;
    Caller::enter(&module, slot)?.furnish(options.objects)?;
    for row in plan::rows() {
        // What it does not offer has no keys.
        let _ = calls::prepare(row.work, caller, options.objects);
    }
    Ok(())
}

/// Calls the operation of that name so many times.
pub fn call(options: &Options, operation: &str, times: usize) -> Result<()> {
    let names = || plan::rows().map(|row| row.name).collect::<Vec<_>>().join(", ");
    let row = plan::named(operation)
        .ok_or_else(|| format!("there is no operation {operation}, but {}", names()))?;
    match enter(options)? {
        Some((module, slot)) => {
            calls::prepare(row.work, Caller::enter(&module, slot)?, options.objects)?.times(times)
        }
        None => {
            let call = libcrypto::prepare(row.work, &libcrypto::Keys::default())?;
            call.ok_or("libcrypto has nothing like it")?.times(times)
        }
    }
}

/// Loads the module with its configuration, and finds its token.
fn enter(options: &Options) -> Result<Option<(Module, token::Slot)>> {
    let Some(file) = &options.module else { return Ok(None) };
    let folder = options.folder.as_ref().ok_or("a module needs a folder")?;
    std::fs::create_dir_all(folder)?;
    for (name, value) in Maker::of(file).configure(&folder.canonicalize()?)? {
        set_environment(&name, &value)?;
    }
    let module = Module::open(file)?;
    let slot = token::anywhere(&module)?;
    Ok(Some((module, slot)))
}
