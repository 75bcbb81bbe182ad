//! Which keys a store has: a small record for each, named after the store and the key (in an external key store: after the external key, which is
//! thereby used once). It is made before the key and goes with it. Who dies in between leaves a member without a key, which counts until a front has
//! watched it for a minute: a key may take three quarters of one to come ([`crate::keys::create::DRAFTED_AT_MOST`]).

use serde::{Deserialize, Serialize};

use super::record::StoreRecord;
use crate::api::error::{Code, Result};
use crate::book::{Kept, label};
use crate::hsm::error::Result as HsmResult;
use crate::keys::record::KeyRecord;
use crate::service::{Call, Service};

/// A key of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The key's id.
    pub key: String,
}

/// Notes that the key of that id comes to `store`. `external`: the external key it is about to use.
///
/// # Errors
///
/// `XksKeyAlreadyInUseException` if a key of the store uses it.
pub fn claim(call: &Call, store: &StoreRecord, key: &str, external: Option<&str>) -> Result<()> {
    let label = label::member(&store.account, &store.region, &store.id, external.unwrap_or(key));
    let book = &call.service.book;
    let latch = book.latch(&label)?;
    let member = Member { key: key.to_owned() };
    match book.read::<Member>(&label)? {
        None => {
            latch.still_held()?;
            book.create(&label, &member)?;
        }
        Some(kept) if life(call, store, &label, &kept.value)? == Life::Over => {
            latch.still_held()?;
            book.replace(&label, kept.object, &member)?;
            call.service.is_done(&label);
        }
        Some(_) => {
            let external = external.unwrap_or_default();
            let text = format!(
                "External key {external} is already associated with a KMS key in custom key store {}.",
                store.id
            );
            return Err(Code::XksKeyAlreadyInUseException.because(text));
        }
    }
    Ok(())
}

/// Whether the store has a key, or is about to get one.
pub fn any(call: &Call, store: &StoreRecord) -> Result<bool> {
    let mut any = false;
    for (label, kept) in all(call, store)? {
        match life(call, store, &label, &kept.value)? {
            Life::Here => return Ok(true),
            // The others are looked at, too, so that all who have no key are watched from now on.
            Life::Coming => any = true,
            Life::Over => {}
        }
    }
    Ok(any)
}

/// Removes the note of a key that is no more, or that won't come.
pub fn release(service: &Service, key: &KeyRecord) -> HsmResult<()> {
    let Some(store) = &key.store else { return Ok(()) };
    let label = label::member(&key.account, &key.region, store, key.xks_key.as_ref().unwrap_or(&key.id));
    let latch = service.book.latch(&label)?;
    // An external key may have gone to another key already.
    if let Some(kept) = service.book.read::<Member>(&label)?.filter(|kept| kept.value.key == key.id) {
        latch.still_held()?;
        service.book.remove(&label, kept.object)?;
        service.is_done(&label);
    }
    Ok(())
}

/// Removes what is left of the keys of a store that is gone.
pub fn clear(call: &Call, store: &StoreRecord) -> Result<()> {
    for (label, kept) in all(call, store)? {
        call.service.book.remove(&label, kept.object)?;
        call.service.is_done(&label);
    }
    Ok(())
}

fn all(call: &Call, store: &StoreRecord) -> Result<Vec<(String, Kept<Member>)>> {
    let prefix = label::members_of(&store.account, &store.region, &store.id);
    let mut all = Vec::new();
    for name in call.service.book.names(&prefix, None, usize::MAX)? {
        if let Some(kept) = call.service.book.read(&name)? {
            all.push((name, kept));
        }
    }
    Ok(all)
}

/// How it stands with a member's key.
#[derive(PartialEq, Eq)]
enum Life {
    /// It is there, even half made.
    Here,
    /// It isn't there, and may be in a moment.
    Coming,
    /// It has gone, or never came.
    Over,
}

fn life(call: &Call, store: &StoreRecord, label: &str, member: &Member) -> Result<Life> {
    let service = call.service;
    let Some(key) =
        service.book.read::<KeyRecord>(&label::key(&store.account, &store.region, &member.key))?
    else {
        let over = service.is_left_behind(label, &member.key);
        return Ok(if over { Life::Over } else { Life::Coming });
    };
    service.is_done(label);
    let deletion = key.value.deletion.as_ref().and_then(|deletion| deletion.at);
    Ok(if deletion.is_some_and(|at| at <= call.now) { Life::Over } else { Life::Here })
}
