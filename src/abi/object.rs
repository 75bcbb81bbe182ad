//! Object management functions (PKCS#11 3.2, section 5.7).

use super::args::Pointer;
use super::template;
use crate::error::Result;
use crate::session::Session;
use cryptoki_sys::{CK_ATTRIBUTE, CK_ULONG};

/// `C_CreateObject`.
pub(super) fn create(
    session: &Session,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    object: Pointer<CK_ULONG>,
) -> Result<()> {
    let object = object.required()?;
    object.write(session.create_object(&template::read(template, count)?)?)
}

/// `C_CopyObject`.
pub(super) fn copy(
    session: &Session,
    object: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    copy: Pointer<CK_ULONG>,
) -> Result<()> {
    let copy = copy.required()?;
    copy.write(session.copy_object(object, &template::read(template, count)?)?)
}

/// `C_DestroyObject`.
pub(super) fn destroy(session: &Session, object: CK_ULONG) -> Result<()> {
    session.destroy_object(object)
}

/// `C_GetObjectSize`.
pub(super) fn size(session: &Session, object: CK_ULONG, size: Pointer<CK_ULONG>) -> Result<()> {
    let size = size.required()?;
    size.write(session.object_size(object)?)
}

/// `C_GetAttributeValue`.
pub(super) fn attributes(
    session: &Session,
    object: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<()> {
    let wanted = template::wanted(template, count)?;
    template::answer(template, &session.attributes(object, &wanted)?)
}

/// `C_SetAttributeValue`.
pub(super) fn set_attributes(
    session: &Session,
    object: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<()> {
    session.set_attributes(object, &template::read(template, count)?)
}

/// `C_FindObjectsInit`.
pub(super) fn find_init(session: &Session, template: Pointer<CK_ATTRIBUTE>, count: CK_ULONG) -> Result<()> {
    session.find_init(&template::read_search(template, count)?)
}

/// `C_FindObjects`.
pub(super) fn find(
    session: &Session,
    objects: Pointer<CK_ULONG>,
    most: CK_ULONG,
    count: Pointer<CK_ULONG>,
) -> Result<()> {
    let most = objects.extent(most)?;
    let count = count.required()?;
    let found = session.find(most)?;
    let told = found.iter().take(most).enumerate();
    told.clone().try_for_each(|(index, handle)| objects.at(index).write(*handle))?;
    count.write(told.count() as CK_ULONG)
}

/// `C_FindObjectsFinal`.
pub(super) fn find_final(session: &Session) -> Result<()> {
    session.find_final()
}
