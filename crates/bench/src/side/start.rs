//! What a program waits for that starts with a module: loading it, the login, and its first signature.

use super::keys;
use super::token::{self, Caller};
use super::work::P256;
use crate::Result;
use crate::abi::{Mechanism, Module};
use crate::worker::Token;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;

/// What was waited for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Started {
    /// Milliseconds for all but the login: `dlopen`, `C_Initialize`, the slot, a session, the key found, a signature.
    pub rest: f64,
    /// Milliseconds for the login.
    pub login: f64,
    /// MiB resident then, with all of this program that is.
    pub resident: f64,
}

/// Starts, in a process that has not loaded the module.
pub fn start(file: &Path, token: Token) -> Result<Started> {
    let began = Instant::now();
    let module = Module::open(file)?;
    let slot = match token.slot {
        Some(slot) => slot,
        None => token::anywhere(&module)?,
    };
    let caller = Caller::open(&module, slot)?;
    let opened = Instant::now();
    let caller = caller.login()?;
    let login = opened.elapsed();
    let key = caller.key(keys::P256)?.secret;
    module.sign_init(caller.session, &mut Mechanism::plain(P256.mechanism), key)?;
    module.sign(caller.session, &[0x5a; 32], &mut [0; 64])?;
    let all = began.elapsed();
    let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let resident = resident()?;
    Ok(Started { rest: milliseconds(all.saturating_sub(login)), login: milliseconds(login), resident })
}

/// This process's resident memory, MiB.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
