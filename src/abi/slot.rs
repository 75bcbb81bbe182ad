//! Slot and token management functions (PKCS#11 3.2, section 5.5), but for those that need a session.

use super::args::{Pointer, UNAVAILABLE, list, padded, pin};
use super::general::{MANUFACTURER, VERSION};
use crate::error::{Error, Result};
use crate::pin::{NAME_MAX, PIN_LENGTHS};
use crate::session::{Library, SlotTokenInfo};
use crate::token::PinState;
use cryptoki_sys as ck;
use cryptoki_sys::{CK_FLAGS, CK_ULONG};
use std::ffi::c_void;

/// Bytes of the longest PIN: `name:password`.
const MAX_PIN: usize = NAME_MAX + 1 + *PIN_LENGTHS.end();

/// `C_GetSlotList`. There is a token in every slot, so `with_token` changes nothing. Slots that have appeared are
/// counted from the next call with a NULL list on.
pub(super) fn slots(
    library: &Library,
    _with_token: ck::CK_BBOOL,
    slots: Pointer<CK_ULONG>,
    count: Pointer<CK_ULONG>,
) -> Result<()> {
    list(&library.slots(slots.is_null()), slots, count.required()?)
}

/// `C_GetSlotInfo`.
pub(super) fn slot_info(library: &Library, slot: CK_ULONG, info: Pointer<ck::CK_SLOT_INFO>) -> Result<()> {
    let slot = library.slot(slot)?.info();
    info.write(ck::CK_SLOT_INFO {
        slotDescription: padded(&slot.description),
        manufacturerID: padded(MANUFACTURER),
        flags: ck::CKF_TOKEN_PRESENT,
        hardwareVersion: VERSION,
        firmwareVersion: VERSION,
    })
}

/// `C_GetTokenInfo`.
pub(super) fn token_info(library: &Library, slot: CK_ULONG, info: Pointer<ck::CK_TOKEN_INFO>) -> Result<()> {
    let info = info.required()?;
    let known = library.slot(slot)?.token_info()?;
    info.write(ck::CK_TOKEN_INFO {
        label: padded(&known.token.label),
        manufacturerID: padded(MANUFACTURER),
        model: padded("Cloister"),
        serialNumber: padded(&known.token.serial),
        flags: token_flags(&known),
        ulMaxSessionCount: ck::CK_EFFECTIVELY_INFINITE,
        ulSessionCount: known.sessions,
        ulMaxRwSessionCount: ck::CK_EFFECTIVELY_INFINITE,
        ulRwSessionCount: known.read_write_sessions,
        ulMaxPinLen: MAX_PIN as CK_ULONG,
        ulMinPinLen: *PIN_LENGTHS.start() as CK_ULONG,
        ulTotalPublicMemory: UNAVAILABLE,
        ulFreePublicMemory: UNAVAILABLE,
        ulTotalPrivateMemory: UNAVAILABLE,
        ulFreePrivateMemory: UNAVAILABLE,
        hardwareVersion: VERSION,
        firmwareVersion: VERSION,
        utcTime: padded(""), // no CKF_CLOCK_ON_TOKEN
    })
}

fn token_flags(known: &SlotTokenInfo) -> CK_FLAGS {
    let token = &known.token;
    let when = |state: bool, flag: CK_FLAGS| if state { flag } else { 0 };
    let user = [ck::CKF_USER_PIN_COUNT_LOW, ck::CKF_USER_PIN_FINAL_TRY, ck::CKF_USER_PIN_LOCKED];
    let officer = [ck::CKF_SO_PIN_COUNT_LOW, ck::CKF_SO_PIN_FINAL_TRY, ck::CKF_SO_PIN_LOCKED];
    ck::CKF_RNG
        | ck::CKF_LOGIN_REQUIRED
        | ck::CKF_DUAL_CRYPTO_OPERATIONS
        | when(token.initialized, ck::CKF_TOKEN_INITIALIZED)
        | when(token.user_pin_initialized, ck::CKF_USER_PIN_INITIALIZED)
        | when(token.write_protected, ck::CKF_WRITE_PROTECTED)
        | pin_flags(token.user_pin, user)
        | pin_flags(token.officer_pin, officer)
}

/// The flags of a PIN's state: "at least one failed try" stays true down to the last.
fn pin_flags(state: PinState, [count_low, final_try, locked]: [CK_FLAGS; 3]) -> CK_FLAGS {
    match state {
        PinState::Fresh => 0,
        PinState::CountLow => count_low,
        PinState::FinalTry => count_low | final_try,
        PinState::Locked => count_low | locked,
    }
}

/// `C_GetMechanismList`.
pub(super) fn mechanisms(
    library: &Library,
    slot: CK_ULONG,
    mechanisms: Pointer<CK_ULONG>,
    count: Pointer<CK_ULONG>,
) -> Result<()> {
    let slot = library.slot(slot)?;
    let numbers: Vec<CK_ULONG> = slot.mechanisms().map(|row| row.id).collect();
    list(&numbers, mechanisms, count)
}

/// `C_GetMechanismInfo`.
pub(super) fn mechanism_info(
    library: &Library,
    slot: CK_ULONG,
    mechanism: CK_ULONG,
    info: Pointer<ck::CK_MECHANISM_INFO>,
) -> Result<()> {
    let slot = library.slot(slot)?;
    let row = slot.mechanisms().find(|row| row.id == mechanism).ok_or(Error::MechanismInvalid)?;
    let (smallest, largest) = row.sizes;
    info.write(ck::CK_MECHANISM_INFO { ulMinKeySize: smallest, ulMaxKeySize: largest, flags: row.flags })
}

/// `C_InitToken`.
pub(super) fn init_token(
    library: &Library,
    slot: CK_ULONG,
    officer_pin: Pointer<u8>,
    pin_length: CK_ULONG,
    label: Pointer<u8>,
) -> Result<()> {
    let slot = library.slot(slot)?;
    let label: [u8; 32] = label.cast().read()?;
    let label = std::str::from_utf8(&label).map_err(|_| Error::ArgumentsBad)?;
    // Blanks by the standard; zeros by callers that take it for a C string.
    slot.init_token(pin(officer_pin, pin_length)?, label.trim_end_matches([' ', '\0']))
}

/// `C_WaitForSlotEvent`. Slots have their tokens for good, so no event ever comes: waiting for one would be for ever,
/// and is not offered.
pub(super) fn wait_for_event(
    _: &Library,
    flags: CK_FLAGS,
    slot: Pointer<CK_ULONG>,
    reserved: Pointer<c_void>,
) -> Result<()> {
    slot.required()?;
    if !reserved.is_null() {
        return Err(Error::ArgumentsBad);
    }
    if flags & ck::CKF_DONT_BLOCK != 0 { Err(Error::NoEvent) } else { Err(Error::FunctionNotSupported) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_pin_shows_its_failed_tries_too() {
        assert_eq!(pin_flags(PinState::Fresh, [1, 2, 4]), 0);
        assert_eq!(pin_flags(PinState::CountLow, [1, 2, 4]), 1);
        assert_eq!(pin_flags(PinState::FinalTry, [1, 2, 4]), 3);
        assert_eq!(pin_flags(PinState::Locked, [1, 2, 4]), 5);
    }

    #[test]
    fn a_new_token_shows_only_what_it_can_do() {
        let flags =
            token_flags(&SlotTokenInfo { token: Default::default(), sessions: 0, read_write_sessions: 0 });
        assert_eq!(flags, ck::CKF_RNG | ck::CKF_LOGIN_REQUIRED | ck::CKF_DUAL_CRYPTO_OPERATIONS);
    }
}
