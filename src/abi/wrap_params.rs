//! `CK_GCM_WRAP_PARAMS` and `CK_CCM_WRAP_PARAMS`: parameters of `C_WrapKey` and `C_UnwrapKey` that say where the nonce comes from
//! (PKCS#11 3.2, section 6.13). The tag stands at the end of the wrapped key.

use super::args::{Plain, Pointer};
use super::message::{self, Parameter};
use super::params;
use crate::error::{Error, Result};
use crate::mechanism::message::MessageShape;
use crate::mechanism::{Purpose, Row, registry};
use cryptoki_sys as ck;
use cryptoki_sys::{CK_MECHANISM, CK_ULONG};
use std::ptr::null_mut;

/// The mechanism, its parameter and the additional data, if the parameter has the size of such a structure.
pub(super) fn read<'a>(
    purpose: Purpose,
    mechanism: Pointer<'a, CK_MECHANISM>,
) -> Result<Option<(&'static Row, Parameter<'a>, Vec<u8>)>> {
    let given = mechanism.read()?;
    let row = registry::find(given.mechanism).ok_or(Error::MechanismInvalid)?;
    let Some(aead) = row.family.aead() else { return Ok(None) };
    let parameter = params::Parameter::of(&given);
    let (fields, aad, aad_length) = match aead.message_shape() {
        MessageShape::Gcm if is_a::<ck::CK_GCM_WRAP_PARAMS>(&given) => {
            let given: ck::CK_GCM_WRAP_PARAMS = parameter.structure()?;
            let fields = message::gcm(ck::CK_GCM_MESSAGE_PARAMS {
                pIv: given.pIv,
                ulIvLen: given.ulIvLen,
                ulIvFixedBits: given.ulIvFixedBits,
                ivGenerator: given.ivGenerator,
                pTag: null_mut(),
                ulTagBits: given.ulTagBits,
            })?;
            (fields, given.pAAD, given.ulAADLen)
        }
        MessageShape::Ccm if is_a::<ck::CK_CCM_WRAP_PARAMS>(&given) => {
            let given: ck::CK_CCM_WRAP_PARAMS = parameter.structure()?;
            let fields = message::ccm(ck::CK_CCM_MESSAGE_PARAMS {
                // The key's own length holds, whatever is given.
                ulDataLen: 0,
                pNonce: given.pNonce,
                ulNonceLen: given.ulNonceLen,
                ulNonceFixedBits: given.ulNonceFixedBits,
                nonceGenerator: given.nonceGenerator,
                pMAC: null_mut(),
                ulMACLen: given.ulMACLen,
            });
            (fields, given.pAAD, given.ulAADLen)
        }
        _ => return Ok(None),
    };
    Ok(Some((row, Parameter::of(purpose, &fields)?, params::nested(aad, aad_length)?)))
}

fn is_a<T: Plain>(given: &CK_MECHANISM) -> bool {
    given.ulParameterLen == size_of::<T>() as CK_ULONG
}
