//! How long encryption contexts may be, wherever a request has one: policies match their texts against patterns, and audit events show them whole.

use serde_json::Value;

use super::error::{Code, Result};

/// The longest encryption context: all its keys and values together, in bytes (KMS guide, "Encryption context").
pub const LONGEST: usize = 8 * 1024;

/// Where requests have encryption contexts, as JSON pointers.
const PLACES: &[&str] = &[
    "/Constraints/EncryptionContextEquals",
    "/Constraints/EncryptionContextSubset",
    "/DestinationEncryptionContext",
    "/EncryptionContext",
    "/SourceEncryptionContext",
];

/// The length of an encryption context: that of its keys and values, in bytes.
pub fn length(context: &Value) -> usize {
    let pairs = context.as_object().into_iter().flatten();
    pairs.map(|(key, value)| key.len().saturating_add(value.as_str().map_or(0, str::len))).sum()
}

/// Refuses a request with an encryption context that is too long.
///
/// # Errors
///
/// `ValidationException`; it doesn't repeat the context.
pub fn must_be_short(request: &Value) -> Result<()> {
    let too_long = |place: &&&str| request.pointer(place).is_some_and(|context| length(context) > LONGEST);
    match PLACES.iter().find(too_long) {
        None => Ok(()),
        Some(place) => Err(Code::ValidationException.because(format!(
            "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must have length less than or equal to {LONGEST}",
            name(place)
        ))),
    }
}

/// The place as the service names it: `constraints.encryptionContextSubset`.
fn name(place: &str) -> String {
    let lower = |part: &str| {
        let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        first.to_ascii_lowercase() + rest
    };
    place.split('/').skip(1).map(lower).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn k102_a_context_is_refused_by_the_byte_that_is_too_many_wherever_it_stands() {
        let key = "\u{e9}".repeat(LONGEST / 4);
        let request = |place: &str, value: &str| {
            let context = json!({ &key: value });
            place
                .split('/')
                .skip(1)
                .collect::<Vec<_>>()
                .iter()
                .rev()
                .fold(context, |inner, part| json!({ *part: inner }))
        };
        for place in PLACES {
            must_be_short(&request(place, &"x".repeat(LONGEST / 2))).unwrap();
            let refused = must_be_short(&request(place, &"x".repeat(LONGEST / 2 + 1))).unwrap_err();
            assert_eq!(refused.code, Code::ValidationException);
            assert!(refused.message.contains(&name(place)) && refused.message.len() < 300, "{refused}");
        }
        assert_eq!(name(PLACES[0]), "constraints.encryptionContextEquals");
    }

    #[test]
    fn k102_every_context_of_the_api_model_has_its_place() {
        let model: Value = serde_json::from_str(include_str!("../../model/kms-2014-11-01.json")).unwrap();
        let contexts_of = |shape: &str| -> Vec<String> {
            let members = model["shapes"][shape]["members"].as_object().into_iter().flatten();
            members.filter(|(_, of)| *of == "EncryptionContextType").map(|(name, _)| name.clone()).collect()
        };
        for operation in model["operations"].as_object().unwrap().values() {
            let Some(input) = operation["input"].as_str() else { continue };
            let mut places: Vec<String> = contexts_of(input).iter().map(|name| format!("/{name}")).collect();
            for (member, of) in model["shapes"][input]["members"].as_object().into_iter().flatten() {
                let inner = contexts_of(of.as_str().unwrap());
                places.extend(inner.iter().map(|name| format!("/{member}/{name}")));
            }
            assert!(places.iter().all(|place| PLACES.contains(&place.as_str())), "{input}: {places:?}");
        }
    }
}
