//! Which members of requests and answers an event shows: what isn't in these tables never reaches the trail.
//!
//! Left out everywhere: plaintext, ciphertext, messages, signatures, MACs, key material, import and grant tokens,
//! passwords, secrets of XKS proxies, attestation documents. The encryption context is shown, as AWS does.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use crate::api::context;

/// What is recorded of one operation.
pub(super) struct Row {
    pub operation: &'static str,
    /// Members of the request, for `requestParameters`.
    pub request: &'static [&'static str],
    /// Members of the answer, for `responseElements`.
    pub response: &'static [&'static str],
}

/// An operation that reads or calculates: of its answer nothing is shown.
const fn asks(operation: &'static str, request: &'static [&'static str]) -> Row {
    Row { operation, request, response: &[] }
}

/// An operation that changes something.
const fn does(
    operation: &'static str,
    request: &'static [&'static str],
    response: &'static [&'static str],
) -> Row {
    Row { operation, request, response }
}

/// The table, in the order of names.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[Row] = &[
    does("CancelKeyDeletion", &["KeyId"], &["KeyId"]),
    does("ConnectCustomKeyStore", &["CustomKeyStoreId"], &[]),
    does("CreateAlias", &["AliasName", "TargetKeyId"], &[]),
    does("CreateCustomKeyStore", &["CustomKeyStoreName", "CloudHsmClusterId", "CustomKeyStoreType",
        "XksProxyUriEndpoint", "XksProxyUriPath", "XksProxyVpcEndpointServiceName",
        "XksProxyVpcEndpointServiceOwner", "XksProxyConnectivity"], &["CustomKeyStoreId"]),
    does("CreateGrant", &["KeyId", "GranteePrincipal", "RetiringPrincipal", "Operations", "Constraints", "Name",
        "DryRun", "GranteeServicePrincipal", "RetiringServicePrincipal"], &["GrantId"]),
    does("CreateKey", &["Policy", "Description", "KeyUsage", "CustomerMasterKeySpec", "KeySpec", "Origin",
        "CustomKeyStoreId", "BypassPolicyLockoutSafetyCheck", "Tags", "MultiRegion", "XksKeyId"], &["KeyMetadata"]),
    asks("Decapsulate", &["KeyId", "EncapsulationAlgorithm", "DryRun"]),
    asks("Decrypt", &["EncryptionContext", "KeyId", "EncryptionAlgorithm", "DryRun", "DryRunModifiers"]),
    does("DeleteAlias", &["AliasName"], &[]),
    does("DeleteCustomKeyStore", &["CustomKeyStoreId"], &[]),
    does("DeleteImportedKeyMaterial", &["KeyId", "KeyMaterialId"], &["KeyId", "KeyMaterialId"]),
    asks("DeriveSharedSecret", &["KeyId", "KeyAgreementAlgorithm", "DryRun"]),
    asks("DescribeCustomKeyStores", &["CustomKeyStoreId", "CustomKeyStoreName", "Limit"]),
    asks("DescribeKey", &["KeyId"]),
    does("DisableKey", &["KeyId"], &[]),
    does("DisableKeyRotation", &["KeyId"], &[]),
    does("DisconnectCustomKeyStore", &["CustomKeyStoreId"], &[]),
    does("EnableKey", &["KeyId"], &[]),
    does("EnableKeyRotation", &["KeyId", "RotationPeriodInDays"], &[]),
    asks("Encapsulate", &["KeyId", "EncapsulationAlgorithm", "DryRun"]),
    asks("Encrypt", &["KeyId", "EncryptionContext", "EncryptionAlgorithm", "DryRun"]),
    asks("GenerateDataKey", &["KeyId", "EncryptionContext", "NumberOfBytes", "KeySpec", "DryRun"]),
    asks("GenerateDataKeyPair", &["EncryptionContext", "KeyId", "KeyPairSpec", "DryRun"]),
    asks("GenerateDataKeyPairWithoutPlaintext", &["EncryptionContext", "KeyId", "KeyPairSpec", "DryRun"]),
    asks("GenerateDataKeyWithoutPlaintext", &["KeyId", "EncryptionContext", "KeySpec", "NumberOfBytes", "DryRun"]),
    asks("GenerateMac", &["KeyId", "MacAlgorithm", "DryRun"]),
    asks("GenerateRandom", &["NumberOfBytes", "CustomKeyStoreId"]),
    asks("GetKeyLastUsage", &["KeyId"]),
    asks("GetKeyPolicy", &["KeyId", "PolicyName"]),
    asks("GetKeyRotationStatus", &["KeyId"]),
    asks("GetParametersForImport", &["KeyId", "WrappingAlgorithm", "WrappingKeySpec"]),
    asks("GetPublicKey", &["KeyId"]),
    does("ImportKeyMaterial", &["KeyId", "ValidTo", "ExpirationModel", "ImportType", "KeyMaterialDescription",
        "KeyMaterialId"], &["KeyId", "KeyMaterialId"]),
    asks("ListAliases", &["KeyId", "Limit"]),
    asks("ListGrants", &["Limit", "KeyId", "GrantId", "GranteePrincipal", "GranteeServicePrincipal"]),
    asks("ListKeyPolicies", &["KeyId", "Limit"]),
    asks("ListKeyRotations", &["KeyId", "IncludeKeyMaterial", "Limit"]),
    asks("ListKeys", &["Limit", "ResourceOwners"]),
    asks("ListResourceTags", &["KeyId", "Limit"]),
    asks("ListRetirableGrants", &["Limit", "RetiringPrincipal", "RetiringServicePrincipal"]),
    does("PutKeyPolicy", &["KeyId", "PolicyName", "Policy", "BypassPolicyLockoutSafetyCheck"], &[]),
    asks("ReEncrypt", &["SourceEncryptionContext", "SourceKeyId", "DestinationKeyId",
        "DestinationEncryptionContext", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm", "DryRun",
        "DryRunModifiers"]),
    does("ReplicateKey", &["KeyId", "ReplicaRegion", "Policy", "BypassPolicyLockoutSafetyCheck", "Description",
        "Tags"], &["ReplicaKeyMetadata"]),
    does("RetireGrant", &["KeyId", "GrantId", "DryRun"], &[]),
    does("RevokeGrant", &["KeyId", "GrantId", "DryRun"], &[]),
    does("RotateKeyOnDemand", &["KeyId"], &["KeyId"]),
    does("ScheduleKeyDeletion", &["KeyId", "PendingWindowInDays"],
        &["KeyId", "DeletionDate", "KeyState", "PendingWindowInDays"]),
    asks("Sign", &["KeyId", "MessageType", "SigningAlgorithm", "DryRun"]),
    does("TagResource", &["KeyId", "Tags"], &[]),
    does("UntagResource", &["KeyId", "TagKeys"], &[]),
    does("UpdateAlias", &["AliasName", "TargetKeyId"], &[]),
    does("UpdateCustomKeyStore", &["CustomKeyStoreId", "NewCustomKeyStoreName", "CloudHsmClusterId",
        "XksProxyUriEndpoint", "XksProxyUriPath", "XksProxyVpcEndpointServiceName",
        "XksProxyVpcEndpointServiceOwner", "XksProxyConnectivity"], &[]),
    does("UpdateKeyDescription", &["KeyId", "Description"], &[]),
    does("UpdatePrimaryRegion", &["KeyId", "PrimaryRegion"], &[]),
    asks("Verify", &["KeyId", "MessageType", "SigningAlgorithm", "DryRun"]),
    asks("VerifyMac", &["KeyId", "MacAlgorithm", "DryRun"]),
];

