//! That each mechanism is right, and not only the same each time, is shown by a test: vectors, or a cross-check against OpenSSL's own
//! functions or another implementation. Here is which.

use super::registry::ROWS;

/// Where a test is.
struct Source {
    text: &'static str,
}

macro_rules! source {
    ($path:literal) => {
        &Source { text: include_str!($path) }
    };
}

/// A test, and the mechanisms it is evidence for; `*` stands for any characters.
struct Evidence {
    source: &'static Source,
    test: &'static str,
    rows: &'static [&'static str],
}

const fn evidence(source: &'static Source, test: &'static str, rows: &'static [&'static str]) -> Evidence {
    Evidence { source, test, rows }
}

const VECTORS: &Source = source!("vectors.rs");
const SECRET_VECTORS: &Source = source!("secret_vectors.rs");
const MODULE_VECTORS: &Source = source!("../../tests/abi/wycheproof/secret.rs");
const PQC_VECTORS: &Source = source!("../../tests/abi/pqc_vectors.rs");
const PQC_OPENSSL: &Source = source!("../../tests/abi/pqc_openssl.rs");
const SLH_DSA: &Source = source!("../../tests/abi/slh_dsa.rs");
const OPENSSL_COMMAND: &Source = source!("../../tests/abi/openssl_command.rs");
const MODULE: &Source = source!("../../tests/abi/mechanisms.rs");
const PROMISES: &Source = source!("../../tests/abi/mechanisms/promises.rs");

