//! What KMS looks at before it trusts a proxy with a store, and an external key with a KMS key.

use super::{Asker, Failure, Proxies};
use crate::stores::record::External;
use crate::xks::protocol::limits::{FLEET_DETAILS, KEY_USAGES};
use crate::xks::protocol::messages::{
    AES_256, HealthResponse, HealthStatus, KeyMetadataResponse, KeyStatus, PlainRequest,
};
use crate::xks::protocol::{Operation, Target};

/// Asks a proxy how it is.
///
/// # Errors
///
/// `NoKeyManager` if all key managers behind it are unavailable; `Malformed`; whatever keeps it from answering.
pub fn check(proxies: &Proxies, store: &External, asker: &Asker) -> Result<(), Failure> {
    let request = PlainRequest { request_metadata: asker.metadata() };
    let health: HealthResponse = proxies.line(store)?.ask(store, Target::Health, asker.region, &request)?;
    judge_health(&health)
}

fn judge_health(health: &HealthResponse) -> Result<(), Failure> {
    let managers = &health.ekm_fleet_details;
    if health.xks_proxy_fleet_size == 0 || managers.is_empty() || managers.len() > FLEET_DETAILS {
        return Err(Failure::Malformed(
            "the health status names no proxy, or none or too many key managers".to_owned(),
        ));
    }
    if managers.iter().all(|manager| manager.health_status == HealthStatus::Unavailable) {
        return Err(Failure::NoKeyManager);
    }
    Ok(())
}

/// Asks for the metadata of an external key, which must be fit for a KMS key.
///
/// # Errors
///
/// `UnfitKey`; `Malformed`; whatever the proxy refuses.
pub fn check_key(proxies: &Proxies, store: &External, key: &str, asker: &Asker) -> Result<(), Failure> {
    let request = PlainRequest { request_metadata: asker.metadata() };
    let target = Target::Key(key, Operation::GetKeyMetadata);
    let metadata: KeyMetadataResponse = proxies.line(store)?.ask(store, target, asker.region, &request)?;
    judge_key(&metadata)
}

fn judge_key(metadata: &KeyMetadataResponse) -> Result<(), Failure> {
    if metadata.key_usage.len() > KEY_USAGES {
        return Err(Failure::Malformed(format!("the key has more than {KEY_USAGES} usages")));
    }
    let unfit = |why: &str| Err(Failure::UnfitKey(why.to_owned()));
    let used_for = |usage: &str| metadata.key_usage.iter().any(|listed| listed == usage);
    if metadata.key_spec != AES_256 {
        return unfit("its keySpec isn't AES_256");
    }
    if !used_for("ENCRYPT") || !used_for("DECRYPT") {
        return unfit("its keyUsage isn't ENCRYPT and DECRYPT");
    }
    if metadata.key_status != KeyStatus::Enabled {
        return unfit("its keyStatus isn't ENABLED");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn k76_an_external_key_is_an_enabled_aes_256_key_that_encrypts_and_decrypts() {
        for (spec, usage, status, fit) in [
            ("AES_256", vec!["ENCRYPT", "DECRYPT"], "ENABLED", true),
            ("AES_256", vec!["WRAP", "DECRYPT", "ENCRYPT"], "ENABLED", true),
            ("AES_256", vec!["ENCRYPT", "DECRYPT"], "DISABLED", false),
            ("AES_256", vec!["DECRYPT"], "ENABLED", false),
            ("AES_256", vec!["ENCRYPT"], "ENABLED", false),
            ("AES_128", vec!["ENCRYPT", "DECRYPT"], "ENABLED", false),
        ] {
            let metadata = json!({"keySpec": spec, "keyUsage": usage, "keyStatus": status});
            let judged = judge_key(&serde_json::from_value(metadata.clone()).expect("metadata"));
            assert_eq!(judged.is_ok(), fit, "{metadata}");
            assert!(fit || matches!(judged, Err(Failure::UnfitKey(_))));
        }
        let many = json!({"keySpec": "AES_256", "keyUsage": vec!["ENCRYPT"; 11], "keyStatus": "ENABLED"});
        assert!(matches!(
            judge_key(&serde_json::from_value(many).expect("metadata")),
            Err(Failure::Malformed(_))
        ));
    }

    #[test]
    fn k80_a_proxy_is_well_while_one_key_manager_works() {
        let of = |managers: &[&str], size: u32| {
            let details: Vec<_> = managers
                .iter()
                .enumerate()
                .map(|(i, status)| json!({"id": i.to_string(), "model": "m", "healthStatus": status}))
                .collect();
            let health = json!({"xksProxyFleetSize": size, "xksProxyVendor": "v", "xksProxyModel": "m", "ekmVendor": "e", "ekmFleetDetails": details});
            judge_health(&serde_json::from_value(health).expect("health"))
        };
        assert_eq!(of(&["UNAVAILABLE", "DEGRADED"], 1), Ok(()));
        assert_eq!(of(&["ACTIVE"], 1), Ok(()));
        assert_eq!(of(&["UNAVAILABLE", "UNAVAILABLE"], 1), Err(Failure::NoKeyManager));
        assert!(matches!(of(&["ACTIVE"], 0), Err(Failure::Malformed(_))));
        assert!(matches!(of(&[], 1), Err(Failure::Malformed(_))));
        assert!(matches!(of(&["ACTIVE"; 11], 1), Err(Failure::Malformed(_))));
    }
}
