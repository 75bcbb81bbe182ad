//! Block ciphers in the modes ECB and CBC, with and without PKCS#7 padding (PKCS#11 3.2, sections 6.10 and 6.18), and the
//! derivation of keys by them (section 6.17).

use super::{Cipher, Family, Given, Key, Params, Wanted, secret, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{Direction, Mode, Stream, stream_of};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use crate::output::Size;

/// One block cipher in one mode.
#[derive(Clone, Copy)]
pub struct Block {
    /// Its algorithms.
    pub mode: Mode,
    /// Bytes of a block.
    pub block: usize,
    /// Whether there is an initialisation vector, as long as a block: CBC, not ECB.
    pub chained: bool,
    /// Whether data of any length is padded to whole blocks (PKCS#7).
    pub padded: bool,
}

impl Block {
    /// ECB.
    pub const fn ecb(mode: Mode, block: usize) -> Self {
        Block { mode, block, chained: false, padded: false }
    }

    /// CBC.
    pub const fn cbc(mode: Mode, block: usize) -> Self {
        Block { mode, block, chained: true, padded: false }
    }

    /// CBC with padding.
    pub const fn cbc_pad(mode: Mode, block: usize) -> Self {
        Block { mode, block, chained: true, padded: true }
    }

    fn begin(&self, direction: Direction, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let iv = iv(&params.into(), self.chained, self.block)?;
        let stream = stream_of(self.mode, direction, key.secret_key()?, iv, self.padded)?;
        let Block { block, chained, padded, .. } = *self;
        Ok(Box::new(Blocks { stream, direction, block, chained, padded }))
    }
}

/// The initialisation vector, if the mode is `chained`, as long as a block.
fn iv<'a>(given: &Given<'a>, chained: bool, block: usize) -> Result<Option<&'a [u8]>> {
    match *given {
        Given::None if !chained => Ok(None),
        Given::Iv(iv) if chained && iv.len() == block => Ok(Some(iv)),
        _ => Err(Error::MechanismParamInvalid),
    }
}

impl Family for Block {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Encrypt, key, params)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Decrypt, key, params)
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let unit = if self.padded { 1 } else { self.block };
        wrapping::wrap(self.encrypt(key, params)?, encoded, unit)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }
}

/// Derives a key: the ciphertext of the parameter's data, cut to the length wanted.
pub struct EncryptData(pub Block);

impl Family for EncryptData {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let (iv, data) = match params {
            Params::StringData(data) => (Params::None, data),
            Params::CbcData { iv, data } => (Params::Iv(iv.as_slice().into()), data),
            _ => return Err(Error::MechanismParamInvalid),
        };
        if data.is_empty() || data.len() % self.0.block != 0 {
            return Err(Error::MechanismParamInvalid);
        }
        let mut value = Bytes::zeroed(data.len());
        self.0.encrypt(base, &iv)?.whole(data, &mut value)?;
        secret::fit(value, wanted)
    }
}

/// A block mode at work.
struct Blocks {
    stream: Stream,
    direction: Direction,
    block: usize,
    chained: bool,
    padded: bool,
}

impl Blocks {
    /// Checks the length of all input together, once it is known.
    fn check_length(&self, total: usize) -> Result<()> {
        let whole_blocks = total.is_multiple_of(self.block);
        match self.direction {
            Direction::Encrypt if self.padded || whole_blocks => Ok(()),
            Direction::Encrypt => Err(Error::DataLenRange),
            // Padding makes at least one block.
            Direction::Decrypt if whole_blocks && (!self.padded || total > 0) => Ok(()),
            Direction::Decrypt => Err(Error::EncryptedDataLenRange),
        }
    }
}

impl Cipher for Blocks {
    fn update_size(&self, input: usize) -> Size {
        Size::Exact(self.stream.yields(input))
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.stream.update(input, output)
    }

    fn finish_size(&self) -> Size {
        match self.direction {
            _ if !self.padded => Size::Exact(0),
            Direction::Encrypt => Size::Exact(self.block),
            Direction::Decrypt => Size::AtMost(self.block - 1),
        }
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        // What went before was whole blocks.
        self.check_length(self.stream.held())?;
        self.stream.finish(output).map_err(|errors| match self.direction {
            Direction::Encrypt => unexpected(errors),
            Direction::Decrypt => Error::EncryptedDataInvalid,
        })
    }

    fn whole_size(&self, input: usize) -> Size {
        match self.direction {
            _ if !self.padded => Size::Exact(input),
            Direction::Encrypt => Size::Exact((input / self.block + 1).saturating_mul(self.block)),
            Direction::Decrypt => Size::AtMost(input.saturating_sub(1)),
        }
    }

    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.check_length(input.len())?;
        let written = self.stream.update(input, output)?;
        Ok(written + self.finish(&mut output[written..])?)
    }

    fn rest(&mut self) -> bool {
        self.stream.rest()
    }

    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        self.stream.renew(iv(given, self.chained, self.block)?)
    }
}
