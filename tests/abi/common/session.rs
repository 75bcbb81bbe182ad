//! The functions that need a session, each a thin layer over one C function.

use super::*;
use std::ptr::null_mut;

/// An object's handle.
pub type Handle = CK_OBJECT_HANDLE;

/// An open session; copies name the same one. Never closed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session(pub CK_SESSION_HANDLE);

/// Methods of the form "session, mechanism, key".
macro_rules! begins {
    ($($method:ident = $function:ident,)*) => {$(
        #[doc = concat!("`", stringify!($function), "`.")]
        pub fn $method(&self, mechanism: &Mechanism, key: Handle) -> Answer<()> {
            invoke!($function(self.0, mechanism.as_ptr(), key))
        }
    )*};
}

/// Methods that take bytes and give bytes.
macro_rules! transforms {
    ($($method:ident = $function:ident,)*) => {$(
        #[doc = concat!("`", stringify!($function), "`, size first.")]
        pub fn $method(&self, input: &[u8]) -> Answer<Vec<u8>> {
            let (at, length) = view(input);
            output(|buffer, size| raw!($function(self.0, at, length, buffer, size)))
        }
    )*};
}

/// Methods that take bytes only.
macro_rules! takes {
    ($($method:ident = $function:ident,)*) => {$(
        #[doc = concat!("`", stringify!($function), "`.")]
        pub fn $method(&self, input: &[u8]) -> Answer<()> {
            let (at, length) = view(input);
            invoke!($function(self.0, at, length))
        }
    )*};
}

/// Methods that give bytes only.
macro_rules! gives {
    ($($method:ident = $function:ident,)*) => {$(
        #[doc = concat!("`", stringify!($function), "`, size first.")]
        pub fn $method(&self) -> Answer<Vec<u8>> {
            output(|buffer, size| raw!($function(self.0, buffer, size)))
        }
    )*};
}

impl Session {
    begins! {
        encrypt_init = C_EncryptInit,
        decrypt_init = C_DecryptInit,
        sign_init = C_SignInit,
        verify_init = C_VerifyInit,
        sign_recover_init = C_SignRecoverInit,
        verify_recover_init = C_VerifyRecoverInit,
    }
    transforms! {
        encrypt_rest = C_Encrypt,
        decrypt_rest = C_Decrypt,
        sign_rest = C_Sign,
        digest_rest = C_Digest,
        sign_recover_rest = C_SignRecover,
        verify_recover_rest = C_VerifyRecover,
        encrypt_update = C_EncryptUpdate,
        decrypt_update = C_DecryptUpdate,
        digest_encrypt_update = C_DigestEncryptUpdate,
        decrypt_digest_update = C_DecryptDigestUpdate,
        sign_encrypt_update = C_SignEncryptUpdate,
        decrypt_verify_update = C_DecryptVerifyUpdate,
    }
    takes! {
        digest_update = C_DigestUpdate,
        sign_update = C_SignUpdate,
        verify_update = C_VerifyUpdate,
        verify_final = C_VerifyFinal,
        seed = C_SeedRandom,
        init_pin_bytes = C_InitPIN,
    }
    gives! {
        encrypt_final = C_EncryptFinal,
        decrypt_final = C_DecryptFinal,
        digest_final = C_DigestFinal,
        sign_final = C_SignFinal,
        operation_state = C_GetOperationState,
    }

    pub fn close(&self) -> Answer<()> {
        invoke!(C_CloseSession(self.0))
    }

    pub fn info(&self) -> Answer<CK_SESSION_INFO> {
        let mut info = CK_SESSION_INFO::default();
        invoke!(C_GetSessionInfo(self.0, &mut info))?;
        Ok(info)
    }

    pub fn login(&self, user: CK_USER_TYPE, pin: &str) -> Answer<()> {
        let (at, length) = view(pin.as_bytes());
        invoke!(C_Login(self.0, user, at, length))
    }

    pub fn login_user(&self, user: CK_USER_TYPE, name: &str, pin: &str) -> Answer<()> {
        let ((pin, pin_length), (name, name_length)) = (view(pin.as_bytes()), view(name.as_bytes()));
        answer(raw_3_2!(C_LoginUser(self.0, user, pin, pin_length, name, name_length)))
    }

    pub fn logout(&self) -> Answer<()> {
        invoke!(C_Logout(self.0))
    }

    pub fn init_pin(&self, pin: &str) -> Answer<()> {
        self.init_pin_bytes(pin.as_bytes())
    }

    pub fn set_pin(&self, old: &str, new: &str) -> Answer<()> {
        let ((old, old_length), (new, new_length)) = (view(old.as_bytes()), view(new.as_bytes()));
        invoke!(C_SetPIN(self.0, old, old_length, new, new_length))
    }

    pub fn create(&self, template: &Template) -> Answer<Handle> {
        let mut object = 0;
        template.with_raw(|list, count| invoke!(C_CreateObject(self.0, list, count, &mut object)))?;
        Ok(object)
    }

