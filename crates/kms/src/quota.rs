//! Request quotas: how many requests a second an account may make in a Region, as AWS KMS has them. Off unless the settings switch them on.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::api::error::{Code, Result};
use crate::auth::caller::Caller;
use crate::keys::record::KeyRecord;
use crate::keys::spec::Family;

/// The quotas: name and requests a second. Operations that use keys share the quota of the key's kind; all others have one of their own.
#[rustfmt::skip]
static QUOTAS: &[(&str, f64)] = &[
    // By kind of key, and by custom key store.
    ("symmetric", 10_000.0), ("rsa", 1_000.0), ("ecc", 1_000.0), ("ml-dsa", 1_000.0), ("ml-kem", 1_000.0),
    ("custom-key-store", 1_800.0),
    // By operation.
    ("CancelKeyDeletion", 5.0), ("ConnectCustomKeyStore", 5.0), ("CreateAlias", 5.0), ("CreateCustomKeyStore", 5.0), ("CreateGrant", 50.0),
    ("CreateKey", 5.0), ("DeleteAlias", 15.0), ("DeleteCustomKeyStore", 5.0), ("DeleteImportedKeyMaterial", 15.0),
    ("DescribeCustomKeyStores", 5.0), ("DescribeKey", 2_000.0), ("DisableKey", 5.0), ("DisableKeyRotation", 5.0),
    ("DisconnectCustomKeyStore", 5.0), ("EnableKey", 5.0), ("EnableKeyRotation", 15.0), ("GetKeyLastUsage", 1_000.0), ("GetKeyPolicy", 1_000.0),
    ("GetKeyRotationStatus", 1_000.0), ("GetParametersForImport", 0.25), ("GetPublicKey", 2_000.0), ("ImportKeyMaterial", 15.0),
    ("ListAliases", 500.0), ("ListGrants", 100.0), ("ListKeyPolicies", 100.0), ("ListKeyRotations", 100.0), ("ListKeys", 500.0),
    ("ListResourceTags", 2_000.0), ("ListRetirableGrants", 100.0), ("PutKeyPolicy", 15.0), ("ReplicateKey", 5.0), ("RetireGrant", 30.0),
    ("RevokeGrant", 30.0), ("RotateKeyOnDemand", 5.0), ("ScheduleKeyDeletion", 15.0), ("TagResource", 10.0), ("UntagResource", 5.0),
    ("UpdateAlias", 5.0), ("UpdateCustomKeyStore", 5.0), ("UpdateKeyDescription", 5.0), ("UpdatePrimaryRegion", 5.0),
    // Data key pairs, by what is made.
    ("GenerateDataKeyPair/RSA_2048", 1.0), ("GenerateDataKeyPair/RSA_3072", 0.5), ("GenerateDataKeyPair/RSA_4096", 0.1),
    ("GenerateDataKeyPair/ECC_NIST_P256", 25.0), ("GenerateDataKeyPair/ECC_NIST_P384", 10.0), ("GenerateDataKeyPair/ECC_NIST_P521", 5.0),
    ("GenerateDataKeyPair/ECC_SECG_P256K1", 25.0), ("GenerateDataKeyPair/ECC_NIST_EDWARDS25519", 25.0),
    ("GenerateDataKeyPair/ML_KEM_512", 25.0), ("GenerateDataKeyPair/ML_KEM_768", 25.0), ("GenerateDataKeyPair/ML_KEM_1024", 25.0),
];

/// The settings' section: any quota by its name, other than it is at AWS.
pub type Throttle = BTreeMap<String, f64>;

/// Says which name of the settings is no quota's, or which rate is none.
pub fn check(throttle: &Throttle) -> std::result::Result<(), String> {
    for (name, rate) in throttle {
        if !QUOTAS.iter().any(|(known, _)| known == name) {
            return Err(format!("throttle: there is no quota called '{name}'"));
        }
        if quota(*rate).is_none() {
            return Err(format!("throttle: {name} must be a number of requests a second above 0"));
        }
    }
    Ok(())
}

