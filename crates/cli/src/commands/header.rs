//! `cloister header`: the C headers, written from the tables that make the module.

use crate::error::Result;
use crate::header::{cloister_h, pkcs11_h};
use crate::render::Answer;
use clap::{Args, ValueEnum};
use serde_json::json;

/// A C header for programs that use the module.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cloister header pkcs11 > include/pkcs11.h")]
pub struct Header {
    /// Which one
    which: Which,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// pkcs11.h: all of PKCS#11 3.2
    Pkcs11,
    /// cloister.h: what the module understands beyond it
    Cloister,
}

impl Header {
    pub fn run(&self) -> Result<Answer> {
        let text = match self.which {
            Which::Pkcs11 => pkcs11_h(),
            Which::Cloister => cloister_h(),
        };
        Answer::text(text.clone(), json!({ "header": text }))
    }
}
