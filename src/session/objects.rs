//! Objects as a session sees them: by handle.

use super::{Handle, Session};
use crate::attribute::{AttributeType, Attributes, Value};
use crate::error::Result;
use crate::mechanism::Mechanism;
use crate::output::{Delivery, Output};

impl Session {
    /// `C_CreateObject`.
    pub fn create_object(&self, template: &Attributes) -> Result<Handle> {
        let _ = template;
        todo!()
    }

    /// `C_CopyObject`.
    pub fn copy_object(&self, object: Handle, template: &Attributes) -> Result<Handle> {
        let _ = (object, template);
        todo!()
    }

    /// `C_DestroyObject`.
    pub fn destroy_object(&self, object: Handle) -> Result<()> {
        let _ = object;
        todo!()
    }

    /// `C_GetObjectSize`, in bytes.
    pub fn object_size(&self, object: Handle) -> Result<u64> {
        let _ = object;
        todo!()
    }

    /// `C_GetAttributeValue`: for each wanted attribute its value, or `AttributeSensitive` or `AttributeTypeInvalid`.
    pub fn attributes(&self, object: Handle, wanted: &[AttributeType]) -> Result<Vec<Result<Value>>> {
        let _ = (object, wanted);
        todo!()
    }

    /// `C_SetAttributeValue`.
    pub fn set_attributes(&self, object: Handle, changes: &Attributes) -> Result<()> {
        let _ = (object, changes);
        todo!()
    }

    /// `C_FindObjectsInit`.
    pub fn find_init(&self, template: &Attributes) -> Result<()> {
        let _ = template;
        todo!()
    }

    /// `C_FindObjects`: at most `most` further handles.
    pub fn find(&self, most: usize) -> Result<Vec<Handle>> {
        let _ = most;
        todo!()
    }

    /// `C_FindObjectsFinal`.
    pub fn find_final(&self) -> Result<()> {
        todo!()
    }

    /// `C_GenerateKey`.
    pub fn generate_key(&self, mechanism: &Mechanism, template: &Attributes) -> Result<Handle> {
        let _ = (mechanism, template);
        todo!()
    }

    /// `C_GenerateKeyPair`: the public and the private key.
    pub fn generate_key_pair(
        &self,
        mechanism: &Mechanism,
        public: &Attributes,
        private: &Attributes,
    ) -> Result<(Handle, Handle)> {
        let _ = (mechanism, public, private);
        todo!()
    }

    /// `C_WrapKey`.
    pub fn wrap_key(
        &self,
        mechanism: &Mechanism,
        wrapping: Handle,
        key: Handle,
        output: Output<'_>,
    ) -> Result<Delivery> {
        let _ = (mechanism, wrapping, key, output);
        todo!()
    }

    /// `C_UnwrapKey`.
    pub fn unwrap_key(
        &self,
        mechanism: &Mechanism,
        unwrapping: Handle,
        wrapped: &[u8],
        template: &Attributes,
    ) -> Result<Handle> {
        let _ = (mechanism, unwrapping, wrapped, template);
        todo!()
    }

    /// `C_DeriveKey`.
    pub fn derive_key(&self, mechanism: &Mechanism, base: Handle, template: &Attributes) -> Result<Handle> {
        let _ = (mechanism, base, template);
        todo!()
    }
}
