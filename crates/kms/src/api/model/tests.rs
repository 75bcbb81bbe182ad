//! What the model promises.

use serde_json::{Value, json};

use super::*;
use crate::api::error::Fault;

fn judged(operation: &str, request: &Value) -> Result<()> {
    validate(model().operation(operation).unwrap().input().unwrap(), request)
}

fn refusal(operation: &str, request: &Value) -> Fault {
    judged(operation, request).unwrap_err()
}

#[test]
fn the_model_has_the_56_operations_of_the_api() {
    assert_eq!(model().operations().len(), 56);
    for each in model().operations() {
        assert_eq!(model().operation(&each.name).unwrap().name, each.name);
        assert!(each.input().is_some());
    }
    assert!(model().operation("encrypt").is_none());
}

#[test]
fn a_good_request_passes() {
    judged("Encrypt", &json!({"KeyId": "alias/a", "Plaintext": "AAAA"})).unwrap();
}

#[test]
fn what_is_missing_is_named() {
    let fault = refusal("DescribeKey", &json!({}));
    assert_eq!(fault.code, Code::ValidationException);
    assert_eq!(
        fault.message,
        "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"
    );
}
