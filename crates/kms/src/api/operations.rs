//! ONE table of the operations: name, what it runs, what kind of work it is.

use serde_json::Value;

use super::error::{Code, Result};
use crate::crypto::{
    agree, data_key, data_key_pair, encapsulate, encrypt, last_use, mac, public_key, random, reencrypt, sign,
};
use crate::keys::{
    aliases, create, deletion, describe, grants, import, manage, policy, regions, rotation, tags,
};
use crate::service::Call;
use crate::stores;

/// An operation of the API.
pub struct Operation {
    /// The name in `X-Amz-Target`.
    pub name: &'static str,
    /// Whether it changes nothing (the audit trail's `readOnly`).
    pub read_only: bool,
    /// What it does, from the validated request to the answer.
    pub run: fn(&Call, &Value) -> Result<Value>,
}

/// `Name: function, what it does to the world;` per row.
macro_rules! operations {
    ($($name:ident: $function:path, $kind:ident;)*) => {
        /// All operations, in the order of their names.
        pub static OPERATIONS: &[Operation] = &[$(
            Operation {
                name: stringify!($name),
                read_only: operations!(@read_only $kind),
                run: |call, request| answer($function(call, read(request)?)?),
            },
        )*];
    };
    (@read_only reads) => { true };
    (@read_only changes) => { false };
}

operations! {
    CancelKeyDeletion: deletion::cancel_key_deletion, changes;
    ConnectCustomKeyStore: stores::connect::connect_custom_key_store, changes;
    CreateAlias: aliases::create_alias, changes;
    CreateCustomKeyStore: stores::create::create_custom_key_store, changes;
    CreateGrant: grants::create_grant, changes;
    CreateKey: create::create_key, changes;
    Decapsulate: encapsulate::decapsulate, reads;
    Decrypt: encrypt::decrypt, reads;
    DeleteAlias: aliases::delete_alias, changes;
    DeleteCustomKeyStore: stores::delete::delete_custom_key_store, changes;
    DeleteImportedKeyMaterial: import::delete_imported_key_material, changes;
    DeriveSharedSecret: agree::derive_shared_secret, reads;
    DescribeCustomKeyStores: stores::describe::describe_custom_key_stores, reads;
    DescribeKey: describe::describe_key, reads;
    DisableKey: manage::disable_key, changes;
    DisableKeyRotation: rotation::disable_key_rotation, changes;
    DisconnectCustomKeyStore: stores::connect::disconnect_custom_key_store, changes;
    EnableKey: manage::enable_key, changes;
    EnableKeyRotation: rotation::enable_key_rotation, changes;
    Encapsulate: encapsulate::encapsulate, reads;
    Encrypt: encrypt::encrypt, reads;
    GenerateDataKey: data_key::generate_data_key, reads;
    GenerateDataKeyPair: data_key_pair::generate_data_key_pair, reads;
    GenerateDataKeyPairWithoutPlaintext: data_key_pair::generate_data_key_pair_without_plaintext, reads;
    GenerateDataKeyWithoutPlaintext: data_key::generate_data_key_without_plaintext, reads;
    GenerateMac: mac::generate_mac, reads;
    GenerateRandom: random::generate_random, reads;
    GetKeyLastUsage: last_use::get_key_last_usage, reads;
    GetKeyPolicy: policy::get_key_policy, reads;
    GetKeyRotationStatus: rotation::get_key_rotation_status, reads;
    GetParametersForImport: import::get_parameters_for_import, changes;
    GetPublicKey: public_key::get_public_key, reads;
    ImportKeyMaterial: import::import_key_material, changes;
    ListAliases: aliases::list_aliases, reads;
    ListGrants: grants::list_grants, reads;
    ListKeyPolicies: policy::list_key_policies, reads;
    ListKeyRotations: rotation::list_key_rotations, reads;
    ListKeys: describe::list_keys, reads;
    ListResourceTags: tags::list_resource_tags, reads;
    ListRetirableGrants: grants::list_retirable_grants, reads;
    PutKeyPolicy: policy::put_key_policy, changes;
    ReEncrypt: reencrypt::re_encrypt, reads;
    ReplicateKey: regions::replicate_key, changes;
    RetireGrant: grants::retire_grant, changes;
    RevokeGrant: grants::revoke_grant, changes;
    RotateKeyOnDemand: rotation::rotate_key_on_demand, changes;
    ScheduleKeyDeletion: deletion::schedule_key_deletion, changes;
    Sign: sign::sign, reads;
    TagResource: tags::tag_resource, changes;
    UntagResource: tags::untag_resource, changes;
    UpdateAlias: aliases::update_alias, changes;
    UpdateCustomKeyStore: stores::update::update_custom_key_store, changes;
    UpdateKeyDescription: manage::update_key_description, changes;
    UpdatePrimaryRegion: regions::update_primary_region, changes;
    Verify: sign::verify, reads;
    VerifyMac: mac::verify_mac, reads;
}

impl Operation {
    /// The row of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }
}

/// A request as its operation takes it. The model has been asked before: what fails here is a member the model has no rule for.
fn read<'a, T: serde::Deserialize<'a>>(request: &'a Value) -> Result<T> {
    T::deserialize(request).map_err(|_| Code::SerializationException.because("The request can't be read."))
}

fn answer<T: serde::Serialize>(answer: T) -> Result<Value> {
    serde_json::to_value(answer)
        .map_err(|e| Code::KMSInternalException.because(format!("The answer can't be written: {e}")))
}