#[rustfmt::skip]
static EVIDENCE: &[Evidence] = &[
    // Wycheproof.
    evidence(VECTORS, "rsa_oaep", &["CKM_RSA_PKCS_OAEP"]),
    evidence(VECTORS, "rsa_pkcs1_decryption", &["CKM_RSA_PKCS"]),
    evidence(VECTORS, "rsa_pkcs1_signatures", &["CKM_SHA*_RSA_PKCS"]),
    evidence(VECTORS, "rsa_pss_signatures", &["CKM_SHA*_RSA_PKCS_PSS"]),
    evidence(VECTORS, "ecdsa_signatures", &["CKM_ECDSA*"]),
    evidence(VECTORS, "eddsa_signatures", &["CKM_EDDSA"]),
    evidence(VECTORS, "agreement_on_weierstrass_curves", &["CKM_ECDH1_DERIVE"]),
    evidence(MODULE_VECTORS, "aes_gcm_and_ccm", &["CKM_AES_GCM", "CKM_AES_CCM"]),
    evidence(MODULE_VECTORS, "aes_cbc_with_padding", &["CKM_AES_CBC_PAD"]),
    evidence(MODULE_VECTORS, "aes_key_wrap", &["CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_KWP", "CKM_AES_KEY_WRAP_PAD"]),
    evidence(MODULE_VECTORS, "macs", &["CKM_AES_CMAC", "CKM_AES_CMAC_GENERAL"]),
    evidence(SECRET_VECTORS, "chacha20_poly1305", &["CKM_CHACHA20_POLY1305"]),
    evidence(SECRET_VECTORS, "gmac", &["CKM_AES_GMAC"]),
    evidence(SECRET_VECTORS, "xts_and_aria_cbc", &["CKM_AES_XTS", "CKM_ARIA_CBC_PAD", "CKM_ARIA_CBC"]),
    evidence(SECRET_VECTORS, "hkdf_of_every_digest", &["CKM_HKDF_DERIVE", "CKM_HKDF_DATA"]),
    evidence(SECRET_VECTORS, "pbkdf2_of_every_digest", &["CKM_PKCS5_PBKD2"]),
    evidence(PQC_VECTORS, "ml_dsa_signatures", &["CKM_ML_DSA"]),
    evidence(PQC_VECTORS, "ml_kem", &["CKM_ML_KEM"]),
    // Standards.
    evidence(source!("aes.rs"), "known_ecb", &["CKM_AES_ECB"]),
    evidence(source!("aes.rs"), "known_cbc", &["CKM_AES_CBC"]),
    evidence(source!("stream.rs"), "known_streams", &["CKM_AES_CTR", "CKM_AES_OFB", "CKM_AES_CFB*"]),
    evidence(source!("stream.rs"), "known_chacha20", &["CKM_CHACHA20"]),
    evidence(source!("once.rs"), "known_cts", &["CKM_AES_CTS"]),
    evidence(source!("block_cipher.rs"), "known_aria_ecb", &["CKM_ARIA_ECB"]),
    evidence(source!("block_cipher.rs"), "known_camellia_ecb", &["CKM_CAMELLIA_ECB"]),
    evidence(source!("block_cipher.rs"), "known_camellia_ctr", &["CKM_CAMELLIA_CTR"]),
    evidence(source!("block_cipher.rs"), "camellia_cbc_is_that_of_openssl", &["CKM_CAMELLIA_CBC", "CKM_CAMELLIA_CBC_PAD"]),
    evidence(source!("des.rs"), "known_single_des", &["CKM_DES_ECB"]),
    evidence(source!("des.rs"), "known_single_des_modes", &["CKM_DES_CBC", "CKM_DES_CBC_PAD", "CKM_DES_CFB*", "CKM_DES_OFB64"]),
    evidence(source!("des.rs"), "known_single_des_mac", &["CKM_DES_MAC", "CKM_DES_MAC_GENERAL"]),
    evidence(source!("des.rs"), "known_ecb", &["CKM_DES3_ECB", "CKM_DES3_CBC"]),
    evidence(source!("mac.rs"), "known_triple_des_cmacs", &["CKM_DES3_CMAC", "CKM_DES3_CMAC_GENERAL"]),
    evidence(source!("mac.rs"), "known_poly1305", &["CKM_POLY1305"]),
    evidence(source!("cbc_mac.rs"), "known_xcbc", &["CKM_AES_XCBC_MAC*"]),
    evidence(source!("keywrap.rs"), "known_key_wrap", &["CKM_AES_KEY_WRAP_PKCS7"]),
    evidence(source!("simple.rs"), "known_combinations", &["CKM_CONCATENATE_*", "CKM_XOR_BASE_AND_DATA"]),
    evidence(source!("simple.rs"), "known_extraction", &["CKM_EXTRACT_KEY_FROM_KEY"]),
    evidence(source!("simple.rs"), "known_digested_keys", &["CKM_SHAKE_*_KEY_DERIVATION"]),
    evidence(source!("../crypto/digest.rs"), "blake2b_has_the_length_that_it_is_asked_for", &["CKM_BLAKE2B_???", "CKM_BLAKE2B_*_KEY_DERIVE"]),
    evidence(source!("prime_testing.rs"), "dsa_signatures", &["CKM_DSA_SHA224", "CKM_DSA_SHA256"]),
    evidence(source!("prime_testing.rs"), "dsa_signatures_with_every_digest_are_checked_and_survive_wrapping", &["CKM_DSA", "CKM_DSA_SHA*"]),
    evidence(source!("prime_testing.rs"), "both_sides_agree_as_openssl_does", &["CKM_DH_PKCS_DERIVE", "CKM_X9_42_DH_DERIVE"]),
    // OpenSSL's own command line.
    evidence(OPENSSL_COMMAND, "ciphers_are_those_of_the_command_line", &["CKM_AES_ECB", "CKM_AES_CBC", "CKM_AES_CBC_PAD", "CKM_AES_CTR", "CKM_AES_OFB", "CKM_AES_CFB*",
        "CKM_ARIA_ECB", "CKM_ARIA_CBC", "CKM_ARIA_CBC_PAD", "CKM_CAMELLIA_ECB", "CKM_CAMELLIA_CBC", "CKM_CAMELLIA_CBC_PAD", "CKM_CAMELLIA_CTR",
        "CKM_CHACHA20", "CKM_DES3_ECB", "CKM_DES3_CBC", "CKM_DES3_CBC_PAD", "CKM_DES_ECB", "CKM_DES_CBC", "CKM_DES_CBC_PAD", "CKM_DES_OFB64", "CKM_DES_CFB*"]),
    evidence(OPENSSL_COMMAND, "digests_and_macs_are_those_of_the_command_line", &["CKM_SHA_1", "CKM_SHA???", "CKM_SHA512_???", "CKM_SHA3_???", "CKM_MD5",
        "CKM_RIPEMD160", "CKM_BLAKE2B_512", "CKM_*_HMAC", "CKM_AES_CMAC", "CKM_DES3_CMAC", "CKM_AES_GMAC", "CKM_POLY1305"]),
    evidence(OPENSSL_COMMAND, "the_command_line_checks_what_rsa_and_ecdsa_keys_sign", &["CKM_*_RSA_PKCS", "CKM_*_RSA_PKCS_PSS", "CKM_ECDSA_*"]),
    // OpenSSL's own functions, and compositions of mechanisms that have vectors.
    evidence(source!("rsa.rs"), "signatures_with_every_digest_are_those_openssl_checks", &["CKM_RSA_PKCS_PSS"]),
    evidence(source!("ecdh.rs"), "both_sides_agree_on_every_curve_in_every_form", &["CKM_ECDH1_COFACTOR_DERIVE"]),
    evidence(source!("ecdh_wrap.rs"), "openssl_reads_what_is_wrapped", &["CKM_ECDH_*AES_KEY_WRAP"]),
    evidence(source!("cbc_mac.rs"), "a_cbc_mac_is_the_last_block_of_cbc", &["CKM_AES_MAC*", "CKM_ARIA_MAC*", "CKM_CAMELLIA_MAC*", "CKM_DES3_MAC*"]),
    evidence(SECRET_VECTORS, "every_hmac_is_that_of_openssl", &["CKM_*_HMAC", "CKM_*_HMAC_GENERAL"]),
    evidence(SECRET_VECTORS, "every_digested_key_is_the_digest_that_openssl_makes", &["CKM_SHA?_*KEY_DERIVATION", "CKM_SHA???_*KEY_DERIVATION", "CKM_MD5_KEY_DERIVATION"]),
    evidence(SECRET_VECTORS, "a_key_from_encrypted_data_is_the_ciphertext", &["CKM_*_ENCRYPT_DATA"]),
    evidence(SECRET_VECTORS, "triple_des_with_padding_is_that_of_openssl", &["CKM_DES3_CBC_PAD"]),
    evidence(SECRET_VECTORS, "old_rsa_signatures_are_those_openssl_checks", &["CKM_MD5_RSA_PKCS", "CKM_RIPEMD160_RSA_PKCS"]),
    evidence(SECRET_VECTORS, "kbkdf_is_openssls_in_the_layout_that_it_has", &["CKM_SP800_108_COUNTER_KDF", "CKM_SP800_108_FEEDBACK_KDF"]),
    evidence(SECRET_VECTORS, "the_double_pipeline_is_that_of_its_definition", &["CKM_SP800_108_DOUBLE_PIPELINE_KDF"]),
    evidence(SECRET_VECTORS, "the_old_prf_is_md5_and_sha1_together", &["CKM_TLS_PRF"]),
    evidence(SECRET_VECTORS, "master_secrets_are_made_from_the_randoms_or_the_session", &["CKM_TLS*_MASTER_KEY_DERIVE", "CKM_TLS*_MASTER_KEY_DERIVE_DH"]),
    evidence(SECRET_VECTORS, "a_connections_keys_are_cut_from_one_block", &["CKM_TLS*_KEY_AND_MAC_DERIVE", "CKM_TLS12_KEY_SAFE_DERIVE"]),
    evidence(SECRET_VECTORS, "an_exported_key_depends_on_its_context", &["CKM_TLS*_KDF"]),
    evidence(SECRET_VECTORS, "the_mac_of_a_handshake_names_its_side", &["CKM_TLS*_MAC"]),
    evidence(SECRET_VECTORS, "a_premaster_secret_begins_with_its_version", &["CKM_*_PRE_MASTER_KEY_GEN"]),
    evidence(SECRET_VECTORS, "cloudhsms_own_mechanisms_are_the_plain_ones", &["CKM_CLOUDHSM_*"]),
    evidence(PROMISES, "digests", &["CKM_SHA_1", "CKM_SHA???", "CKM_SHA512_???", "CKM_SHA3_???", "CKM_MD5", "CKM_RIPEMD160"]),
    evidence(SECRET_VECTORS, "raw_rsa_is_that_of_openssl", &["CKM_RSA_X_509"]),
    evidence(source!("rsa_wrap.rs"), "the_first_part_is_the_temporary_key_under_oaep", &["CKM_RSA_AES_KEY_WRAP"]),
    evidence(SLH_DSA, "another_implementation_signs_the_same_bytes_in_every_parameter_set", &["CKM_SLH_DSA"]),
    evidence(SLH_DSA, "a_signature_is_nists", &["CKM_SLH_DSA"]),
    evidence(SLH_DSA, "another_implementation_signs_the_same_bytes_of_a_digest", &["CKM_HASH_SLH_DSA_SHA256"]),
    evidence(PQC_OPENSSL, "openssl_checks_what_the_module_signs_of_a_digest", &["CKM_HASH_ML_DSA_*", "CKM_HASH_SLH_DSA_*"]),
    evidence(source!("pqc_signature.rs"), "a_digest_made_elsewhere_is_signed_as_one_made_here", &["CKM_HASH_ML_DSA", "CKM_HASH_SLH_DSA"]),
    // Random keys have no vectors, but have to be different, of the right form, and good for use.
    evidence(MODULE, "every_listed_mechanism_does_what_its_flags_promise", &["CKM_*_KEY_GEN", "CKM_*_KEY_PAIR_GEN"]),
];

