//! Modules side by side: any PKCS#11 module, loaded as a program loads it, beside libcrypto called directly.
//!
//! - [`plan`]: the rows, with their goals; [`work`]: what each does; [`keys`]: with which keys
//! - [`place`]: libcrypto and the modules, each with its configuration and its tokens
//! - [`token`], [`calls`]: a module's token, and what is called there; [`libcrypto`]: the same without a module; [`buffer`]: with
//!   which memory
//! - [`start`]: a fresh process to its first signature
//! - [`run`]: processes, interleaved; [`table`]: what came of it; [`picture`]: the same, drawn
//! - [`count`]: one operation, so many times, for who counts instructions; [`instructions`]: those of the hot calls, and their record

mod buffer;
pub mod calls;
pub mod count;
pub mod instructions;
pub mod keys;
pub mod libcrypto;
pub mod picture;
mod place;
pub mod plan;
mod run;
pub mod start;
mod table;
pub mod token;
pub mod work;

pub use place::Place;
pub use run::Measure;
pub use table::Table;

use crate::Result;
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::nid::Nid;

/// Another's public point on P-256, uncompressed.
fn another_point() -> Result<Vec<u8>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = EcKey::generate(&group)?;
    Ok(key.public_key().to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut *BigNumContext::new()?)?)
}
