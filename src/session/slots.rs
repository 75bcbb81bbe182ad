//! Which slots there are.
//!
//! A slot listed in the configuration has the id written there. In a data folder, slot N is the folder `slots/N`; its id
//! is its name and nothing ever changes it. One more slot, the lowest number not in use, stands free for `C_InitToken`.

use super::Slot;
use crate::config::{Config, Place, SlotSettings, TokenSettings};
use crate::logging;
use crate::store::Store;
use crate::token::local::LocalToken;
use crate::token::remote::RemoteToken;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Slots by id.
pub(super) type Slots = BTreeMap<u64, Arc<Slot>>;

/// Adds the slots that are not there yet. Those that are stay as they are, whatever has happened to their folders.
pub(super) fn look(config: &Config, slots: &mut Slots) {
    for listed in &config.slots {
        let settings = listed.token.as_ref().unwrap_or(&config.token);
        let made = || listed_slot(listed, settings);
        slots.entry(listed.id).or_insert_with(made);
    }
    let Some(data_dir) = &config.data_dir else { return };
    let folder = data_dir.join("slots");
    let taken = tokens_in(&folder);
    let in_use = |id: &u64| taken.contains(id) || config.slots.iter().any(|listed| listed.id == *id);
    let free = (0..).find(|id| !in_use(id));
    for id in taken.iter().copied().chain(free) {
        let Some(folder) = config.folder_of(id) else { continue };
        slots.entry(id).or_insert_with(|| local_slot(id, default_description(id), folder, &config.token));
    }
}

fn listed_slot(listed: &SlotSettings, settings: &TokenSettings) -> Arc<Slot> {
    let description = listed.description.clone().unwrap_or_else(|| default_description(listed.id));
    match &listed.place {
        Place::Folder { path } => local_slot(listed.id, description, path.clone(), settings),
        Place::Cluster(nodes) => {
            let token = RemoteToken::new(nodes.clone());
            Arc::new(Slot::new(listed.id, description, Box::new(token), settings.clone()))
        }
    }
}

fn local_slot(id: u64, description: String, folder: PathBuf, settings: &TokenSettings) -> Arc<Slot> {
    let token = LocalToken::new(folder, settings.clone());
    Arc::new(Slot::new(id, description, Box::new(token), settings.clone()))
}

fn default_description(id: u64) -> String {
    format!("Cloister slot {id}")
}

/// The numbers of the folders in `folder` that hold a token. One that is missing holds none, it is made with the first token;
/// of one that can't be read the log says so.
fn tokens_in(folder: &Path) -> Vec<u64> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                let what = format!("the folder of slots {} can't be read ({error})", folder.display());
                logging::error_once(&format!(
                    "{what}: its tokens are not seen; check the path and permissions"
                ));
            }
            return Vec::new();
        }
    };
    let mut ids: Vec<u64> = entries
        .flatten()
        .filter(|entry| Store::is_in(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str().and_then(slot_number))
        .collect();
    ids.sort_unstable();
    ids
}

/// The slot number a folder is named after: decimal digits as they are printed, nothing else.
fn slot_number(name: &str) -> Option<u64> {
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_name_a_slot() {
        assert_eq!(slot_number("7"), Some(7));
        for odd in ["", "07", "+7", "-1", "7 ", "x"] {
            assert_eq!(slot_number(odd), None, "{odd:?}");
        }
    }
}