/// Whether `name` has the form of `pattern`: `*` stands for any characters, `?` for one.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    match (name, pattern) {
        ([], []) => true,
        (_, [b'*', rest @ ..]) => {
            fits(name, rest) || name.split_first().is_some_and(|(_, name)| fits(name, pattern))
        }
        ([_, name @ ..], [b'?', rest @ ..]) => fits(name, rest),
        ([one, name @ ..], [other, rest @ ..]) if one == other => fits(name, rest),
        _ => false,
    }
}

#[test]
fn every_mechanism_has_vectors_or_a_cross_check() {
    let shown = |name: &str| {
        let by = |entry: &Evidence| entry.rows.iter().any(|row| fits(name.as_bytes(), row.as_bytes()));
        EVIDENCE.iter().any(by)
    };
    let unshown: Vec<_> = ROWS.iter().map(|row| row.name).filter(|name| !shown(name)).collect();
    assert!(unshown.is_empty(), "no test shows that these are right: {unshown:?}");
}

#[test]
fn all_evidence_is_there_and_of_mechanisms_that_are() {
    for entry in EVIDENCE {
        let test = format!("fn {}(", entry.test);
        assert!(entry.source.text.contains(&test), "there is no test {}", entry.test);
        for pattern in entry.rows {
            let known = ROWS.iter().any(|row| fits(row.name.as_bytes(), pattern.as_bytes()));
            assert!(known, "{}: no mechanism is {pattern}", entry.test);
        }
    }
}
