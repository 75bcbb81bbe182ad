//! The message-based functions, and the parameters that messages bring.

use super::session::view;
use super::*;
use std::ffi::c_void;
use std::ptr::null_mut;

/// The mechanisms whose messages have parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aead {
    Gcm,
    /// With so many bytes of data.
    Ccm(CK_ULONG),
    /// Whose parameter names no generator.
    ChaCha20Poly1305,
}

impl Aead {
    /// A key for it, which may do all that it can.
    pub fn key(self, session: Session) -> Handle {
        match self {
            Aead::Gcm | Aead::Ccm(_) => keys::aes(session, template![]),
            Aead::ChaCha20Poly1305 => keys::secret(session, CKK_CHACHA20, &[0x6b; 32], template![]),
        }
    }
}

/// A message's parameter: as it was given, and as it came back.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub aead: Aead,
    pub nonce: Vec<u8>,
    pub fixed_bits: CK_ULONG,
    pub generator: CK_GENERATOR_FUNCTION,
    pub tag: Vec<u8>,
}

impl Parameter {
    /// A nonce of 12 bytes made by `generator`, or [`Parameter::with`] one of the caller's; a tag of 16.
    pub fn new(aead: Aead, generator: CK_GENERATOR_FUNCTION) -> Self {
        Parameter { aead, nonce: vec![0; 12], fixed_bits: 0, generator, tag: vec![0; 16] }
    }

    pub fn with(self, nonce: &[u8]) -> Self {
        Parameter { nonce: nonce.to_vec(), ..self }
    }

    pub fn mechanism(&self) -> Mechanism {
        Mechanism::plain(match self.aead {
            Aead::Gcm => CKM_AES_GCM,
            Aead::Ccm(_) => CKM_AES_CCM,
            Aead::ChaCha20Poly1305 => CKM_CHACHA20_POLY1305,
        })
    }

    /// The same mechanism as for a single encryption, with the nonce as it is now.
    pub fn single(&self, aad: &[u8]) -> Mechanism {
        match self.aead {
            Aead::Gcm => Mechanism::gcm_with_tag(&self.nonce, aad, self.tag.len() as CK_ULONG * 8),
            Aead::Ccm(length) => Mechanism::ccm(length as usize, &self.nonce, aad, self.tag.len()),
            Aead::ChaCha20Poly1305 => Mechanism::chacha20_poly1305(&self.nonce, aad),
        }
    }

    /// Lets `call` see the C structure and its length.
    pub fn with_raw<T>(&mut self, call: impl Fn(*mut c_void, CK_ULONG) -> T) -> T {
        let (nonce, tag) = (self.nonce.as_mut_ptr(), self.tag.as_mut_ptr());
        match self.aead {
            Aead::Gcm => raw_of(
                CK_GCM_MESSAGE_PARAMS {
                    pIv: nonce,
                    ulIvLen: self.nonce.len() as CK_ULONG,
                    ulIvFixedBits: self.fixed_bits,
                    ivGenerator: self.generator,
                    pTag: tag,
                    ulTagBits: self.tag.len() as CK_ULONG * 8,
                },
                call,
            ),
            Aead::Ccm(data_length) => raw_of(
                CK_CCM_MESSAGE_PARAMS {
                    ulDataLen: data_length,
                    pNonce: nonce,
                    ulNonceLen: self.nonce.len() as CK_ULONG,
                    ulNonceFixedBits: self.fixed_bits,
                    nonceGenerator: self.generator,
                    pMAC: tag,
                    ulMACLen: self.tag.len() as CK_ULONG,
                },
                call,
            ),
            Aead::ChaCha20Poly1305 => raw_of(
                CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
                    pNonce: nonce,
                    ulNonceLen: self.nonce.len() as CK_ULONG,
                    pTag: tag,
                },
                call,
            ),
        }
    }
}

fn raw_of<S, T>(mut structure: S, call: impl Fn(*mut c_void, CK_ULONG) -> T) -> T {
    call((&raw mut structure).cast(), size_of::<S>() as CK_ULONG)
}

/// Methods of one direction.
macro_rules! direction {
    ($init:ident $whole:ident $begin:ident $next:ident $end:ident = $c_init:ident $c_whole:ident $c_begin:ident $c_next:ident $c_end:ident) => {
        pub fn $init(&self, mechanism: &Mechanism, key: Handle) -> Answer<()> {
            answer(raw_3_2!($c_init(self.0, mechanism.as_ptr(), key)))
        }

        /// Size first.
        pub fn $whole(&self, parameter: &mut Parameter, aad: &[u8], input: &[u8]) -> Answer<Vec<u8>> {
            let ((aad, aad_length), (at, length)) = (view(aad), view(input));
            parameter.with_raw(|parameter, size| {
                output(|buffer, room| {
                    raw_3_2!($c_whole(self.0, parameter, size, aad, aad_length, at, length, buffer, room))
                })
            })
        }

        pub fn $begin(&self, parameter: &mut Parameter, aad: &[u8]) -> Answer<()> {
            let (aad, aad_length) = view(aad);
            parameter.with_raw(|parameter, size| {
                answer(raw_3_2!($c_begin(self.0, parameter, size, aad, aad_length)))
            })
        }

        /// Size first.
        pub fn $next(&self, parameter: &mut Parameter, input: &[u8], flags: CK_FLAGS) -> Answer<Vec<u8>> {
            let (at, length) = view(input);
            parameter.with_raw(|parameter, size| {
                output(|buffer, room| {
                    raw_3_2!($c_next(self.0, parameter, size, at, length, buffer, room, flags))
                })
            })
        }

        pub fn $end(&self) -> Answer<()> {
            answer(raw_3_2!($c_end(self.0)))
        }
    };
}

