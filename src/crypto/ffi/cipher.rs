//! Ciphers that yield output as input comes.
//!
//! The `openssl` crate wants room for a block more than OpenSSL writes, so that nothing could go straight into a
//! caller's buffer of the right size. Here the bytes that OpenSSL holds back are counted instead.

use super::param::{bytes_of, check, room_for};
use crate::crypto::Lent;
use crate::error::Error;
use foreign_types::ForeignTypeRef;
use openssl::cipher::CipherRef;
use openssl::cipher_ctx::{CipherCtx, CipherCtxRef};
use openssl::error::ErrorStack;
use openssl_sys as sys;
use std::ffi::c_int;
use std::ptr;
use std::result::Result;
use zeroize::Zeroize;

// <openssl/evp.h>; `openssl-sys` lacks it.
unsafe extern "C" {
    fn EVP_CIPHER_CTX_set_params(context: *mut sys::EVP_CIPHER_CTX, params: *const sys::OSSL_PARAM) -> c_int;
    fn EVP_CIPHER_CTX_get_params(context: *mut sys::EVP_CIPHER_CTX, params: *mut sys::OSSL_PARAM) -> c_int;
}

/// Which way a cipher goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Direction {
    Encrypt,
    Decrypt,
}

impl Direction {
    /// Sets what is given of cipher, key and initialisation vector.
    pub fn init(
        self,
        context: &mut CipherCtxRef,
        cipher: Option<&CipherRef>,
        key: Option<&[u8]>,
        iv: Option<&[u8]>,
    ) -> Result<(), ErrorStack> {
        match self {
            Direction::Encrypt => context.encrypt_init(cipher, key, iv),
            Direction::Decrypt => context.decrypt_init(cipher, key, iv),
        }
    }
}

/// A block mode, a stream mode or one with authentication at work.
pub struct Stream {
    context: Lent<CipherCtx>,
    /// Bytes of the block, 1 for those that are no block modes, less one: blocks are powers of two.
    mask: usize,
    /// Bytes of the cipher's usual initialisation vector.
    iv: usize,
    /// Whether there is PKCS#7 padding.
    padding: bool,
    /// Decryption with padding keeps the last block back: it may be the one with the padding.
    keeps_last: bool,
    /// Bytes of input that have not yet led to output, at most one block.
    held: usize,
}

impl Stream {
    /// The largest piece given to OpenSSL at once, which counts in `int`; a multiple of every block size.
    const PIECE: usize = 1 << 30;
    /// The largest block.
    const MAX_BLOCK: usize = 16;

    /// Begins with a context that has this cipher, a key and an initialisation vector. `padding`: PKCS#7, for block modes.
    pub fn new(
        mut context: Lent<CipherCtx>,
        cipher: &CipherRef,
        direction: Direction,
        padding: bool,
    ) -> Self {
        let (block, iv) = (cipher.block_size(), cipher.iv_length());
        let padding = padding && block > 1;
        if block > 1 {
            // A context that was used before may have been told otherwise. The other modes have none, and are slow to say so. An encryption
            // that is never asked for a last block needs no telling, which OpenSSL would repeat at each new beginning.
            context.set_padding(padding || direction == Direction::Encrypt);
        }
        let keeps_last = padding && direction == Direction::Decrypt;
        Stream { context, mask: block - 1, iv, padding, keeps_last, held: 0 }
    }

    /// It is over: whether another may begin after it.
    pub fn rest(&self) -> bool {
        self.context.is_kept()
    }

    /// Begins anew with the same key; `false` if the initialisation vector is not one of the usual length.
    #[inline(always)] // small, and used for each operation
    pub fn renew(&mut self, iv: Option<&[u8]>) -> Result<bool, Error> {
        if !self.rest() || iv.map_or(0, <[u8]>::len) != self.iv {
            return Ok(false);
        }
        let iv = iv.map_or(ptr::null(), <[u8]>::as_ptr);
        // SAFETY: the context has a cipher and a key, which NULL leaves as they are, as -1 does the direction; `iv` is as long as the
        // context wants it, which has never been told of another length.
        let done = unsafe {
            sys::EVP_CipherInit_ex(self.context.as_ptr(), ptr::null(), ptr::null_mut(), ptr::null(), iv, -1)
        };
        self.held = 0;
        check(done).map(|()| true).map_err(super::super::unexpected)
    }

    /// Bytes that so many more bytes of input yield at once.
    #[inline]
    pub fn yields(&self, input: usize) -> usize {
        if self.mask == 0 {
            return input;
        }
        let total = self.held.saturating_add(input);
        total - self.keeps(total)
    }

