//! DES for old data: triple DES with keys of double and triple length (PKCS#11 3.2, sections 6.18 and 6.19), and single DES, where a token
//! asks for it (PKCS#11 Historical Mechanisms 3.2, general block ciphers). Their block modes are in [`super::block_cipher`].

use super::mac::Cmac;
use super::secret::{Generator, Lengths};
use crate::crypto::mac;

/// Makes keys of single length.
pub static SINGLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(8) };
/// Makes keys of double length.
pub static DOUBLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(16) };
/// Makes keys of triple length.
pub static TRIPLE_GENERATOR: Generator = Generator { lengths: Lengths::Fixed(24) };
/// CMAC.
pub static CMAC: Cmac = Cmac { algorithms: &mac::DES3_CMAC, block: 8 };

#[cfg(test)]
mod tests {
    use crate::error::Error;
    use crate::mechanism::Params;
    use crate::mechanism::testing::{decrypt, encrypt, hex, mac};
    use cryptoki_sys as ck;

    /// SP 800-67, appendix B.
    #[test]
    fn known_ecb() {
        let key = hex("0123456789abcdef23456789abcdef01456789abcdef0123");
        let data = b"The qufck brown fox jump";
        let expected = hex("a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900");
        assert_eq!(encrypt(ck::CKM_DES3_ECB, &key, Params::None, data), Ok(expected.clone()));
        let iv = Params::Iv(vec![0; 8].into());
        assert_eq!(encrypt(ck::CKM_DES3_CBC, &key, iv, data).unwrap()[..8], expected[..8]);
    }

    const SINGLE: &str = "0123456789abcdef";

    /// SP 800-17, appendix B: one test of each kind (variable plaintext, inverse permutation, variable key, permutation, substitution table).
    #[test]
    fn known_single_des() {
        for (key, data, expected) in [
            ("0101010101010101", "8000000000000000", "95f8a5e5dd31d900"),
            ("0101010101010101", "95f8a5e5dd31d900", "8000000000000000"),
            ("8001010101010101", "0000000000000000", "95a8d72813daa94d"),
            ("1046913489980131", "0000000000000000", "88d55e54f54c97b4"),
            ("7ca110454a1a6e57", "01a1d6d039776742", "690f5b0d9a26939b"),
        ] {
            let (key, data, expected) = (hex(key), hex(data), hex(expected));
            assert_eq!(encrypt(ck::CKM_DES_ECB, &key, Params::None, &data), Ok(expected.clone()));
            assert_eq!(decrypt(ck::CKM_DES_ECB, &key, Params::None, &expected), Ok(data));
        }
    }

    /// FIPS 81, appendices B to E.
    #[test]
    fn known_single_des_modes() {
        let data = b"Now is the time for all ";
        let iv = || Params::Iv(hex("1234567890abcdef").into());
        for (id, params, expected) in [
            (ck::CKM_DES_ECB, Params::None, "3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53"),
            (ck::CKM_DES_CBC, iv(), "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"),
            (ck::CKM_DES_CBC_PAD, iv(), "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"),
            (ck::CKM_DES_CFB64, iv(), "f3096249c7f46e51a69e839b1a92f78403467133898ea622"),
            (ck::CKM_DES_OFB64, iv(), "f3096249c7f46e5135f24a242eeb3d3f3d6d5be3255af8c3"),
            (ck::CKM_DES_CFB8, iv(), "f31fda07011462ee187f"),
        ] {
            let (key, expected) = (hex(SINGLE), hex(expected));
            let data = &data[..expected.len()];
            let encrypted = encrypt(id, &key, params.clone(), data).unwrap();
            assert_eq!(encrypted[..expected.len()], expected, "{id:#x}");
            assert_eq!(decrypt(id, &key, params, &encrypted), Ok(data.to_vec()), "{id:#x}");
        }
    }

    /// FIPS 113, appendix B.
    #[test]
    fn known_single_des_mac() {
        let data = b"7654321 Now is the time for ";
        let long = mac(ck::CKM_DES_MAC_GENERAL, &hex(SINGLE), Params::MacLength(8), data);
        assert_eq!(long, Ok(hex("f1d30f6849312ca4")));
        assert_eq!(mac(ck::CKM_DES_MAC, &hex(SINGLE), Params::None, data), Ok(hex("f1d30f68")));
    }

    #[test]
    fn a_key_of_double_length_is_one_of_triple_length_that_ends_as_it_begins() {
        let double = hex("0123456789abcdef23456789abcdef01");
        let triple = [&double[..], &double[..8]].concat();
        for (id, params) in
            [(ck::CKM_DES3_ECB, Params::None), (ck::CKM_DES3_CBC, Params::Iv(vec![5; 8].into()))]
        {
            let short = encrypt(id, &double, params.clone(), &[9; 32]).unwrap();
            assert_eq!(encrypt(id, &triple, params, &[9; 32]), Ok(short));
        }
    }

    #[test]
    fn wrong_lengths_and_padding_are_refused() {
        let (key, iv) = ([1; 24], || Params::Iv(vec![5; 8].into()));
        assert_eq!(encrypt(ck::CKM_DES3_CBC, &key, iv(), &[0; 9]), Err(Error::DataLenRange));
        assert_eq!(decrypt(ck::CKM_DES3_CBC_PAD, &key, iv(), &[0; 9]), Err(Error::EncryptedDataLenRange));
        let unpadded = encrypt(ck::CKM_DES3_CBC, &key, iv(), &[0; 8]).unwrap();
        assert_eq!(decrypt(ck::CKM_DES3_CBC_PAD, &key, iv(), &unpadded), Err(Error::EncryptedDataInvalid));
        let wrong = Params::Iv(vec![5; 16].into());
        assert_eq!(encrypt(ck::CKM_DES3_CBC, &key, wrong, &[0; 8]), Err(Error::MechanismParamInvalid));
    }
}
