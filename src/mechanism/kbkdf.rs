//! The key derivation functions of SP 800-108 in counter, feedback and double pipeline mode (PKCS#11 3.2, section 6.42).
//!
//! OpenSSL's own has one fixed layout of the input; here the caller lays it out. The pseudo-random function is OpenSSL's.

use super::kdf_params::{Kbkdf as Choice, NumberForm, Prf, Segment};
use super::{Derived, Family, Heritage, Key, Params, Wanted, secret};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::mac::{self, Algorithm, Mac};
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// How one output leads to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kbkdf {
    /// By a counter (section 4.1 of SP 800-108).
    Counter,
    /// By the output before (section 4.2).
    Feedback,
    /// By a second pipeline (section 4.3).
    DoublePipeline,
}

/// Most keys of one call.
const MAX_KEYS: usize = 256;

impl Family for Kbkdf {
    fn derive_all(&self, keys: &[Key<'_>], params: &Params, wanted: &[Wanted]) -> Result<Derived> {
        let (Params::Kbkdf(choice), Some((base, others))) = (params, keys.split_first()) else {
            return Err(Error::MechanismParamInvalid);
        };
        self.check(choice)?;
        let lengths =
            wanted.iter().map(|wanted| secret::wanted_length(*wanted)).collect::<Result<Vec<_>>>()?;
        let (size, algorithms) = choice.prf.algorithms(*base)?;
        let outputs = lengths.iter().map(|length| length.div_ceil(size)).sum::<usize>();
        let bits = [lengths.iter().sum::<usize>(), outputs * size].map(|bytes| bytes as u64 * 8);
        let input = Input { data: &choice.data, others, bits };
        let run = |data: &[u8]| {
            let mut output = Zeroizing::new(vec![0; size]);
            let mut mac = Mac::new(algorithms, base.secret()?)?;
            mac.update(data)?;
            mac.finish(&mut output)?;
            Ok::<_, Error>(output)
        };
        let mut pipeline = Zeroizing::new(match self {
            Kbkdf::DoublePipeline => input.write(None, None)?.to_vec(),
            Kbkdf::Counter | Kbkdf::Feedback => choice.iv.clone(),
        });
        let mut derived = Zeroizing::new(Vec::with_capacity(outputs * size));
        for count in 1..=outputs as u64 {
            if *self == Kbkdf::DoublePipeline {
                pipeline = run(&pipeline)?;
            }
            let output = run(&input.write(Some(count), Some(&pipeline))?)?;
            derived.extend_from_slice(&output);
            if *self == Kbkdf::Feedback {
                pipeline = output;
            }
        }
        let mut rest = &derived[..];
        let values = lengths.iter().zip(wanted).map(|(length, wanted)| {
            // Each key begins with an output of its own (section 6.42.7).
            let (own, after) = rest.split_at(length.div_ceil(size) * size);
            rest = after;
            secret::fit(Bytes::from(&own[..*length]), *wanted)
        });
        Ok(Derived { values: values.collect::<Result<_>>()?, told: vec![] })
    }

    fn plan<'a>(&self, _params: &Params, templates: &'a [Attributes]) -> Result<Cow<'a, [Attributes]>> {
        if (1..=MAX_KEYS).contains(&templates.len()) {
            Ok(templates.into())
        } else {
            Err(Error::MechanismParamInvalid)
        }
    }

    fn heritage(&self) -> Heritage {
        Heritage::Default
    }
}

impl Kbkdf {
    /// Each kind of input as often as it may be there in this mode.
    fn check(self, choice: &Choice) -> Result<()> {
        let count = |is: fn(&Segment) -> bool| choice.data.iter().filter(|segment| is(segment)).count();
        let counters = count(|segment| matches!(segment, Segment::Counter(_)));
        let in_form = count(|segment| matches!(segment, Segment::Iteration(Some(_))));
        let right = count(|segment| matches!(segment, Segment::Iteration(_))) == 1
            && count(|segment| matches!(segment, Segment::Length { .. })) <= 1
            && match self {
                Kbkdf::Counter => in_form == 1 && counters == 0,
                Kbkdf::Feedback | Kbkdf::DoublePipeline => in_form == 0 && counters <= 1,
            };
        if right { Ok(()) } else { Err(Error::MechanismParamInvalid) }
    }
}

impl Prf {
    /// Bytes of its output, and OpenSSL's algorithms; `KeyTypeInconsistent` for a key that is none of its cipher.
    fn algorithms(self, key: Key<'_>) -> Result<(usize, &'static [Algorithm])> {
        let key_type = key.attributes.ulong(ck::CKA_KEY_TYPE);
        let takes = |types: &[u64]| key_type.is_some_and(|key_type| types.contains(&key_type));
        match self {
            Prf::Hmac(hash) => Ok((hash.size(), mac::hmac_with(hash))),
            Prf::AesCmac if takes(&[ck::CKK_AES]) => Ok((16, &mac::AES_CMAC)),
            Prf::Des3Cmac if takes(&[ck::CKK_DES2, ck::CKK_DES3]) => Ok((8, &mac::DES3_CMAC)),
            Prf::AesCmac | Prf::Des3Cmac => Err(Error::KeyTypeInconsistent),
        }
    }
}

/// What goes into the pseudo-random function.
struct Input<'a> {
    data: &'a [Segment],
    /// The keys that it names, in their order.
    others: &'a [Key<'a>],
    /// How many bits are derived: of keys, and of whole outputs.
    bits: [u64; 2],
}

impl Input<'_> {
    /// The input for one output; without a `count` what begins the second pipeline, which has neither counter nor output.
    fn write(&self, count: Option<u64>, before: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        let mut input = Zeroizing::new(Vec::new());
        let mut others = self.others.iter();
        for segment in self.data {
            match segment {
                Segment::Iteration(None) => input.extend_from_slice(before.unwrap_or_default()),
                Segment::Iteration(Some(form)) | Segment::Counter(form) => {
                    if let Some(count) = count {
                        form.write(count, &mut input)?;
                    }
                }
                Segment::Length { whole, form } => form.write(self.bits[usize::from(*whole)], &mut input)?,
                Segment::Bytes(bytes) => input.extend_from_slice(bytes),
                Segment::Key(_) => {
                    let key = others.next().ok_or(Error::KeyHandleInvalid)?;
                    input.extend_from_slice(key.secret()?);
                }
            }
        }
        Ok(input)
    }
}

impl NumberForm {
    /// Writes a number; `MechanismParamInvalid` if it has no room.
    fn write(self, number: u64, to: &mut Vec<u8>) -> Result<()> {
        let bytes = number.to_be_bytes();
        let (high, low) = bytes.split_at(bytes.len().saturating_sub(self.width));
        if self.width == 0 || self.width > bytes.len() || high.iter().any(|byte| *byte != 0) {
            return Err(Error::MechanismParamInvalid);
        }
        if self.little_endian {
            to.extend(low.iter().rev());
        } else {
            to.extend_from_slice(low);
        }
        Ok(())
    }
}