/// An operation that the table doesn't know: it fails, and nothing of it is recorded but its name.
const UNKNOWN: Row = asks("", &[]);

/// The row of `operation`.
pub(super) fn row(operation: &str) -> &'static Row {
    let found = OPERATIONS.binary_search_by(|row| row.operation.cmp(operation)).ok();
    found.and_then(|at| OPERATIONS.get(at)).unwrap_or(&UNKNOWN)
}

/// What a recorded member may hold. Anything else under its name is left out: a request that is refused for its
/// shape must not smuggle into the trail what its operation never shows.
#[derive(Clone, Copy)]
enum Shape {
    /// A string, number or boolean.
    Plain,
    /// Strings.
    List,
    /// Strings by names that are the caller's and stay as they are.
    Map,
    /// These members, or an array of such structures.
    Structure(&'static [&'static str]),
}

const METADATA: Shape = Shape::Structure(&[
    "AWSAccountId",
    "KeyId",
    "Arn",
    "CreationDate",
    "Enabled",
    "Description",
    "KeyUsage",
    "KeyState",
    "DeletionDate",
    "ValidTo",
    "Origin",
    "CustomKeyStoreId",
    "CloudHsmClusterId",
    "ExpirationModel",
    "KeyManager",
    "CustomerMasterKeySpec",
    "KeySpec",
    "EncryptionAlgorithms",
    "SigningAlgorithms",
    "KeyAgreementAlgorithms",
    "EncapsulationAlgorithms",
    "MacAlgorithms",
    "MultiRegion",
    "MultiRegionConfiguration",
    "PendingDeletionWindowInDays",
    "XksKeyConfiguration",
    "CurrentKeyMaterialId",
]);

