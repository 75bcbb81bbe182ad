//! The page of the documentation: what was measured stands between two marks, and what people wrote around it stays.

use crate::Result;
use crate::report::Report;
use std::path::Path;

const BEGIN: &str = "<!-- measured: written by `make bench` -->\n";
const END: &str = "<!-- end of what was measured -->\n";

/// Writes the measured part of the page.
pub fn write(file: &Path, report: &Report) -> Result<()> {
    let page = std::fs::read_to_string(file)?;
    let missing = || format!("{} has no place for what was measured", file.display());
    let (before, rest) = page.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(std::fs::write(file, format!("{before}{BEGIN}\n{report}{END}{after}"))?)
}