    pub fn copy(&self, object: Handle, template: &Template) -> Answer<Handle> {
        let mut copy = 0;
        template.with_raw(|list, count| invoke!(C_CopyObject(self.0, object, list, count, &mut copy)))?;
        Ok(copy)
    }

    pub fn destroy(&self, object: Handle) -> Answer<()> {
        invoke!(C_DestroyObject(self.0, object))
    }

    pub fn size_of(&self, object: Handle) -> Answer<CK_ULONG> {
        let mut size = 0;
        invoke!(C_GetObjectSize(self.0, object, &mut size))?;
        Ok(size)
    }

    pub fn set(&self, object: Handle, template: &Template) -> Answer<()> {
        template.with_raw(|list, count| invoke!(C_SetAttributeValue(self.0, object, list, count)))
    }

    /// One attribute by `C_GetAttributeValue`, size first.
    pub fn get(&self, object: Handle, kind: CK_ATTRIBUTE_TYPE) -> Answer<Vec<u8>> {
        let mut attribute = CK_ATTRIBUTE { type_: kind, ..Default::default() };
        invoke!(C_GetAttributeValue(self.0, object, &mut attribute, 1))?;
        let mut value = vec![0; attribute.ulValueLen as usize + 1];
        attribute.pValue = value.as_mut_ptr().cast();
        invoke!(C_GetAttributeValue(self.0, object, &mut attribute, 1))?;
        value.truncate(attribute.ulValueLen as usize);
        Ok(value)
    }

    pub fn get_bool(&self, object: Handle, kind: CK_ATTRIBUTE_TYPE) -> Answer<bool> {
        self.get(object, kind).map(|value| {
            assert_eq!(value.len(), 1, "attribute {kind:#x} is no CK_BBOOL");
            value[0] == CK_TRUE
        })
    }

    pub fn get_ulong(&self, object: Handle, kind: CK_ATTRIBUTE_TYPE) -> Answer<CK_ULONG> {
        self.get(object, kind).map(|value| CK_ULONG::from_ne_bytes(value.try_into().unwrap()))
    }

    pub fn find_init(&self, template: &Template) -> Answer<()> {
        template.with_raw(|list, count| invoke!(C_FindObjectsInit(self.0, list, count)))
    }

    pub fn find_next(&self, most: usize) -> Answer<Vec<Handle>> {
        let mut found = vec![0; most];
        let mut count = 0;
        invoke!(C_FindObjects(self.0, found.as_mut_ptr(), most as CK_ULONG, &mut count))?;
        found.truncate(count as usize);
        Ok(found)
    }

    pub fn find_final(&self) -> Answer<()> {
        invoke!(C_FindObjectsFinal(self.0))
    }

    /// All objects that match.
    pub fn find(&self, template: &Template) -> Answer<Vec<Handle>> {
        self.find_init(template)?;
        let mut all = Vec::new();
        loop {
            let found = self.find_next(100)?;
            if found.is_empty() {
                break;
            }
            all.extend(found);
        }
        self.find_final()?;
        Ok(all)
    }

    pub fn generate(&self, mechanism: &Mechanism, template: &Template) -> Answer<Handle> {
        let mut key = 0;
        template.with_raw(|list, count| {
            invoke!(C_GenerateKey(self.0, mechanism.as_ptr(), list, count, &mut key))
        })?;
        Ok(key)
    }

