//! Which keys a store has: a small record for each, named after the store and the key (in an external key store: after the external key, which is
//! thereby used once). It is made before the key and may outlive it; what it says counts as long as that key is there.

use serde::{Deserialize, Serialize};

use super::record::StoreRecord;
use crate::api::error::{Code, Result};
use crate::book::{Kept, label};
use crate::clock::Moment;
use crate::keys::create::DRAFTED_AT_MOST;
use crate::keys::record::KeyRecord;
use crate::service::Call;

/// A key of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The key's id.
    pub key: String,
    /// When it was claimed, by the real time: the key comes soon after.
    pub since: Moment,
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
    let member = Member { key: key.to_owned(), since: Moment::real() };
    match book.read::<Member>(&label)? {
        None => {
            latch.still_held()?;
            book.create(&label, &member)?;
        }
        Some(kept) if !lives(call, store, &kept.value)? => {
            latch.still_held()?;
            book.replace(&label, kept.object, &member)?;
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
    for Kept { value, .. } in all(call, store)?.into_iter().map(|(_, kept)| kept) {
        if lives(call, store, &value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what is left of the keys of a store that is gone.
pub fn clear(call: &Call, store: &StoreRecord) -> Result<()> {
    for (label, kept) in all(call, store)? {
        call.service.book.remove(&label, kept.object)?;
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

/// Whether the key is there, even half made, or may be there in a moment.
fn lives(call: &Call, store: &StoreRecord, member: &Member) -> Result<bool> {
    let record =
        call.service.book.read::<KeyRecord>(&label::key(&store.account, &store.region, &member.key))?;
    let deleted = |key: &KeyRecord| {
        key.deletion.as_ref().and_then(|deletion| deletion.at).is_some_and(|at| at <= call.now)
    };
    let soon = i64::try_from(DRAFTED_AT_MOST.as_millis()).unwrap_or(i64::MAX);
    Ok(match record {
        Some(record) => !deleted(&record.value),
        None => Moment::real() <= member.since.plus(soon),
    })
}
