//! Where imported material belongs in its key: the rules of ImportKeyMaterial, apart from all wrapping.

use serde::Deserialize;

use crate::api::error::{Code, Fault, Result};
use crate::clock::Moment;
use crate::keys::record::{Cause, Import, KeyRecord, Material};

/// Whether the material is said to be new to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the API's own names")]
pub enum ImportType {
    NewKeyMaterial,
    ExistingKeyMaterial,
}

/// What the request says of the material.
pub struct Said {
    /// New or not; none if it doesn't say.
    pub import_type: Option<ImportType>,
    /// The id it is expected to have.
    pub id: Option<String>,
    /// Its description; the one of its last import unless it says.
    pub description: Option<String>,
    /// When it expires.
    pub expires: Option<Moment>,
}

impl Said {
    /// Whether the material is to be new: unless it is said, the first is.
    pub fn is_new(&self, record: &KeyRecord) -> bool {
        self.import_type
            .map_or(record.materials.is_empty(), |import_type| import_type == ImportType::NewKeyMaterial)
    }
}

/// Puts the material `id`, which is in the HSM as `object`, into the key. The object that it replaces, if it does.
pub fn place(
    record: &mut KeyRecord,
    said: &Said,
    id: &str,
    object: &str,
    now: Moment,
) -> Result<Option<String>> {
    let expected = said.id.as_deref().is_none_or(|expected| expected == id);
    let known = record.material(id).is_some();
    if !expected || known == said.is_new(record) {
        return Err(incorrect(record));
    }
    if known {
        Ok(replace(record, said, id, object))
    } else {
        add(record, said, id, object, now).map(|()| None)
    }
}

fn replace(record: &mut KeyRecord, said: &Said, id: &str, object: &str) -> Option<String> {
    let material = record.materials.iter_mut().find(|material| material.id == id)?;
    let before = material.import.take().and_then(|import| import.description);
    material.import =
        Some(Import { expires: said.expires, description: said.description.clone().or(before) });
    material.object.replace(object.to_owned())
}

fn add(record: &mut KeyRecord, said: &Said, id: &str, object: &str, now: Moment) -> Result<()> {
    let cause = if record.materials.is_empty() { Cause::First } else { Cause::Pending };
    if cause == Cause::Pending {
        may_wait(record)?;
    }
    let import = Some(Import { expires: said.expires, description: said.description.clone() });
    record.materials.push(Material {
        id: id.to_owned(),
        object: Some(object.to_owned()),
        since: now,
        cause,
        import,
    });
    Ok(())
}

/// Whether the key takes another material, to be rotated to: symmetric keys do, one at a time, the primary first.
fn may_wait(record: &KeyRecord) -> Result<()> {
    let arn = record.arn();
    if !record.rotates() {
        return Err(incorrect(record));
    }
    if record.is_replica() {
        return Err(Code::UnsupportedOperationException.because(format!(
            "{arn} is a multi-Region replica key; new key material is imported into its primary key first."
        )));
    }
    if record.materials.iter().any(|material| material.cause == Cause::Pending) {
        return Err(Code::KMSInvalidStateException
            .because(format!("{arn} already has key material that is pending rotation.")));
    }
    Ok(())
}

/// The refusal of material that isn't what was expected.
pub fn incorrect(record: &KeyRecord) -> Fault {
    Code::IncorrectKeyMaterialException.because(format!(
        "The key material is not what {} expects: it is of another kind, or not the material that was meant.",
        record.arn()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::record::Origin;
    use crate::keys::testing;

    const NOW: Moment = Moment(1000);

    fn empty() -> KeyRecord {
        KeyRecord { origin: Origin::External, materials: Vec::new(), ..testing::record("1") }
    }

    fn said(import_type: Option<ImportType>) -> Said {
        Said { import_type, id: None, description: None, expires: None }
    }

    fn refused(result: Result<Option<String>>) -> Code {
        result.expect_err("a refusal").code
    }

    #[test]
    fn k54_only_the_same_material_comes_back() {
        let mut key = empty();
        assert_eq!(place(&mut key, &said(None), "a", "1", NOW), Ok(None));
        assert_eq!(refused(place(&mut key, &said(None), "b", "2", NOW)), Code::IncorrectKeyMaterialException);
        key.materials[0].object = None;
        key.materials[0].import = Some(Import { expires: None, description: Some("mine".to_owned()) });
        assert_eq!(place(&mut key, &said(None), "a", "3", NOW), Ok(None));
        assert_eq!(place(&mut key, &said(None), "a", "4", NOW), Ok(Some("3".to_owned())));
        assert_eq!(
            key.materials[0].import.as_ref().and_then(|import| import.description.as_deref()),
            Some("mine")
        );
        assert_eq!(
            refused(place(&mut key, &said(Some(ImportType::NewKeyMaterial)), "a", "5", NOW)),
            Code::IncorrectKeyMaterialException
        );
        let other = Said { id: Some("b".to_owned()), ..said(None) };
        assert_eq!(refused(place(&mut key, &other, "a", "6", NOW)), Code::IncorrectKeyMaterialException);
    }

    #[test]
    fn k56_new_material_waits_for_its_rotation_one_at_a_time() {
        let new = said(Some(ImportType::NewKeyMaterial));
        let mut key = empty();
        place(&mut key, &new, "a", "1", NOW).expect("the first");
        place(&mut key, &new, "b", "2", NOW).expect("the next");
        assert_eq!(key.current().map(|current| current.id.as_str()), Some("a"));
        assert_eq!(refused(place(&mut key, &new, "c", "3", NOW)), Code::KMSInvalidStateException);
        let mut hmac =
            KeyRecord { spec: crate::keys::spec::Spec::named("HMAC_256").expect("a kind"), ..empty() };
        place(&mut hmac, &new, "a", "1", NOW).expect("the first");
        assert_eq!(refused(place(&mut hmac, &new, "b", "2", NOW)), Code::IncorrectKeyMaterialException);
    }
}