/// The members that are not plain, under whichever operation.
const SHAPES: &[(&str, Shape)] = &[
    ("Constraints", Shape::Structure(&["EncryptionContextSubset", "EncryptionContextEquals"])),
    ("DestinationEncryptionContext", Shape::Map),
    ("DryRunModifiers", Shape::List),
    ("EncapsulationAlgorithms", Shape::List),
    ("EncryptionAlgorithms", Shape::List),
    ("EncryptionContext", Shape::Map),
    ("EncryptionContextEquals", Shape::Map),
    ("EncryptionContextSubset", Shape::Map),
    ("KeyAgreementAlgorithms", Shape::List),
    ("KeyMetadata", METADATA),
    ("MacAlgorithms", Shape::List),
    ("MultiRegionConfiguration", Shape::Structure(&["MultiRegionKeyType", "PrimaryKey", "ReplicaKeys"])),
    ("Operations", Shape::List),
    ("PrimaryKey", Shape::Structure(&["Arn", "Region"])),
    ("ReplicaKeyMetadata", METADATA),
    ("ReplicaKeys", Shape::Structure(&["Arn", "Region"])),
    ("ResourceOwners", Shape::List),
    ("SigningAlgorithms", Shape::List),
    ("SourceEncryptionContext", Shape::Map),
    ("TagKeys", Shape::List),
    ("Tags", Shape::Structure(&["TagKey", "TagValue"])),
    ("XksKeyConfiguration", Shape::Structure(&["Id"])),
];

fn shape(member: &str) -> Shape {
    SHAPES.iter().find(|(name, _)| *name == member).map_or(Shape::Plain, |(_, shape)| *shape)
}

/// Those of `names` that `value` holds, under the names that CloudTrail gives them (`KeyId` is `keyId`).
#[derive(Clone, Copy)]
pub(super) struct Recorded<'a> {
    names: &'static [&'static str],
    value: &'a Value,
    /// Members that are longer than this, in bytes of JSON, are left out, and so said.
    longest: usize,
}

