//! Message digests (PKCS#11 3.2, section 6.20).

use super::{Digester, Family, Params};
use crate::crypto::{Hash, digest};
use crate::error::Result;

/// One digest.
pub struct Digest(pub Hash);

/// BLAKE2b with a digest of so many bytes.
pub struct Blake2b(pub usize);

struct Digesting {
    digest: digest::Digest,
    size: usize,
}

impl Digesting {
    fn begin(digest: Result<digest::Digest>, size: usize) -> Result<Box<dyn Digester>> {
        Ok(Box::new(Digesting { digest: digest?, size }))
    }
}

impl Family for Digest {
    fn digest(&self, _params: &Params) -> Result<Box<dyn Digester>> {
        Digesting::begin(digest::Digest::new(self.0), self.0.size())
    }
}

impl Family for Blake2b {
    fn digest(&self, _params: &Params) -> Result<Box<dyn Digester>> {
        Digesting::begin(digest::Digest::blake2b(self.0), self.0)
    }
}

impl Digester for Digesting {
    fn size(&self) -> usize {
        self.size
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.digest.update(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.digest.finish(output)
    }

    fn duplicate(&self) -> Result<Box<dyn Digester>> {
        Digesting::begin(self.digest.duplicate(), self.size)
    }

    fn rest(&mut self) -> bool {
        self.digest.restart().is_ok()
    }

    fn renew(&mut self, _params: &Params) -> Result<bool> {
        // There is none.
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanism::testing::{hex, mechanism};
    use crate::mechanism::{Digester, Params};
    use cryptoki_sys as ck;

    fn begin(id: u64) -> Box<dyn Digester> {
        mechanism(id, Params::None).row.family.digest(&Params::None).unwrap()
    }

    /// Digests of "abc" (FIPS 180-4, FIPS 202 examples).
    #[test]
    fn known_digests() {
        for (id, expected) in [
            (ck::CKM_SHA_1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (ck::CKM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (ck::CKM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                ck::CKM_SHA384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                ck::CKM_SHA512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (ck::CKM_SHA512_224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
            (ck::CKM_SHA512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
            (ck::CKM_SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
            (ck::CKM_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
            (
                ck::CKM_SHA3_384,
                "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2\
                 98d88cea927ac7f539f1edf228376d25",
            ),
            (
                ck::CKM_SHA3_512,
                "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
                 10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
            ),
        ] {
            let mut digester = begin(id);
            for part in [&b"a"[..], b"", b"bc"] {
                digester.update(part).unwrap();
            }
            let mut digest = vec![0; digester.size()];
            digester.finish(&mut digest).unwrap();
            assert_eq!(digest, hex(expected), "{id:#x}");
        }
    }

    #[test]
    fn a_duplicate_goes_its_own_way() {
        let mut digester = begin(ck::CKM_SHA3_256);
        digester.update(b"a").unwrap();
        let mut other = digester.duplicate().unwrap();
        digester.update(b"x").unwrap();
        other.update(b"bc").unwrap();
        let mut digest = [0; 32];
        other.finish(&mut digest).unwrap();
        assert_eq!(digest[..], hex("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"));
    }

    #[test]
    fn the_digest_of_nothing_needs_no_update() {
        let mut digest = [0; 20];
        begin(ck::CKM_SHA_1).finish(&mut digest).unwrap();
        assert_eq!(digest[..], hex("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
    }
}
