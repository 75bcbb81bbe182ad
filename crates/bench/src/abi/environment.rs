//! The environment of this process: modules read their configuration from it.

use crate::Result;
use std::ffi::OsStr;

/// Sets a variable. Only before there is another thread, which is checked.
pub fn set(name: &str, value: &OsStr) -> Result<()> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err("the environment can't be changed beside other threads".into());
    }
    // SAFETY: this is the only thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}