impl<'a> Recorded<'a> {
    /// Nothing where there is nothing to show.
    pub(super) fn of(names: &'static [&'static str], value: &'a Value) -> Option<Self> {
        let recorded = Self { names, value, longest: usize::MAX };
        recorded.members().next().is_some().then_some(recorded)
    }

    /// The same, showing only members that aren't longer than `longest`, in bytes of JSON. An encryption context is always shown, unless it was
    /// refused for its length.
    pub(super) fn without_members_over(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    fn members(&self) -> impl Iterator<Item = (&'static str, Shape, &'a Value)> + use<'a> {
        let value = self.value;
        let member = move |name: &&'static str| Some((*name, shape(name), value.get(name)?));
        self.names.iter().filter_map(member).filter(|(_, shape, value)| shape.fits(value))
    }
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Plain, Value::String(_) | Value::Number(_) | Value::Bool(_)) => true,
            (Self::List, Value::Array(items)) => items.iter().all(Value::is_string),
            (Self::Map, Value::Object(members)) => members.values().all(Value::is_string),
            (Self::Structure(_), Value::Object(_)) => true,
            (Self::Structure(_), Value::Array(items)) => items.iter().all(Value::is_object),
            _ => false,
        }
    }

    /// Whether a member is too long to be shown. A structure that has encryption contexts in it is judged by its own members.
    fn is_left_out(self, value: &Value, longest: usize) -> bool {
        let too_long = || longest != usize::MAX && length(value) > longest;
        match (self, value) {
            (Self::Map, _) => too_long() && context::length(value) > context::LONGEST,
            (Self::Structure(names), Value::Object(_)) => {
                let has_contexts = names.iter().any(|name| matches!(shape(name), Self::Map));
                !has_contexts && too_long()
            }
            _ => too_long(),
        }
    }
}

/// The length of a value, in bytes of JSON.
fn length(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

impl Serialize for Recorded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, shape, value) in self.members() {
            map.serialize_key(&Lower(name))?;
            if shape.is_left_out(value, self.longest) {
                map.serialize_value(&Omitted::default())?;
            } else {
                map.serialize_value(&Shaped { shape, value, longest: self.longest })?;
            }
        }
        map.end()
    }
}

/// What CloudTrail puts where something is too long.
#[derive(serde::Serialize)]
struct Omitted {
    omitted: bool,
    reason: &'static str,
}

impl Default for Omitted {
    fn default() -> Self {
        Self { omitted: true, reason: "omitted due to size" }
    }
}

struct Shaped<'a> {
    shape: Shape,
    value: &'a Value,
    longest: usize,
}

impl Serialize for Shaped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let longest = self.longest;
        match (self.shape, self.value) {
            (Shape::Structure(names), Value::Array(items)) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Recorded { names, value, longest })?;
                }
                list.end()
            }
            (Shape::Structure(names), value) => Recorded { names, value, longest }.serialize(serializer),
            (_, value) => value.serialize(serializer),
        }
    }
}

