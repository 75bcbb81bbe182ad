//! A multi-Region key is a family of records, one in each Region. They share id, material, public key and rotation; policy, tags, description,
//! state and deletion are each one's own. Imported material is shared by its id, but every Region has its own import of it.
//!
//! A change of what is shared is written to the Region where it began, then to the others, under the family's one latch. If that is cut short,
//! the records differ in their revision; the highest is right, and housekeeping carries it to the rest.

use crate::book::label;
use crate::hsm::error::Result;
use crate::keys::record::{KeyRecord, Material, Origin};
use crate::service::Service;

impl KeyRecord {
    /// Takes over what the Regions share.
    pub fn adopt(&mut self, other: &Self) {
        let (Some(own), Some(shared)) = (&mut self.multi_region, &other.multi_region) else { return };
        own.primary.clone_from(&shared.primary);
        own.regions.clone_from(&shared.regions);
        own.revision = shared.revision;
        self.rotation.clone_from(&other.rotation);
        self.public_key.clone_from(&other.public_key);
        if self.origin == Origin::External {
            self.adopt_imported(&other.materials);
        } else {
            self.materials.clone_from(&other.materials);
        }
    }

    /// How often what the Regions share was changed.
    pub fn revision(&self) -> u64 {
        self.multi_region.as_ref().map_or(0, |multi| multi.revision)
    }

    /// Whether what the Regions share differs.
    pub fn shares_otherwise_than(&self, other: &Self) -> bool {
        let mut taught = other.clone();
        taught.adopt(self);
        taught != *other
    }

    /// The same materials in the same order; which of them are here, and until when, stays as it is. What the others gave up goes.
    fn adopt_imported(&mut self, shared: &[Material]) {
        let own = std::mem::take(&mut self.materials);
        for gone in own.iter().filter(|own| shared.iter().all(|shared| shared.id != own.id)) {
            self.loose.extend(gone.object.clone());
        }
        let here = |id: &str| own.iter().find(|own| own.id == id);
        self.materials = shared
            .iter()
            .map(|shared| {
                let here = here(&shared.id);
                let (object, import) =
                    here.map_or((None, None), |here| (here.object.clone(), here.import.clone()));
                Material { object, import, ..shared.clone() }
            })
            .collect();
    }
}

impl Service {
    /// The records of the same key in other Regions, drafts too.
    pub fn relatives(&self, record: &KeyRecord) -> Result<Vec<KeyRecord>> {
        let Some(multi) = &record.multi_region else { return Ok(Vec::new()) };
        let mut relatives = Vec::new();
        for region in multi.regions.iter().filter(|region| **region != record.region) {
            if let Some(kept) =
                self.book.read::<KeyRecord>(&label::key(&record.account, region, &record.id))?
            {
                relatives.push(KeyRecord::clone(&kept.value));
            }
        }
        Ok(relatives)
    }
}
