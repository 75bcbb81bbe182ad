//! What AES alone has: keys of XTS, CMAC and XCBC-MAC (PKCS#11 3.2, sections 6.13 and 6.14). Block modes are in [`super::block_cipher`], stream modes
//! in [`super::stream`], modes that steal in [`super::once`], those with authentication in [`super::aead`], key wrap is in [`super::keywrap`].

use super::cbc_mac::Xcbc;
use super::mac::Cmac;
use super::secret::{Generator, Lengths};
use crate::crypto::mac;

/// Makes keys of XTS.
pub static XTS_GENERATOR: Generator = Generator { lengths: Lengths::OneOf(&[32, 64]) };
/// XCBC-MAC (RFC 3566).
pub static XCBC_MAC: Xcbc = Xcbc { length: 16 };
/// XCBC-MAC, cut as IPsec has it.
pub static XCBC_MAC_96: Xcbc = Xcbc { length: 12 };
/// CMAC.
pub static CMAC: Cmac = Cmac { algorithms: &mac::AES_CMAC, block: 16 };

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::mechanism::block_cipher::AES;
    use crate::mechanism::testing::{Secret, decrypt, encrypt, hex, in_parts};
    use crate::mechanism::{Family, Params};
    use cryptoki_sys as ck;

    const KEY: [u8; 16] = [7; 16];

    /// FIPS 197, appendix C.
    #[test]
    fn known_ecb() {
        let key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        let data = hex("00112233445566778899aabbccddeeff");
        for (length, expected) in [
            (16, "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
            (32, "8ea2b7ca516745bfeafc49904b496089"),
        ] {
            assert_eq!(encrypt(ck::CKM_AES_ECB, &key[..length], Params::None, &data), Ok(hex(expected)));
        }
        assert_eq!(encrypt(ck::CKM_AES_ECB, &key[..17], Params::None, &data), Err(Error::KeySizeRange));
    }

    /// SP 800-38A, section F.2.1.
    #[test]
    fn known_cbc() {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let data = hex("6bc1bee22e409f96e93d7e117393172a");
        let iv = Params::Iv(hex("000102030405060708090a0b0c0d0e0f").into());
        let expected = hex("7649abac8119b246cee98e9b12e9197d");
        assert_eq!(encrypt(ck::CKM_AES_CBC, &key, iv.clone(), &data), Ok(expected.clone()));
        assert_eq!(encrypt(ck::CKM_AES_CBC_PAD, &key, iv, &data).unwrap()[..16], expected);
    }

    #[test]
    fn padding_is_added_and_removed_at_every_length() {
        let iv = || Params::Iv(vec![1; 16].into());
        for length in 0..50 {
            let data = vec![3; length];
            let encrypted = encrypt(ck::CKM_AES_CBC_PAD, &KEY, iv(), &data).unwrap();
            assert_eq!(encrypted.len(), (length / 16 + 1) * 16);
            assert_eq!(decrypt(ck::CKM_AES_CBC_PAD, &KEY, iv(), &encrypted), Ok(data.clone()));
            let bytewise =
                in_parts(AES.cbc_pad.decrypt(Secret::new(&KEY).key(), &iv()).unwrap(), encrypted.chunks(1));
            assert_eq!(bytewise, Ok(data));
        }
    }

    #[test]
    fn lengths_that_are_no_blocks_are_refused() {
        for (id, params) in
            [(ck::CKM_AES_ECB, Params::None), (ck::CKM_AES_CBC, Params::Iv(vec![1; 16].into()))]
        {
            assert_eq!(encrypt(id, &KEY, params.clone(), &[0; 17]), Err(Error::DataLenRange));
            assert_eq!(decrypt(id, &KEY, params.clone(), &[0; 31]), Err(Error::EncryptedDataLenRange));
            assert_eq!(encrypt(id, &KEY, params.clone(), &[]), Ok(vec![]));
            assert_eq!(decrypt(id, &KEY, params, &[]), Ok(vec![]));
        }
        let iv = Params::Iv(vec![1; 16].into());
        for length in [0, 15, 17] {
            let result = decrypt(ck::CKM_AES_CBC_PAD, &KEY, iv.clone(), &vec![0; length]);
            assert_eq!(result, Err(Error::EncryptedDataLenRange));
        }
        let ecb = AES.ecb.encrypt(Secret::new(&KEY).key(), &Params::None).unwrap();
        assert_eq!(in_parts(ecb, [&[0; 16][..], &[0; 1]]), Err(Error::DataLenRange));
        let cbc_pad = AES.cbc_pad.decrypt(Secret::new(&KEY).key(), &iv).unwrap();
        assert_eq!(in_parts(cbc_pad, [&[0; 16][..], &[0; 1]]), Err(Error::EncryptedDataLenRange));
    }

    #[test]
    fn wrong_padding_is_refused() {
        let iv = Params::Iv(vec![1; 16].into());
        let unpadded = encrypt(ck::CKM_AES_CBC, &KEY, iv.clone(), &[0; 32]).unwrap();
        assert_eq!(
            decrypt(ck::CKM_AES_CBC_PAD, &KEY, iv.clone(), &unpadded),
            Err(Error::EncryptedDataInvalid)
        );
        let result = AES.cbc_pad.unwrap(Secret::new(&KEY).key(), &iv, &unpadded);
        assert_eq!(result, Err(Error::WrappedKeyInvalid));
    }

    #[test]
    fn an_iv_of_another_length_is_refused() {
        for id in [ck::CKM_AES_CBC, ck::CKM_AES_CBC_PAD] {
            for length in [0, 8, 15, 17] {
                let result = encrypt(id, &KEY, Params::Iv(vec![0; length].into()), &[0; 16]);
                assert_eq!(result, Err(Error::MechanismParamInvalid));
            }
            assert_eq!(encrypt(id, &KEY, Params::None, &[0; 16]), Err(Error::MechanismParamInvalid));
        }
        let result = encrypt(ck::CKM_AES_ECB, &KEY, Params::Iv(vec![0; 16].into()), &[0; 16]);
        assert_eq!(result, Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn data_to_derive_from_is_whole_blocks() {
        let wanted = crate::mechanism::Wanted { key_type: ck::CKK_AES, length: Some(16) };
        for length in [0, 15, 17] {
            let params = Params::StringData(vec![0; length]);
            let result = AES.ecb_data.derive(Secret::new(&KEY).key(), &params, wanted);
            assert_eq!(result, Err(Error::MechanismParamInvalid));
        }
        let params = Params::CbcData { iv: vec![0; 8], data: vec![0; 16] };
        let result = AES.cbc_data.derive(Secret::new(&KEY).key(), &params, wanted);
        assert_eq!(result, Err(Error::MechanismParamInvalid));
    }
}
