//! New key pairs. What makes them is kept: to set it up costs up to a tenth of a pair.

use super::Places;
use super::ffi::named_key::{self, Context};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use std::ffi::CStr;

/// What makes keys, by the name of their kind.
static KEPT: Places<(&CStr, Context)> = Places::new();

/// A new pair of the kind that OpenSSL calls `name`. What something went wrong with is not used again.
pub fn generate(name: &'static CStr) -> Result<PKey<Private>, ErrorStack> {
    let mut context = match KEPT.take(|(kind, _)| *kind == name) {
        Some((_, context)) => context,
        None => named_key::begin_generation(name)?,
    };
    let key = context.keygen()?;
    KEPT.leave((name, context));
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_there_is_not_makes_no_key() {
        assert!(generate(c"none such").is_err());
        let one = generate(c"ED25519").unwrap().raw_private_key().unwrap();
        assert_ne!(generate(c"ED25519").unwrap().raw_private_key().unwrap(), one);
    }
}
