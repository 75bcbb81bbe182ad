//! `C_DeriveKey`: what goes in and comes back by the mechanism's parameter, besides the one key of the function itself.

use super::args::{Pointer, copy_out};
use super::mechanism;
use super::params::Parameter;
use super::template;
use crate::attribute::Attributes;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Shape};
use crate::session::Session;
use cryptoki_sys as ck;
use cryptoki_sys::{CK_ATTRIBUTE, CK_INVALID_HANDLE, CK_MECHANISM, CK_ULONG};

/// `C_DeriveKey`.
pub(super) fn derive(
    session: &Session,
    given: Pointer<CK_MECHANISM>,
    base_key: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    let mechanism = mechanism::required(session, given)?;
    let mut templates = vec![template::read(template, count)?];
    let returns = Returns::of(&mechanism, Parameter::of(&given.read()?), &mut templates)?;
    returns.check(key)?;
    let (handles, told) = session.derive_keys(&mechanism, base_key, &templates)?;
    returns.deliver(key, &handles, &told)
}

/// What a parameter says about where to put results.
enum Returns<'a> {
    /// Nothing: the one key's handle goes where the function's own parameter says.
    Key,
    /// `CK_DERIVED_KEY`: the handles of further keys.
    More(Vec<Pointer<'a, CK_ULONG>>),
    /// The version in a TLS premaster secret; NULL if it does not matter.
    Version(Pointer<'a, ck::CK_VERSION>),
    /// The handles of a TLS connection's keys, and initialisation vectors.
    Material { out: Pointer<'a, ck::CK_SSL3_KEY_MAT_OUT>, macs: bool, keys: bool, ivs: bool },
    /// Bytes.
    Output { at: Pointer<'a, u8>, length: Pointer<'a, CK_ULONG> },
}

/// A pointer that stands in a parameter's structure.
fn inside<'a, T>(raw: *mut T) -> Pointer<'a, T> {
    // SAFETY: NULL or good for a value, says the caller of the structure it stands in.
    unsafe { Pointer::new(raw) }
}

impl<'a> Returns<'a> {
    /// Reads them, and puts the templates of further keys behind the first.
    fn of(
        mechanism: &Mechanism,
        parameter: Parameter<'a>,
        templates: &mut Vec<Attributes>,
    ) -> Result<Returns<'a>> {
        match mechanism.row.shape {
            Shape::Kbkdf => {
                let given: ck::CK_SP800_108_KDF_PARAMS = parameter.structure()?;
                Returns::more(given.pAdditionalDerivedKeys, given.ulAdditionalDerivedKeys, templates)
            }
            Shape::FeedbackKbkdf => {
                let given: ck::CK_SP800_108_FEEDBACK_KDF_PARAMS = parameter.structure()?;
                Returns::more(given.pAdditionalDerivedKeys, given.ulAdditionalDerivedKeys, templates)
            }
            Shape::OldTlsMaster => {
                let given: ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS = parameter.structure()?;
                Ok(Returns::Version(inside(given.pVersion)))
            }
            Shape::TlsMaster => {
                let given: ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS = parameter.structure()?;
                Ok(Returns::Version(inside(given.pVersion)))
            }
            Shape::TlsExtendedMaster => {
                let given: ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = parameter.structure()?;
                Ok(Returns::Version(inside(given.pVersion)))
            }
            Shape::OldTlsKeys => {
                let given: ck::CK_SSL3_KEY_MAT_PARAMS = parameter.structure()?;
                Returns::material(&mechanism.params, given.pReturnedKeyMaterial)
            }
            Shape::TlsKeys | Shape::SafeTlsKeys => {
                let given: ck::CK_TLS12_KEY_MAT_PARAMS = parameter.structure()?;
                Returns::material(&mechanism.params, given.pReturnedKeyMaterial)
            }
            Shape::TlsPrf => {
                let given: ck::CK_TLS_PRF_PARAMS = parameter.structure()?;
                Ok(Returns::Output { at: inside(given.pOutput), length: inside(given.pulOutputLen) })
            }
            _ => Ok(Returns::Key),
        }
    }

    fn more(
        at: *mut ck::CK_DERIVED_KEY,
        count: CK_ULONG,
        templates: &mut Vec<Attributes>,
    ) -> Result<Returns<'a>> {
        /// More keys than anybody derives at once.
        const MOST: CK_ULONG = 255;
        let at = inside(at);
        if count > MOST {
            return Err(Error::MechanismParamInvalid);
        }
        let count = at.extent(count).map_err(|_| Error::MechanismParamInvalid)?;
        let mut handles = Vec::with_capacity(count);
        for index in 0..count {
            let given = at.at(index).read()?;
            templates.push(template::read(inside(given.pTemplate), given.ulAttributeCount)?);
            handles.push(inside(given.phKey).required().map_err(|_| Error::MechanismParamInvalid)?);
        }
        Ok(Returns::More(handles))
    }

    fn material(params: &Params, out: *mut ck::CK_SSL3_KEY_MAT_OUT) -> Result<Returns<'a>> {
        match params {
            Params::TlsKeys(choice) => {
                let (macs, keys, ivs) = (choice.mac > 0, choice.key > 0, choice.iv > 0);
                Ok(Returns::Material { out: inside(out), macs, keys, ivs })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// Whether all places are there, before anything is made that could not be told.
    fn check(&self, key: Pointer<CK_ULONG>) -> Result<()> {
        let parameter = |present: bool| if present { Ok(()) } else { Err(Error::MechanismParamInvalid) };
        match self {
            Returns::Key | Returns::More(_) | Returns::Version(_) => key.required().map(drop),
            Returns::Material { out, ivs, .. } => {
                let places = out.read().map_err(|_| Error::MechanismParamInvalid)?;
                parameter(!ivs || (!places.pIVClient.is_null() && !places.pIVServer.is_null()))
            }
            Returns::Output { at, length } => parameter(!at.is_null() && !length.is_null()),
        }
    }

    fn deliver(self, key: Pointer<CK_ULONG>, handles: &[CK_ULONG], told: &[u8]) -> Result<()> {
        match self {
            Returns::Material { out, macs, keys, .. } => deliver_material(out, (macs, keys), handles, told),
            Returns::Output { at, length } => {
                copy_out(told, at)?;
                length.write(told.len() as CK_ULONG)
            }
            Returns::Key | Returns::More(_) | Returns::Version(_) => {
                let (first, others) = handles.split_first().ok_or(Error::FunctionFailed)?;
                key.write(*first)?;
                match (self, told) {
                    (Returns::More(places), _) => {
                        places.iter().zip(others).try_for_each(|(place, handle)| place.write(*handle))
                    }
                    (Returns::Version(at), [major, minor]) if !at.is_null() => {
                        at.write(ck::CK_VERSION { major: *major, minor: *minor })
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Client and server, MAC keys first; initialisation vectors go where the structure points.
fn deliver_material(
    out: Pointer<ck::CK_SSL3_KEY_MAT_OUT>,
    (macs, keys): (bool, bool),
    handles: &[CK_ULONG],
    told: &[u8],
) -> Result<()> {
    let mut material = out.read()?;
    let mut handles = handles.iter().copied();
    let mut next =
        |made: bool| if made { handles.next().unwrap_or(CK_INVALID_HANDLE) } else { CK_INVALID_HANDLE };
    material.hClientMacSecret = next(macs);
    material.hServerMacSecret = next(macs);
    material.hClientKey = next(keys);
    material.hServerKey = next(keys);
    let (client, server) = told.split_at(told.len() / 2);
    for (iv, place) in [(client, material.pIVClient), (server, material.pIVServer)] {
        if !iv.is_empty() {
            copy_out(iv, inside(place))?;
        }
    }
    out.write(material)
}