impl Session {
    direction! {
        message_encrypt_init encrypt_message encrypt_message_begin encrypt_message_next message_encrypt_final =
        C_MessageEncryptInit C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal
    }
    direction! {
        message_decrypt_init decrypt_message decrypt_message_begin decrypt_message_next message_decrypt_final =
        C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal
    }

    /// `C_WrapKeyAuthenticated`, size first.
    pub fn wrap_authenticated(
        &self,
        parameter: &mut Parameter,
        aad: &[u8],
        wrapping: Handle,
        key: Handle,
    ) -> Answer<Vec<u8>> {
        let (aad, aad_length) = view(aad);
        let id = parameter.mechanism().id();
        parameter.with_raw(|at, size| {
            let mut mechanism = CK_MECHANISM { mechanism: id, pParameter: at, ulParameterLen: size };
            let mechanism = &raw mut mechanism;
            output(|buffer, room| {
                raw_3_2!(C_WrapKeyAuthenticated(
                    self.0, mechanism, wrapping, key, aad, aad_length, buffer, room
                ))
            })
        })
    }

    /// `C_UnwrapKeyAuthenticated`.
    pub fn unwrap_authenticated(
        &self,
        parameter: &mut Parameter,
        aad: &[u8],
        unwrapping: Handle,
        wrapped: &[u8],
        template: &Template,
    ) -> Answer<Handle> {
        let ((aad, aad_length), (wrapped, length)) = (view(aad), view(wrapped));
        let id = parameter.mechanism().id();
        parameter.with_raw(|at, size| {
            let mut mechanism = CK_MECHANISM { mechanism: id, pParameter: at, ulParameterLen: size };
            let (mechanism, mut key) = (&raw mut mechanism, 0);
            template.with_raw(|list, count| {
                answer(raw_3_2!(C_UnwrapKeyAuthenticated(
                    self.0, mechanism, unwrapping, wrapped, length, list, count, aad, aad_length, &mut key
                )))
            })?;
            Ok(key)
        })
    }

    pub fn message_sign_init(&self, mechanism: &Mechanism, key: Handle) -> Answer<()> {
        answer(raw_3_2!(C_MessageSignInit(self.0, mechanism.as_ptr(), key)))
    }

    /// Size first.
    pub fn sign_message(&self, data: &[u8]) -> Answer<Vec<u8>> {
        let (at, length) = view(data);
        output(|buffer, room| raw_3_2!(C_SignMessage(self.0, null_mut(), 0, at, length, buffer, room)))
    }

    pub fn sign_message_begin(&self) -> Answer<()> {
        answer(raw_3_2!(C_SignMessageBegin(self.0, null_mut(), 0)))
    }

    pub fn sign_message_next(&self, data: &[u8]) -> Answer<()> {
        let (at, length) = view(data);
        answer(raw_3_2!(C_SignMessageNext(self.0, null_mut(), 0, at, length, null_mut(), null_mut())))
    }

    /// `C_SignMessageNext` with the last part, size first.
    pub fn sign_message_last(&self, data: &[u8]) -> Answer<Vec<u8>> {
        let (at, length) = view(data);
        output(|buffer, room| raw_3_2!(C_SignMessageNext(self.0, null_mut(), 0, at, length, buffer, room)))
    }

    pub fn message_sign_final(&self) -> Answer<()> {
        answer(raw_3_2!(C_MessageSignFinal(self.0)))
    }

    pub fn message_verify_init(&self, mechanism: &Mechanism, key: Handle) -> Answer<()> {
        answer(raw_3_2!(C_MessageVerifyInit(self.0, mechanism.as_ptr(), key)))
    }

    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Answer<()> {
        let ((at, length), (signature, size)) = (view(data), view(signature));
        answer(raw_3_2!(C_VerifyMessage(self.0, null_mut(), 0, at, length, signature, size)))
    }

    pub fn verify_message_begin(&self) -> Answer<()> {
        answer(raw_3_2!(C_VerifyMessageBegin(self.0, null_mut(), 0)))
    }

    /// With an empty signature there is more to come.
    pub fn verify_message_next(&self, data: &[u8], signature: &[u8]) -> Answer<()> {
        let ((at, length), (signature, size)) = (view(data), view(signature));
        answer(raw_3_2!(C_VerifyMessageNext(self.0, null_mut(), 0, at, length, signature, size)))
    }

    pub fn message_verify_final(&self) -> Answer<()> {
        answer(raw_3_2!(C_MessageVerifyFinal(self.0)))
    }
}