    /// The public and the private key.
    pub fn generate_pair(
        &self,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Answer<(Handle, Handle)> {
        let (mut public_key, mut private_key) = (0, 0);
        public.with_raw(|list, count| {
            private.with_raw(|other, others| {
                let mechanism = mechanism.as_ptr();
                let (public_key, private_key) = (&mut public_key, &mut private_key);
                invoke!(C_GenerateKeyPair(
                    self.0,
                    mechanism,
                    list,
                    count,
                    other,
                    others,
                    public_key,
                    private_key
                ))
            })
        })?;
        Ok((public_key, private_key))
    }

    pub fn wrap(&self, mechanism: &Mechanism, wrapping: Handle, key: Handle) -> Answer<Vec<u8>> {
        output(|buffer, size| raw!(C_WrapKey(self.0, mechanism.as_ptr(), wrapping, key, buffer, size)))
    }

    pub fn unwrap(
        &self,
        mechanism: &Mechanism,
        unwrapping: Handle,
        wrapped: &[u8],
        template: &Template,
    ) -> Answer<Handle> {
        let mut key = 0;
        let (at, length) = view(wrapped);
        template.with_raw(|list, count| {
            let mechanism = mechanism.as_ptr();
            invoke!(C_UnwrapKey(self.0, mechanism, unwrapping, at, length, list, count, &mut key))
        })?;
        Ok(key)
    }

    /// `C_EncapsulateKey`, size first: the ciphertext and the key.
    pub fn encapsulate(
        &self,
        mechanism: &Mechanism,
        public: Handle,
        template: &Template,
    ) -> Answer<(Vec<u8>, Handle)> {
        let key = std::cell::Cell::new(0);
        let ciphertext = template.with_raw(|list, count| {
            output(|buffer, size| {
                let (mechanism, key) = (mechanism.as_ptr(), key.as_ptr());
                raw_3_2!(C_EncapsulateKey(self.0, mechanism, public, list, count, buffer, size, key))
            })
        })?;
        Ok((ciphertext, key.get()))
    }

    pub fn decapsulate(
        &self,
        mechanism: &Mechanism,
        private: Handle,
        ciphertext: &[u8],
        template: &Template,
    ) -> Answer<Handle> {
        let mut key = 0;
        let (at, length) = view(ciphertext);
        template.with_raw(|list, count| {
            let mechanism = mechanism.as_ptr();
            answer(raw_3_2!(C_DecapsulateKey(self.0, mechanism, private, list, count, at, length, &mut key)))
        })?;
        Ok(key)
    }

    pub fn verify_signature_init(&self, mechanism: &Mechanism, key: Handle, signature: &[u8]) -> Answer<()> {
        let (at, length) = view(signature);
        answer(raw_3_2!(C_VerifySignatureInit(self.0, mechanism.as_ptr(), key, at, length)))
    }

    pub fn verify_signature_rest(&self, data: &[u8]) -> Answer<()> {
        let (at, length) = view(data);
        answer(raw_3_2!(C_VerifySignature(self.0, at, length)))
    }

    pub fn verify_signature_update(&self, data: &[u8]) -> Answer<()> {
        let (at, length) = view(data);
        answer(raw_3_2!(C_VerifySignatureUpdate(self.0, at, length)))
    }

    pub fn verify_signature_final(&self) -> Answer<()> {
        answer(raw_3_2!(C_VerifySignatureFinal(self.0)))
    }

    pub fn derive(&self, mechanism: &Mechanism, base: Handle, template: &Template) -> Answer<Handle> {
        let mut key = 0;
        template.with_raw(|list, count| {
            invoke!(C_DeriveKey(self.0, mechanism.as_ptr(), base, list, count, &mut key))
        })?;
        Ok(key)
    }

    pub fn digest_init(&self, mechanism: &Mechanism) -> Answer<()> {
        invoke!(C_DigestInit(self.0, mechanism.as_ptr()))
    }

    pub fn digest_key(&self, key: Handle) -> Answer<()> {
        invoke!(C_DigestKey(self.0, key))
    }

    pub fn digest(&self, mechanism: &Mechanism, data: &[u8]) -> Answer<Vec<u8>> {
        self.digest_init(mechanism)?;
        self.digest_rest(data)
    }

    pub fn encrypt(&self, mechanism: &Mechanism, key: Handle, data: &[u8]) -> Answer<Vec<u8>> {
        self.encrypt_init(mechanism, key)?;
        self.encrypt_rest(data)
    }

    pub fn decrypt(&self, mechanism: &Mechanism, key: Handle, data: &[u8]) -> Answer<Vec<u8>> {
        self.decrypt_init(mechanism, key)?;
        self.decrypt_rest(data)
    }

    pub fn sign(&self, mechanism: &Mechanism, key: Handle, data: &[u8]) -> Answer<Vec<u8>> {
        self.sign_init(mechanism, key)?;
        self.sign_rest(data)
    }

    pub fn verify(&self, mechanism: &Mechanism, key: Handle, data: &[u8], signature: &[u8]) -> Answer<()> {
        self.verify_init(mechanism, key)?;
        self.verify_rest(data, signature)
    }

    pub fn verify_rest(&self, data: &[u8], signature: &[u8]) -> Answer<()> {
        let ((at, length), (signature, size)) = (view(data), view(signature));
        invoke!(C_Verify(self.0, at, length, signature, size))
    }

    pub fn random(&self, length: usize) -> Answer<Vec<u8>> {
        let mut bytes = vec![0; length];
        invoke!(C_GenerateRandom(self.0, bytes.as_mut_ptr(), length as CK_ULONG))?;
        Ok(bytes)
    }

    /// `C_SetOperationState` without keys.
    pub fn restore(&self, state: &[u8]) -> Answer<()> {
        let (at, length) = view(state);
        invoke!(C_SetOperationState(self.0, at, length, CK_INVALID_HANDLE, CK_INVALID_HANDLE))
    }

    /// `C_SessionCancel`.
    pub fn cancel(&self, flags: CK_FLAGS) -> Answer<()> {
        answer(raw_3_2!(C_SessionCancel(self.0, flags)))
    }
}

/// Bytes as the functions take them; NULL for none.
pub fn view(bytes: &[u8]) -> (*mut u8, CK_ULONG) {
    let at = if bytes.is_empty() { null_mut() } else { bytes.as_ptr().cast_mut() };
    (at, bytes.len() as CK_ULONG)
}