/// A member's name with its first letter in lower case.
struct Lower(&'static str);

impl Serialize for Lower {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.split_at_checked(1) {
            Some((first, rest)) => {
                serializer.collect_str(&format_args!("{}{rest}", first.to_ascii_lowercase()))
            }
            None => serializer.serialize_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameters(operation: &str, request: Value) -> Value {
        serde_json::to_value(Recorded::of(row(operation).request, &request)).unwrap()
    }

    #[test]
    fn every_operation_is_there_once_in_the_order_of_names() {
        assert_eq!(OPERATIONS.len(), 56);
        assert!(OPERATIONS.is_sorted_by(|one, next| one.operation < next.operation));
        for known in OPERATIONS {
            assert_eq!(row(known.operation).operation, known.operation);
        }
        assert!(SHAPES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn k93_what_is_shown_is_in_the_api_model_with_the_same_shape_and_never_content() {
        let model: Value = serde_json::from_str(include_str!("../../model/kms-2014-11-01.json")).unwrap();
        let shapes = &model["shapes"];
        let operations: Vec<&str> =
            model["operations"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(OPERATIONS.iter().map(|row| row.operation).collect::<Vec<_>>(), operations);
        for row in OPERATIONS {
            let operation = &model["operations"][row.operation];
            agree(shapes, &operation["input"], row.request);
            agree(shapes, &operation["output"], row.response);
        }
    }

    /// That structure `of` of the model has members `names`, each of the shape it is recorded in.
    fn agree(shapes: &Value, of: &Value, names: &'static [&'static str]) {
        for name in names {
            let member = &shapes[of.as_str().unwrap()]["members"][*name];
            let of = member.as_str().unwrap_or_else(|| panic!("{of} has no {name}"));
            let (said, item) = (&shapes[of], &shapes[of]["member"]);
            let kind = said["type"].as_str().unwrap();
            assert_ne!(said["sensitive"], true, "{name}");
            match shape(name) {
                Shape::Plain => {
                    assert!(["string", "integer", "long", "boolean", "timestamp"].contains(&kind), "{name}")
                }
                Shape::List => {
                    assert_eq!((kind, &shapes[item.as_str().unwrap()]["type"]), ("list", &json!("string")))
                }
                Shape::Map => assert_eq!(kind, "map"),
                Shape::Structure(names) if kind == "list" => agree(shapes, item, names),
                Shape::Structure(names) => agree(shapes, &json!(of), names),
            }
        }
    }

    #[test]
    fn k93_no_row_shows_what_is_secret_or_content() {
        let never = [
            "Plaintext",
            "CiphertextBlob",
            "Message",
            "Signature",
            "Mac",
            "PublicKey",
            "EncryptedKeyMaterial",
            "KeyStorePassword",
            "RawSecretAccessKey",
            "XksProxyAuthenticationCredential",
            "ImportToken",
            "GrantToken",
            "GrantTokens",
            "Recipient",
            "AttestationDocument",
            "CiphertextForRecipient",
            "PrivateKeyPlaintext",
            "PrivateKeyCiphertextBlob",
            "SharedSecret",
            "SharedSecretCiphertextBlob",
            "TrustAnchorCertificate",
            "Marker",
        ];
        let structures = SHAPES.iter().filter_map(|(_, shape)| match shape {
            Shape::Structure(names) => Some(*names),
            _ => None,
        });
        let shown = OPERATIONS.iter().flat_map(|row| [row.request, row.response]).chain(structures).flatten();
        for name in shown {
            assert!(!never.contains(name), "{name}");
        }
    }

    #[test]
    fn k34_the_encryption_context_is_shown_with_the_callers_own_names() {
        let request = json!({"KeyId": "alias/a", "Plaintext": "c2VjcmV0", "GrantTokens": ["t"],
            "EncryptionContext": {"Tenant": "Blue", "plain": "x"}});
        let shown = json!({"keyId": "alias/a", "encryptionContext": {"Tenant": "Blue", "plain": "x"}});
        assert_eq!(parameters("Encrypt", request), shown);
    }

    #[test]
    fn structures_show_their_known_members_only() {
        let request = json!({"KeyId": "k", "Operations": ["Encrypt"], "Name": "n", "GrantTokens": ["t"],
            "Constraints": {"EncryptionContextSubset": {"A": "b"}, "Plaintext": "secret"}});
        let shown = json!({"keyId": "k", "operations": ["Encrypt"], "name": "n",
            "constraints": {"encryptionContextSubset": {"A": "b"}}});
        assert_eq!(parameters("CreateGrant", request), shown);
        let request = json!({"KeyId": "k", "Tags": [{"TagKey": "a", "TagValue": "b", "Other": "c"}]});
        let shown = json!({"keyId": "k", "tags": [{"tagKey": "a", "tagValue": "b"}]});
        assert_eq!(parameters("TagResource", request), shown);
    }

    #[test]
    fn a_member_of_the_wrong_shape_is_left_out() {
        for wrong in [json!({"Plaintext": "secret"}), json!(["secret"]), json!(null)] {
            assert_eq!(parameters("DescribeKey", json!({"KeyId": wrong})), Value::Null);
        }
        for wrong in [json!({"a": {"b": "secret"}}), json!("secret"), json!([{"a": "b"}])] {
            assert_eq!(parameters("Encrypt", json!({"EncryptionContext": wrong})), Value::Null);
        }
    }

    #[test]
    fn of_an_unknown_operation_and_of_what_is_no_object_nothing_is_shown() {
        assert_eq!(parameters("Steal", json!({"KeyId": "k"})), Value::Null);
        assert_eq!(parameters("Encrypt", json!("KeyId")), Value::Null);
    }
}
