//! Triple DES with keys of double and triple length, for old data (PKCS#11 3.2, sections 6.18 and 6.19).

use super::block::{Block, EncryptData};
use super::mac::Cmac;
use super::secret::{Generator, Lengths};
use crate::crypto::{cipher, mac};

/// Bytes of a block.
const BLOCK: usize = 8;

/// Makes keys of double length.
pub static DOUBLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(16) };
/// Makes keys of triple length.
pub static TRIPLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(24) };
/// ECB.
pub static ECB: Block = Block::ecb(cipher::DES3_ECB, BLOCK);
/// CBC.
pub static CBC: Block = Block::cbc(cipher::DES3_CBC, BLOCK);
/// CBC with padding.
pub static CBC_PAD: Block = Block::cbc_pad(cipher::DES3_CBC, BLOCK);
/// Derivation by ECB.
pub static ECB_ENCRYPT_DATA: EncryptData = EncryptData(&ECB);
/// Derivation by CBC.
pub static CBC_ENCRYPT_DATA: EncryptData = EncryptData(&CBC);
/// CMAC.
pub static CMAC: Cmac = Cmac { algorithms: &mac::DES3_CMAC, block: BLOCK };
