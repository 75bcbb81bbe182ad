//! The mechanisms of PKCS#11 3.2 that the module does not offer, and why.

/// Mechanisms that are left out for one reason. In a name `*` stands for any letters.
pub struct Absent {
    /// Their names in C.
    pub names: &'static [&'static str],
    /// The reason.
    pub reason: &'static str,
}

const fn absent(names: &'static [&'static str], reason: &'static str) -> Absent {
    Absent { names, reason }
}

/// Every mechanism of the standard has its row in the registry or its reason here.
#[rustfmt::skip]
pub static ABSENT: &[Absent] = &[
    absent(
        &[
            "CKM_MD2*", "CKM_RIPEMD128*", "CKM_RC2_*", "CKM_RC4*", "CKM_RC5_*", "CKM_CDMF_*", "CKM_CAST*", "CKM_IDEA_*",
            "CKM_SKIPJACK_*", "CKM_BATON_*", "CKM_JUNIPER_*", "CKM_KEA_*", "CKM_FORTEZZA_TIMESTAMP", "CKM_FASTHASH", "CKM_BLOWFISH_*",
            "CKM_TWOFISH_*", "CKM_SEED_*", "CKM_GOST*", "CKM_KEY_WRAP_LYNKS", "CKM_KEY_WRAP_SET_OAEP",
        ],
        "broken, withdrawn or hardly ever in use, and not in OpenSSL's default provider",
    ),
    absent(&["CKM_DES_OFB8"], "OpenSSL has no output feedback of 8 bits"),
    absent(&["CKM_AES_CFB64"], "OpenSSL has no feedback of 64 bits for AES"),
    absent(&["CKM_SALSA20*"], "not in OpenSSL; ChaCha20 took its place"),
    absent(
        &[
            "CKM_BLAKE2B_160_HMAC*", "CKM_BLAKE2B_256_HMAC*", "CKM_BLAKE2B_384_HMAC*", "CKM_BLAKE2B_160_KEY_GEN",
            "CKM_BLAKE2B_256_KEY_GEN", "CKM_BLAKE2B_384_KEY_GEN",
        ],
        "OpenSSL makes HMACs with BLAKE2b of 512 bits only",
    ),
    absent(&["CKM_SHA512_T*"], "the lengths in use have mechanisms of their own: SHA-512/224 and SHA-512/256"),
    absent(
        &["CKM_RSA_9796", "CKM_RSA_X9_31", "CKM_SHA1_RSA_X9_31", "CKM_RSA_PKCS_TPM_1_1", "CKM_RSA_PKCS_OAEP_TPM_1_1"],
        "signatures by withdrawn standards, and the padding of TPM 1.1",
    ),
    absent(
        &["CKM_X9_42_DH_HYBRID_DERIVE", "CKM_X9_42_MQV_DERIVE", "CKM_ECMQV_DERIVE"],
        "OpenSSL has neither MQV nor the hybrid of two agreements",
    ),
    absent(
        &["CKM_DSA_*PARAMETER_GEN", "CKM_DSA_FIPS_G_GEN", "CKM_DH_PKCS_PARAMETER_GEN", "CKM_X9_42_DH_PARAMETER_GEN"],
        "nobody should make new groups: DSA is here for old data, a Diffie-Hellman pair takes a well-known group (RFC 3526, 5114, 7919) \
         from its template, and the search for a safe prime would hold up its caller for minutes; so there are no objects of class \
         `CKO_DOMAIN_PARAMETERS` either",
    ),
    absent(
        &["CKM_SSL3_MASTER_KEY_DERIVE*", "CKM_SSL3_KEY_AND_MAC_DERIVE", "CKM_SSL3_*_MAC", "CKM_TLS10_MAC_*", "CKM_WTLS_*"],
        "SSL 3.0 is forbidden (RFC 7568) and WTLS gone; the MACs of TLS 1.0 are made by `CKM_TLS_MAC`",
    ),
    absent(
        &["CKM_PBE_*", "CKM_PBA_SHA1_WITH_SHA1_HMAC"],
        "keys from passwords for broken ciphers, in the way of PKCS#12 of old: `CKM_PKCS5_PBKD2` makes better ones",
    ),
    absent(
        &["CKM_SECURID*", "CKM_HOTP*", "CKM_ACTI*", "CKM_KIP_*"],
        "one-time passwords and the protocol that hands out their keys: devices of their own make them",
    ),
    absent(&["CKM_CMS_SIG"], "a whole signed message; programs put it together themselves, with the signature mechanisms"),
    absent(&["CKM_IKE*"], "the daemons that we know of derive their keys outside of tokens, or in the one that NSS brings with it"),
    absent(&["CKM_X3DH_*", "CKM_X2RATCHET_*", "CKM_XEDDSA"], "Signal's protocols, which OpenSSL does not have"),
    absent(
        &["CKM_HSS*", "CKM_XMSS*"],
        "each signature uses up a piece of the key: a token restored from a backup would use one twice, and its signatures could be forged; \
         SLH-DSA has no such state",
    ),
    absent(&["CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS"], "another way to choose the same keys as `CKM_EC_KEY_PAIR_GEN`"),
    absent(&["CKM_PUB_KEY_FROM_PRIV_KEY"], "every private key tells its public half in `CKA_PUBLIC_KEY_INFO`"),
    absent(&["CKM_NULL"], "it does nothing, and what is wrapped by nothing is in the clear"),
    absent(&["CKM_VENDOR_DEFINED"], "not a mechanism: where the numbers of vendors begin"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::mechanisms;
    use cloister::mechanism::registry;

    fn fits(name: &str, pattern: &str) -> bool {
        pattern.split_once('*').map_or(name == pattern, |(before, after)| {
            name.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
        })
    }

    #[test]
    fn every_mechanism_of_the_standard_is_offered_or_left_out_for_one_reason() {
        let mut left_out = 0;
        for mechanism in mechanisms() {
            let reasons = ABSENT.iter().flat_map(|absent| absent.names);
            let reasons = reasons.filter(|pattern| fits(mechanism.name, pattern)).count();
            let is_offered = registry::find(mechanism.value).is_some();
            assert_eq!(reasons, usize::from(!is_offered), "{}", mechanism.name);
            left_out += reasons;
        }
        assert!(left_out > 100);
    }

    #[test]
    fn every_reason_is_for_a_mechanism_that_there_is() {
        for pattern in ABSENT.iter().flat_map(|absent| absent.names) {
            assert!(mechanisms().any(|mechanism| fits(mechanism.name, pattern)), "{pattern}");
        }
    }
}