type Limiter = Arc<DefaultDirectRateLimiter>;

/// The buckets of all quotas, by name and whose.
pub struct Quotas {
    rates: HashMap<&'static str, Quota>,
    buckets: Mutex<HashMap<(&'static str, String), Limiter>>,
}

impl Quotas {
    /// AWS's, but for what the settings say otherwise.
    pub fn new(throttle: &Throttle) -> Self {
        let rate = |name: &str, default: f64| quota(throttle.get(name).copied().unwrap_or(default));
        let rates =
            QUOTAS.iter().filter_map(|(name, default)| Some((*name, rate(name, *default)?))).collect();
        Self { rates, buckets: Mutex::default() }
    }

    /// Counts a request against the quota called `name` of `whose` (account and Region, or a key store); what has no quota passes.
    ///
    /// # Errors
    ///
    /// `ThrottlingException`.
    pub fn admit(&self, name: &str, whose: &str) -> Result<()> {
        let Some((name, quota)) = self.rates.get_key_value(name) else { return Ok(()) };
        let bucket = self
            .buckets
            .lock()
            .entry((name, whose.to_owned()))
            .or_insert_with(|| Arc::new(RateLimiter::direct(*quota)))
            .clone();
        bucket.check().map_err(|_| {
            Code::ThrottlingException.because(
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            )
        })
    }
}

/// The quota that the use of a key counts against, and whose that is: the caller's account's, so that nobody uses up another's; of a custom key store all
/// that may use it share one.
pub fn of_use(key: &KeyRecord, caller: &Caller) -> (&'static str, String) {
    if let Some(store) = &key.store {
        return ("custom-key-store", store.clone());
    }
    let name = match key.spec.family {
        Family::Rsa(_) => "rsa",
        Family::Curve { .. } | Family::Edwards => "ecc",
        Family::MlDsa(_) => "ml-dsa",
        Family::MlKem(_) => "ml-kem",
        Family::Symmetric | Family::Hmac(_) | Family::Absent => "symmetric",
    };
    (name, of_account(&caller.account, &caller.region))
}

/// Whose the quotas of an account in a Region are.
pub fn of_account(account: &str, region: &str) -> String {
    format!("{account}/{region}")
}

/// So many a second, in bursts of a second's worth and one at least.
fn quota(rate: f64) -> Option<Quota> {
    if !rate.is_finite() || rate <= 0.0 || rate > 1e9 {
        return None;
    }
    let burst = NonZeroU32::new(rate as u32).unwrap_or(NonZeroU32::MIN);
    Some(Quota::with_period(Duration::from_secs_f64(1.0 / rate))?.allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(pairs: &[(&str, f64)]) -> Throttle {
        pairs.iter().map(|(name, rate)| ((*name).to_owned(), *rate)).collect()
    }

    #[test]
    fn k95_who_asks_too_often_is_told_and_nobody_else_is() {
        // One in a million seconds: no test run is that long.
        let quotas = Quotas::new(&throttle(&[("rsa", 1e-6)]));
        let (one, other) = (of_account("111122223333", "eu-west-1"), of_account("111122223333", "us-east-1"));
        quotas.admit("rsa", &one).unwrap();
        assert_eq!(quotas.admit("rsa", &one).unwrap_err().code, Code::ThrottlingException);
        quotas.admit("rsa", &other).unwrap();
        quotas.admit("ecc", &one).unwrap();
    }

    #[test]
    fn what_has_no_quota_passes() {
        let quotas = Quotas::new(&Throttle::new());
        for _ in 0..100_000 {
            quotas.admit("Encrypt", "whoever").unwrap();
        }
    }

    #[test]
    fn settings_name_quotas_that_there_are() {
        assert!(check(&throttle(&[("symmetric", 5_500.0), ("CreateKey", 0.5)])).is_ok());
        assert!(check(&throttle(&[("aes", 1.0)])).unwrap_err().contains("'aes'"));
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(check(&throttle(&[("rsa", rate)])).unwrap_err().contains("above 0"));
        }
    }
}