    /// Bytes of input that have not yet led to output.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes more input and writes just what [`Stream::yields`] told.
    #[inline]
    pub fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        if output.len() < self.yields(input.len()) {
            return Err(Error::BufferTooSmall);
        }
        match input.len() {
            0 => Ok(0),
            1..=Self::PIECE => self.update_piece(input, output),
            _ => self.update_pieces(input, output),
        }
    }

    #[cold]
    fn update_pieces(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let mut written = 0;
        for piece in input.chunks(Self::PIECE) {
            written += self.update_piece(piece, &mut output[written..])?;
        }
        Ok(written)
    }

    /// The same for as much as OpenSSL takes at once, of which `output` has room for all that it yields.
    #[inline(always)] // as `renew`
    fn update_piece(&mut self, piece: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let mut written: c_int = 0;
        // SAFETY: a cipher writes the blocks that it completes and nothing else, for this piece `yields(piece.len())` bytes.
        // Over all pieces that is `yields(input.len())`, for which `output` has room. A piece's length is a `c_int`.
        let done = unsafe {
            let (context, length) = (self.context.as_ptr(), piece.len() as c_int);
            sys::EVP_CipherUpdate(context, output.as_mut_ptr(), &raw mut written, piece.as_ptr(), length)
        };
        check(done).map_err(super::super::unexpected)?;
        if self.mask > 0 {
            self.held = self.keeps(self.held + piece.len());
        }
        Ok(written.unsigned_abs() as usize)
    }

    /// Writes what is left: with padding one block to encrypt, less than one to decrypt; otherwise nothing. An error is the padding's.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<usize, ErrorStack> {
        if !self.padding {
            return Ok(0);
        }
        let mut last = [0; Self::MAX_BLOCK];
        let length = self.last(&mut last)?;
        output[..length].copy_from_slice(&last[..length]);
        last.zeroize();
        Ok(length)
    }

    #[inline]
    fn last(&mut self, last: &mut [u8; Self::MAX_BLOCK]) -> Result<usize, ErrorStack> {
        let mut length: c_int = 0;
        // SAFETY: the context has a cipher and a key, and there is room for a block.
        let done = unsafe { sys::EVP_CipherFinal(self.context.as_ptr(), last.as_mut_ptr(), &raw mut length) };
        check(done).map(|()| length.unsigned_abs() as usize)
    }

    /// With authentication: takes additional authenticated data, before any other input.
    #[inline]
    pub fn authenticate(&mut self, aad: &[u8]) -> Result<(), ErrorStack> {
        if aad.is_empty() { Ok(()) } else { self.authenticate_some(aad) }
    }

    fn authenticate_some(&mut self, aad: &[u8]) -> Result<(), ErrorStack> {
        aad.chunks(Self::PIECE).try_for_each(|piece| self.context.cipher_update(piece, None).map(|_| ()))
    }

    /// With authentication: ends an encryption and writes the tag.
    #[inline]
    pub fn finish_with_tag(&mut self, tag: &mut [u8]) -> Result<(), ErrorStack> {
        self.last(&mut [0; Self::MAX_BLOCK])?;
        let mut params = room_for(c"tag", tag);
        // SAFETY: the context has a cipher, and the array is terminated; OpenSSL writes no more than `tag` has room for.
        check(unsafe { EVP_CIPHER_CTX_get_params(self.context.as_ptr(), params.as_mut_ptr()) })
    }

    /// With authentication: ends a decryption; an error means that the tag is wrong.
    pub fn finish_against_tag(&mut self, tag: &[u8]) -> Result<(), ErrorStack> {
        let params = bytes_of(c"tag", tag);
        // SAFETY: the context has a cipher, and the array is terminated; OpenSSL copies the tag.
        check(unsafe { EVP_CIPHER_CTX_set_params(self.context.as_ptr(), params.as_ptr()) })?;
        self.last(&mut [0; Self::MAX_BLOCK]).map(|_| ())
    }

    /// Of so many bytes not yet put out, those that stay.
    fn keeps(&self, total: usize) -> usize {
        match total & self.mask {
            0 if self.keeps_last && total > 0 => self.mask + 1,
            rest => rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::cipher::Cipher;
    use openssl::cipher_ctx::CipherCtx;

    fn begin(cipher: &CipherRef, direction: Direction, iv: Option<&[u8]>, padding: bool) -> Stream {
        let mut context = CipherCtx::new().unwrap();
        direction.init(&mut context, Some(cipher), Some(&[7; 16]), iv).unwrap();
        Stream::new(context.into(), cipher, direction, padding)
    }

    /// Fills what it must not touch with a mark and looks for it afterwards.
    #[test]
    fn no_cipher_writes_more_than_it_yields() {
        const MARK: u8 = 0xa5;
        let ciphers =
            [Cipher::aes_128_ecb(), Cipher::aes_128_cbc(), Cipher::aes_128_ctr(), Cipher::aes_128_gcm()];
        for cipher in ciphers {
            let iv = vec![0; cipher.iv_length()];
            let iv = (!iv.is_empty()).then_some(&iv[..]);
            for direction in [Direction::Encrypt, Direction::Decrypt] {
                for padding in [false, true] {
                    let mut stream = begin(cipher, direction, iv, padding);
                    for length in [0, 1, 15, 16, 16, 17, 31, 32, 5, 48, 11, 16, 0, 3] {
                        let mut output = [MARK; 128];
                        let yields = stream.yields(length);
                        assert_eq!(stream.update(&vec![1; length], &mut output[..yields]), Ok(yields));
                        assert!(output[yields..].iter().all(|byte| *byte == MARK), "{direction:?} {padding}");
                    }
                }
            }
        }
    }

    #[test]
    fn too_little_room_is_refused_before_anything_is_written() {
        let mut stream = begin(Cipher::aes_128_ecb(), Direction::Encrypt, None, false);
        assert_eq!(stream.update(&[0; 17], &mut [0; 15]), Err(Error::BufferTooSmall));
        assert_eq!(stream.held(), 0);
    }
}
